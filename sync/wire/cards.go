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
// Fingers are the holder's, for the search for people who are enrolled twice;
// none leaves those that the centre has, some take their place. A template that
// the centre cannot use is left out and holds nothing up.
//
//	{1: patient bstr .size 8, 2: card bstr .size 8, 3: card key bstr .size 65,
//	 4: identity bstr, 5: cover bstr, 6: replaces bstr .size 8,
//	 7: [*10 finger bstr .size (1..1560)]}
type CardRequest struct {
	Patient  record.PatientID `cbor:"1,keyasint"`
	Card     [8]byte          `cbor:"2,keyasint"`
	CardKey  [65]byte         `cbor:"3,keyasint"` // SEC 1 uncompressed point on P-256
	Identity []byte           `cbor:"4,keyasint"` // record.Identity
	Cover    []byte           `cbor:"5,keyasint"` // record.Cover
	Replaces [8]byte          `cbor:"6,keyasint"`
	Fingers  [][]byte         `cbor:"7,keyasint"` // records of ISO/IEC 19794-2:2005, clause 7, each of one view
}

// What became of a template of a CardRequest.
const (
	FingerKept      byte = iota
	FingerMalformed      // no record of one view, or of an image that no scanner makes
	FingerUnnamed        // does not say which finger it is
	FingerTwice          // of a finger that came before
	FingerPoor           // too few minutiae to tell people apart
)

// FingersLeftOut names why templates were not kept, in the order of the request,
// from the statuses of a grant: malformed, unnamed, twice, poor.
func FingersLeftOut(statuses []byte) []string {
	names := [...]string{FingerMalformed: "malformed", FingerUnnamed: "unnamed", FingerTwice: "twice", FingerPoor: "poor"}
	var out []string
	for _, status := range statuses {
		if status > FingerKept && int(status) < len(names) {
			out = append(out, names[status])
		}
	}
	return out
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
	if err := bound("cover", len(m.Cover), 0, MaxIdentity); err != nil {
		return err
	}
	if err := bound("list of fingers", len(m.Fingers), 0, MaxFingers); err != nil {
		return err
	}
	for _, finger := range m.Fingers {
		if err := bound("finger", len(finger), 1, MaxFinger); err != nil {
			return err
		}
	}
	return nil
}

const keySize = 32

// SectionKeys are the six section keys of one person, indexed by section. They
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

// PersonKeys are the section keys of one person on a card:
//
//	[person 0..15, [6*6 bstr .size 32]]
type PersonKeys struct {
	_      struct{} `cbor:",toarray"`
	Person uint8
	Keys   SectionKeys
}

// MakePersonKeys takes the keys of one person by section, without copying.
func MakePersonKeys(person uint8, keys map[record.Section][]byte) PersonKeys {
	out := PersonKeys{Person: person}
	for i, s := range record.AllSections() {
		out.Keys[i] = keys[s]
	}
	return out
}

// CheckPersonKeys refuses keys that are incomplete, and persons that are out of
// order or beyond the bounds. It owes ErrMalformed.
func CheckPersonKeys(list []PersonKeys) error {
	if err := bound("list of persons", len(list), 1, MaxPersons); err != nil {
		return err
	}
	for i, p := range list {
		if p.Person >= MaxPersons || i > 0 && p.Person <= list[i-1].Person {
			return fmt.Errorf("keys of person %d in place %d: %w", p.Person, i, ErrMalformed)
		}
		for section, key := range p.Keys {
			if len(key) != keySize {
				return fmt.Errorf("section key %d of person %d has %d bytes: %w", section, p.Person, len(key), ErrMalformed)
			}
		}
	}
	return nil
}

// CardGrant is what a new card is filled with. Persons are those on the card,
// ascending, the holder first; Subjects are of all who were ever on a card of
// the patient. Fingers says of each finger of the request what became of it.
//
//	{1: patient bstr .size 8, 2: EF.CardSecurity bstr, 3: EF.ID bstr,
//	 4: [1*2 anchor CVC bstr], 5: [1*16 PersonKeys], 6: subjects bstr,
//	 7: bstr .size (0..10)}
type CardGrant struct {
	Patient  record.PatientID `cbor:"1,keyasint"`
	Security []byte           `cbor:"2,keyasint"`
	IDFile   []byte           `cbor:"3,keyasint"`
	Anchors  [][]byte         `cbor:"4,keyasint"` // the self-signed one first, then a link to a newer one
	Persons  []PersonKeys     `cbor:"5,keyasint"`
	Subjects []byte           `cbor:"6,keyasint"`
	Fingers  []byte           `cbor:"7,keyasint"` // FingerKept and so on
}

func (m *CardGrant) check() error {
	if err := bound("list of fingers", len(m.Fingers), 0, MaxFingers); err != nil {
		return err
	}
	for i, status := range m.Fingers {
		if status > FingerPoor {
			return fmt.Errorf("finger %d has status %d: %w", i, status, ErrMalformed)
		}
	}
	if err := CheckPersonKeys(m.Persons); err != nil {
		return err
	}
	if err := bound("card security", len(m.Security), 1, MaxCOSE); err != nil {
		return err
	}
	if err := bound("identity file", len(m.IDFile), 1, MaxCOSE); err != nil {
		return err
	}
	if err := bound("anchors", len(m.Anchors), 1, MaxAnchors); err != nil {
		return err
	}
	for _, anchor := range m.Anchors {
		if err := bound("anchor", len(anchor), 1, MaxCertificate); err != nil {
			return err
		}
	}
	return bound("subjects", len(m.Subjects), 1, MaxSubjects)
}
