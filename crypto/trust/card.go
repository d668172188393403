package trust

import (
	"crypto"
	"crypto/ecdh"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
)

// The sizes of the files on the card, in bytes.
const (
	MaxCardSecurity = 512
	MaxIDFile       = 2048
)

const securityVersion = 1

// CardSecurity is the content of EF.CardSecurity: the card's number and the
// public key by which Chip Authentication proves that it is no copy.
type CardSecurity struct {
	Card     [8]byte
	Public   *ecdh.PublicKey // P-256
	NotAfter time.Time       // last day of the card
}

// securityWire is the payload:
//
//	{ 1: card bstr(8), 2: 1, 3: point bstr(65), 4: last day, days since 2000-01-01 }
type securityWire struct {
	Card    []byte `cbor:"1,keyasint"`
	Version uint8  `cbor:"2,keyasint"`
	Public  []byte `cbor:"3,keyasint"`
	Last    uint32 `cbor:"4,keyasint"`
}

const maxDays = maxMinutes / (24 * 60)

// SignCardSecurity makes EF.CardSecurity. It owes ErrFormat.
func SignCardSecurity(issuer crypto.Signer, c CardSecurity) ([]byte, error) {
	minutes, err := toMinutes(c.NotAfter)
	if err != nil || c.Public == nil || c.Public.Curve() != ecdh.P256() {
		return nil, fmt.Errorf("sign card security: %w", ErrFormat)
	}
	payload, err := cose.Marshal(securityWire{c.Card[:], securityVersion, c.Public.Bytes(), minutes / (24 * 60)})
	if err != nil {
		return nil, fmt.Errorf("sign card security: %w", err)
	}
	return sign(issuer, payload, aadSecurity)
}

// CardSecurity checks EF.CardSecurity against the issuers and the day. It owes
// ErrFormat, ErrUnknownIssuer, ErrSignature and, with the content, ErrExpired.
func (s *Store) CardSecurity(raw []byte, now time.Time) (CardSecurity, error) {
	payload, err := s.issued(raw, aadSecurity, MaxCardSecurity)
	if err != nil {
		return CardSecurity{}, fmt.Errorf("read card security: %w", err)
	}
	var w securityWire
	if err := cose.Unmarshal(payload, &w); err != nil {
		return CardSecurity{}, fmt.Errorf("read card security: %w: %w", ErrFormat, err)
	}
	if len(w.Card) != cardSize || w.Version != securityVersion || w.Last > maxDays {
		return CardSecurity{}, fmt.Errorf("read card security: %w", ErrFormat)
	}
	pub, err := ecdh.P256().NewPublicKey(w.Public)
	if err != nil {
		return CardSecurity{}, fmt.Errorf("read card security: point is not on P-256: %w", ErrFormat)
	}
	c := CardSecurity{Card: [8]byte(w.Card), Public: pub, NotAfter: epochZero.AddDate(0, 0, int(w.Last))}
	if !now.Before(c.NotAfter.AddDate(0, 0, 1)) {
		return c, fmt.Errorf("card ended %s: %w", c.NotAfter.Format(time.DateOnly), ErrExpired)
	}
	return c, nil
}

// IDFile is the content of EF.ID: whose card it is, which persons it carries,
// and what the holder is entitled to. It does not print what it holds.
type IDFile struct {
	Card     [8]byte
	Subjects envelope.Subjects // of every person on the card
	Identity []byte            // record.Identity, encoded
	Cover    []byte            // record.Cover, encoded; empty when there is none
	Issued   time.Time
}

// idWire is the payload:
//
//	{ 1: card bstr(8), 2: subjects bstr, 3: identity bstr, 4: cover bstr, 5: issued, minutes since 2000 }
type idWire struct {
	Card     []byte `cbor:"1,keyasint"`
	Subjects []byte `cbor:"2,keyasint"`
	Identity []byte `cbor:"3,keyasint"`
	Cover    []byte `cbor:"4,keyasint"`
	Issued   uint32 `cbor:"5,keyasint"`
}

// Format implements fmt.Formatter.
func (f IDFile) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, fmt.Sprintf("EF.ID of card %x", f.Card))
}

// LogValue implements slog.LogValuer.
func (f IDFile) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(f)) }

// SignIdentity makes EF.ID. It owes ErrFormat, also when the file would be
// longer than the card's.
func SignIdentity(issuer crypto.Signer, f IDFile) ([]byte, error) {
	issued, err := toMinutes(f.Issued)
	if err != nil {
		return nil, fmt.Errorf("sign identity: %w", err)
	}
	payload, err := cose.Marshal(idWire{f.Card[:], f.Subjects.Bytes(), f.Identity, f.Cover, issued})
	if err != nil {
		return nil, fmt.Errorf("sign identity: %w", err)
	}
	raw, err := sign(issuer, payload, aadIdentity)
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxIDFile {
		return nil, fmt.Errorf("sign identity of %d bytes: %w", len(raw), ErrFormat)
	}
	return raw, nil
}

// Identity checks EF.ID against the issuers. The caller compares the card's
// number with that of EF.CardSecurity. It owes ErrFormat, ErrUnknownIssuer and
// ErrSignature.
func (s *Store) Identity(raw []byte) (IDFile, error) {
	payload, err := s.issued(raw, aadIdentity, MaxIDFile)
	if err != nil {
		return IDFile{}, fmt.Errorf("read identity: %w", err)
	}
	var w idWire
	if err := cose.Unmarshal(payload, &w); err != nil {
		return IDFile{}, fmt.Errorf("read identity: %w: %w", ErrFormat, err)
	}
	if len(w.Card) != cardSize || w.Issued > maxMinutes {
		return IDFile{}, fmt.Errorf("read identity: %w", ErrFormat)
	}
	subjects, err := envelope.ParseSubjects(w.Subjects)
	if err != nil {
		return IDFile{}, fmt.Errorf("read identity: %w: %w", ErrFormat, err)
	}
	return IDFile{
		Card: [8]byte(w.Card), Subjects: subjects, Identity: w.Identity, Cover: w.Cover, Issued: fromMinutes(w.Issued),
	}, nil
}

// issued reads a message that an issuer has to have signed.
func (s *Store) issued(raw []byte, aad string, limit int) ([]byte, error) {
	if len(raw) > limit {
		return nil, fmt.Errorf("%d bytes: %w", len(raw), ErrFormat)
	}
	m, err := cose.ParseSign1(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	kid, err := keyID(m)
	if err != nil {
		return nil, err
	}
	key, err := s.issuer(kid)
	if err != nil {
		return nil, err
	}
	if err := m.Verify(key.Public, []byte(aad)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return m.Payload, nil
}
