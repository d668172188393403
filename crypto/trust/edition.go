package trust

import (
	"crypto"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// Edition is a signed step of the terminology table from one edition to the
// next. What its text says is not this package's business.
type Edition struct {
	Number uint32 // from 2; the first is part of every program
	Issued time.Time
	Before [32]byte // digest of the table that it follows
	After  [32]byte // digest of the table that it makes
	Rows   []uint32 // of that table, by slot; 16 at most
	Text   string
}

// editionWire is the payload:
//
//	{ 1: number, 2: issued, 3: before bstr(32), 4: after bstr(32), 5: [1*16 uint], 6: text tstr }
type editionWire struct {
	Number uint32   `cbor:"1,keyasint"`
	Issued uint32   `cbor:"2,keyasint"`
	Before []byte   `cbor:"3,keyasint"`
	After  []byte   `cbor:"4,keyasint"`
	Rows   []uint32 `cbor:"5,keyasint"`
	Text   string   `cbor:"6,keyasint"`
}

// MaxEdition bounds the text of an edition, in bytes.
const MaxEdition = 4 << 20

const maxSlots = 16

func (w *editionWire) valid() bool {
	return w.Number > 1 && w.Issued <= maxMinutes && len(w.Before) == 32 && len(w.After) == 32 &&
		len(w.Rows) > 0 && len(w.Rows) <= maxSlots && len(w.Text) <= MaxEdition && utf8.ValidString(w.Text)
}

// SignEdition makes a signed edition. It owes ErrFormat.
func SignEdition(signer crypto.Signer, e Edition) ([]byte, error) {
	issued, err := toMinutes(e.Issued)
	if err != nil {
		return nil, fmt.Errorf("sign edition %d: %w", e.Number, err)
	}
	w := editionWire{e.Number, issued, e.Before[:], e.After[:], e.Rows, e.Text}
	if !w.valid() {
		return nil, fmt.Errorf("sign edition %d: %w", e.Number, ErrFormat)
	}
	payload, err := cose.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("sign edition %d: %w", e.Number, err)
	}
	return sign(signer, payload, aadEdition)
}

// Edition checks a signed edition against the terminology keys of the trust
// list, at the edition's own time. It owes ErrFormat, ErrSignature,
// ErrUnknownKey, ErrKeyRevoked and ErrKeyExpired.
func (s *Store) Edition(raw []byte) (Edition, error) {
	e, err := s.edition(raw)
	if err != nil {
		return Edition{}, fmt.Errorf("read edition: %w", err)
	}
	return e, nil
}

func (s *Store) edition(raw []byte) (Edition, error) {
	var w editionWire
	kid, err := s.openTerms(raw, aadEdition, &w)
	if err != nil {
		return Edition{}, err
	}
	if !w.valid() {
		return Edition{}, ErrFormat
	}
	e := Edition{w.Number, fromMinutes(w.Issued), [32]byte(w.Before), [32]byte(w.After), w.Rows, w.Text}
	_, err = s.valid(kid, e.Issued, UsageTerms)
	return e, err
}

// openTerms reads the payload of a message that a terminology key has signed;
// whether the key counts at the message's time is for the caller to ask. It owes
// ErrFormat, ErrSignature and ErrUnknownKey.
func (s *Store) openTerms(raw []byte, aad string, payload any) (kid [4]byte, err error) {
	m, err := cose.ParseSign1(raw)
	if err != nil {
		return kid, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if kid, err = keyID(m); err != nil {
		return kid, err
	}
	key, err := s.trust.Load().find(kid, UsageTerms)
	if err != nil {
		return kid, err
	}
	if err := m.Verify(key.Public, []byte(aad)); err != nil {
		return kid, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if err := cose.Unmarshal(m.Payload, payload); err != nil {
		return kid, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return kid, nil
}
