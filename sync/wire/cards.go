package wire

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/dhamani-iq/dhamani/record"
)

// CardRequest asks the centre to issue a card whose chip has made the key
// CardKey. With Replaces the old card is blocked and the new one gets the same
// section keys; ReplaceAll stands for every card of the patient. A zero Patient
// means the holder of the card that is replaced, and a new patient when none
// is. An empty Identity or Cover of a known patient means the one last issued.
//
//	{1: patient bstr .size 8, 2: card bstr .size 8, 3: card key bstr .size 65,
//	 4: identity bstr, 5: cover bstr, 6: replaces bstr .size 8}
type CardRequest struct {
	Patient  record.PatientID `cbor:"1,keyasint"`
	Card     [8]byte          `cbor:"2,keyasint"`
	CardKey  [65]byte         `cbor:"3,keyasint"` // SEC 1 uncompressed point on P-256
	Identity []byte           `cbor:"4,keyasint"` // record.Identity
	Cover    []byte           `cbor:"5,keyasint"` // record.Cover
	Replaces [8]byte          `cbor:"6,keyasint"`
}

// ReplaceAll in CardRequest.Replaces blocks every card of the patient, who must
// be named.
var ReplaceAll = [8]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}

func (m *CardRequest) check() error {
	if m.Card == ([8]byte{}) || m.Card == m.Replaces || m.Card == ReplaceAll {
		return fmt.Errorf("card identifier: %w", ErrMalformed)
	}
	low := 0
	if m.Patient.IsZero() && m.Replaces == ([8]byte{}) {
		low = 1
	}
	if m.Patient.IsZero() && m.Replaces == ReplaceAll {
		return fmt.Errorf("all cards of nobody: %w", ErrMalformed)
	}
	if err := bound("identity", len(m.Identity), low, MaxIdentity); err != nil {
		return err
	}
	return bound("cover", len(m.Cover), 0, MaxIdentity)
}

// SectionKeys are the six section keys of a card, indexed by section. They
// print as redacted everywhere.
type SectionKeys [record.NumSections][]byte

// Map returns the keys by section.
func (k *SectionKeys) Map() map[record.Section][]byte {
	out := make(map[record.Section][]byte, len(k))
	for i, s := range record.AllSections() {
		out[s] = k[i]
	}
	return out
}

const redacted = "[redacted]"

// Format implements fmt.Formatter: every verb prints [redacted].
func (SectionKeys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (SectionKeys) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, so JSON shows [redacted] too.
func (SectionKeys) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// CardGrant is what a new card is filled with.
//
//	{1: patient bstr .size 8, 2: EF.CardSecurity bstr, 3: EF.ID bstr,
//	 4: anchor CVC bstr, 5: [6*6 bstr .size 32], 6: subject bstr}
type CardGrant struct {
	Patient  record.PatientID `cbor:"1,keyasint"`
	Security []byte           `cbor:"2,keyasint"`
	IDFile   []byte           `cbor:"3,keyasint"`
	Anchor   []byte           `cbor:"4,keyasint"`
	Keys     SectionKeys      `cbor:"5,keyasint"`
	Subject  []byte           `cbor:"6,keyasint"`
}

func (m *CardGrant) check() error {
	for i, key := range m.Keys {
		if len(key) != 32 {
			return fmt.Errorf("section key %d of %d bytes: %w", i, len(key), ErrMalformed)
		}
	}
	if err := bound("card security", len(m.Security), 1, MaxCOSE); err != nil {
		return err
	}
	if err := bound("identity file", len(m.IDFile), 1, MaxCOSE); err != nil {
		return err
	}
	if err := bound("anchor", len(m.Anchor), 1, MaxCertificate); err != nil {
		return err
	}
	return bound("subject", len(m.Subject), 1, MaxSubject)
}
