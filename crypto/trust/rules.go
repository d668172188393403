package trust

import (
	"crypto"
	"crypto/sha256"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// Kinds of rules. The kind is part of what is signed.
const (
	RulesAlerts = "alerts" // the table of alerts
	RulesCover  = "cover"  // the rules of entitlement, with their days
)

// Rules is a signed edition of rules, whole: it takes the place of the one
// before. What its text says is not this package's business.
type Rules struct {
	Format uint32 // of the text; from 1
	Number uint32 // from 2; the first is part of every program
	Issued time.Time
	Text   string
}

// Digest is the SHA-256 of the text.
func (r Rules) Digest() [32]byte { return sha256.Sum256([]byte(r.Text)) }

// rulesWire is the payload:
//
//	{ 1: format, 2: number, 3: issued, 4: text tstr }
type rulesWire struct {
	Format uint32 `cbor:"1,keyasint"`
	Number uint32 `cbor:"2,keyasint"`
	Issued uint32 `cbor:"3,keyasint"`
	Text   string `cbor:"4,keyasint"`
}

// RulesFormat is the format of the texts that this program reads, MaxRules
// bounds them, in bytes.
const (
	RulesFormat = 1
	MaxRules    = 1 << 20
)

func (w *rulesWire) check() error {
	switch {
	case w.Format == 0 || w.Number < 2 || w.Issued > maxMinutes || !utf8.ValidString(w.Text):
		return ErrFormat
	case w.Format != RulesFormat:
		return fmt.Errorf("format %d: %w", w.Format, ErrRulesFormat)
	case len(w.Text) > MaxRules:
		return fmt.Errorf("%d bytes: %w", len(w.Text), ErrTooLarge)
	}
	return nil
}

// SignRules makes a signed edition of a kind of rules. It owes ErrFormat,
// ErrRulesFormat and ErrTooLarge.
func SignRules(signer crypto.Signer, kind string, r Rules) ([]byte, error) {
	issued, err := toMinutes(r.Issued)
	if err != nil {
		return nil, fmt.Errorf("sign %s rules %d: %w", kind, r.Number, err)
	}
	w := rulesWire{r.Format, r.Number, issued, r.Text}
	if err := w.check(); err != nil {
		return nil, fmt.Errorf("sign %s rules %d: %w", kind, r.Number, err)
	}
	payload, err := cose.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("sign %s rules %d: %w", kind, r.Number, err)
	}
	return sign(signer, payload, aadRules+kind)
}

// Rules checks a signed edition of a kind of rules against the terminology keys
// of the trust list, at the edition's own time. It owes what Edition owes,
// ErrRulesFormat and ErrTooLarge.
func (s *Store) Rules(kind string, raw []byte) (Rules, error) {
	var w rulesWire
	kid, err := s.openTerms(raw, aadRules+kind, &w)
	if err == nil {
		err = w.check()
	}
	r := Rules{w.Format, w.Number, fromMinutes(w.Issued), w.Text}
	if err == nil {
		_, err = s.valid(kid, r.Issued, UsageTerms)
	}
	if err != nil {
		return Rules{}, fmt.Errorf("read %s rules: %w", kind, err)
	}
	return r, nil
}
