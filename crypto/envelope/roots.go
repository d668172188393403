package envelope

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"

	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
)

// RootsSize is the length of a card's root keys, in bytes.
const RootsSize = record.NumSections * KeySize

const personLabel = "dhamani person v1"

// Roots are the six root section keys of a card, from which those of each
// person on it are derived. They never leave the centre. They print as
// redacted.
type Roots struct {
	keys [record.NumSections]redact.Bytes
}

// Format implements fmt.Formatter.
func (r Roots) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redact.Mark) }

// LogValue implements slog.LogValuer.
func (r Roots) LogValue() slog.Value { return slog.StringValue(redact.Mark) }

// NewRoots makes the root keys of a card.
func NewRoots(rand io.Reader) (*Roots, error) {
	raw := make([]byte, RootsSize)
	if _, err := io.ReadFull(rand, raw); err != nil {
		return nil, fmt.Errorf("make root keys: %w", err)
	}
	defer clear(raw)
	return ParseRoots(raw)
}

// ParseRoots reads what Bytes writes. It owes ErrFormat.
func ParseRoots(raw []byte) (*Roots, error) {
	if len(raw) != RootsSize {
		return nil, fmt.Errorf("root keys of %d bytes: %w", len(raw), ErrFormat)
	}
	var r Roots
	for i := range r.keys {
		r.keys[i] = redact.NewBytes(append([]byte(nil), raw[i*KeySize:(i+1)*KeySize]...))
	}
	return &r, nil
}

// Bytes returns the six keys joined in the order of the sections, in the form
// in which the centre wraps them.
func (r *Roots) Bytes() []byte {
	out := make([]byte, 0, RootsSize)
	for i := range r.keys {
		out = append(out, r.keys[i].Reveal()...)
	}
	return out
}

// Person derives the keys of one person on the card. It owes ErrPerson.
func (r *Roots) Person(person uint8) (*Keys, error) {
	if person > MaxPerson {
		return nil, fmt.Errorf("derive keys of person %d: %w", person, ErrPerson)
	}
	k := new(Keys)
	for i := range r.keys {
		key, err := hkdf.Key(sha256.New, r.keys[i].Reveal(), nil, personLabel+string([]byte{byte(i), person}), KeySize)
		if err != nil {
			return nil, fmt.Errorf("derive person key: %w", err)
		}
		k.keys[i] = redact.NewBytes(key)
	}
	return k, nil
}

// Subject commits to the keys of one person. It owes ErrPerson.
func (r *Roots) Subject(patient record.PatientID, epoch, person uint8) (Subject, error) {
	keys, err := r.Person(person)
	if err != nil {
		return Subject{}, err
	}
	defer keys.Wipe()
	return NewSubject(patient, epoch, person, keys)
}

// Wipe overwrites the keys and forgets them.
func (r *Roots) Wipe() {
	for i := range r.keys {
		r.keys[i].Wipe()
		r.keys[i] = redact.Bytes{}
	}
}
