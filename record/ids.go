package record

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Section is one of the six parts of an entry that are sealed apart, each
// under a key of its own, so that a role reads only what it may see.
type Section uint8

// The sections, in the order in which they stand in a sealed entry.
const (
	SectionCoverage Section = iota
	SectionSummary
	SectionMedication
	SectionLaboratory
	SectionClinical
	SectionSensitive

	// NumSections is the number of sections; any value from here on is invalid.
	NumSections = 6
)

var sectionNames = [NumSections]string{"coverage", "summary", "medication", "laboratory", "clinical", "sensitive"}

// AllSections lists every section in order.
func AllSections() []Section {
	all := make([]Section, NumSections)
	for i := range all {
		all[i] = Section(i)
	}
	return all
}

// Valid reports whether s is one of the six sections.
func (s Section) Valid() bool { return s < NumSections }

// String returns the section's lower-case name.
func (s Section) String() string {
	if !s.Valid() {
		return fmt.Sprintf("section(%d)", uint8(s))
	}
	return sectionNames[s]
}

// ErrID is returned when the text of an identifier cannot be read.
var ErrID = errors.New("malformed identifier")

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// PatientID names a patient nationwide: 64 random bits that the centre
// assigns at enrolment. Its text form is 13 characters of Crockford base32.
type PatientID [8]byte

// IsZero reports whether no patient is named.
func (p PatientID) IsZero() bool { return p == PatientID{} }

// String returns the 13-character text form.
func (p PatientID) String() string {
	v := binary.BigEndian.Uint64(p[:])
	var out [13]byte
	for i := range out {
		out[i] = crockford[v>>(60-5*i)&31]
	}
	return string(out[:])
}

// ParsePatientID reads the text form; lower case is accepted, and the letters
// I, L and O are read as 1, 1 and 0. It owes ErrID.
func ParsePatientID(s string) (PatientID, error) {
	var p PatientID
	if len(s) != 13 {
		return p, fmt.Errorf("patient identifier of %d characters: %w", len(s), ErrID)
	}
	var v uint64
	for i, c := range strings.NewReplacer("I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(s)) {
		d := strings.IndexRune(crockford, c)
		if d < 0 || (i == 0 && d > 15) {
			return p, fmt.Errorf("patient identifier at character %d: %w", i, ErrID)
		}
		v = v<<5 | uint64(d) // #nosec G115 -- d is 0..31
	}
	binary.BigEndian.PutUint64(p[:], v)
	return p, nil
}

// MarshalText implements encoding.TextMarshaler.
func (p PatientID) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *PatientID) UnmarshalText(b []byte) error {
	v, err := ParsePatientID(string(b))
	if err != nil {
		return err
	}
	*p = v
	return nil
}

// EntryID is the SHA-256 of an entry's sealed bytes. Card, cache, outbox and
// centre compute the same one, so any step may be repeated.
type EntryID [32]byte

// String returns 64 hexadecimal digits.
func (id EntryID) String() string { return hex.EncodeToString(id[:]) }

// Short returns the first eight hexadecimal digits, for people and logs.
func (id EntryID) Short() string { return hex.EncodeToString(id[:4]) }

// MarshalText implements encoding.TextMarshaler.
func (id EntryID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It owes ErrID.
func (id *EntryID) UnmarshalText(b []byte) error {
	if len(b) != 2*len(id) {
		return fmt.Errorf("entry identifier of %d characters: %w", len(b), ErrID)
	}
	if _, err := hex.Decode(id[:], b); err != nil {
		return fmt.Errorf("entry identifier: %w", ErrID)
	}
	return nil
}
