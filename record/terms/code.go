// Package terms holds the code systems that a record may name and the displays,
// in Arabic, Sorani and English, of the codes in common use.
package terms

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrCode is returned for a code whose system or value cannot be carried.
var ErrCode = errors.New("malformed code")

// System is a code system. Its number stands in stored records: the list only
// ever grows at its end.
type System uint8

// The code systems.
const (
	Text   System = iota // no system: the value is the words themselves
	ICD10                // diagnoses
	ATC                  // medicines
	LOINC                // observations
	SNOMED               // SNOMED CT concept identifiers
	RxNorm               // medicines, on import
	CVX                  // vaccines
	Own                  // codes of the programme
	NumSystems

	// Newer is no code system: it names a row of the terminology table that
	// the edition at hand does not have yet, as NewerCode makes it.
	Newer System = 0xff
)

// MaxValue is the greatest length of a code's value in bytes; the value of a
// Text code may be longer, up to MaxText.
const (
	MaxValue = 32
	MaxText  = 160
)

var systems = [NumSystems]struct{ name, uri string }{
	{"text", ""},
	{"icd10", "http://hl7.org/fhir/sid/icd-10"},
	{"atc", "http://www.whocc.no/atc"},
	{"loinc", "http://loinc.org"},
	{"snomed", "http://snomed.info/sct"},
	{"rxnorm", "http://www.nlm.nih.gov/research/umls/rxnorm"},
	{"cvx", "http://hl7.org/fhir/sid/cvx"},
	{"dhamani", "https://dhamani.iq/fhir/code"},
}

// Valid reports whether s is a known system.
func (s System) Valid() bool { return s < NumSystems }

// String returns the short name, as in JSON.
func (s System) String() string {
	if s == Newer {
		return "newer"
	}
	if !s.Valid() {
		return fmt.Sprintf("system(%d)", uint8(s))
	}
	return systems[s].name
}

// URI returns the system's canonical address in FHIR, empty for Text.
func (s System) URI() string {
	if !s.Valid() {
		return ""
	}
	return systems[s].uri
}

// SystemByName finds a system by its short name.
func SystemByName(name string) (System, bool) {
	if name == Newer.String() {
		return Newer, true
	}
	for i := range systems {
		if systems[i].name == name {
			return System(i), true // #nosec G115 -- NumSystems is small
		}
	}
	return 0, false
}

// SystemByURI finds a system by its canonical address in FHIR. The addresses
// of the international and the American ICD-10 are both ICD10.
func SystemByURI(uri string) (System, bool) {
	switch uri {
	case "":
		return 0, false
	case "http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10-us":
		return ICD10, true
	}
	for i := range systems {
		if systems[i].uri == uri {
			return System(i), true // #nosec G115 -- NumSystems is small
		}
	}
	return 0, false
}

// Code names a concept in a code system. The zero Code names nothing.
//
// In JSON it is {"system":"icd10","code":"E11"}; on output "display" (English)
// and "displays" (by language) are added when the terminology table has them,
// and on input both are ignored.
type Code struct {
	System System
	Value  string
}

// IsZero reports whether the code names nothing.
func (c Code) IsZero() bool { return c == Code{} }

// String returns system:value, for people when no display is known.
func (c Code) String() string {
	if c.System == Text {
		return c.Value
	}
	return c.System.String() + ":" + c.Value
}

// Validate owes ErrCode for an unknown system and a value that is empty, too
// long or holds control characters.
func (c Code) Validate() error {
	limit := MaxValue
	if c.System == Text {
		limit = MaxText
	}
	switch {
	case c.System == Newer:
		if _, _, _, ok := c.Newer(); !ok {
			return fmt.Errorf("row of a later table: %w", ErrCode)
		}
	case !c.System.Valid():
		return fmt.Errorf("code system %d: %w", uint8(c.System), ErrCode)
	case c.Value == "" || len(c.Value) > limit:
		return fmt.Errorf("code of %d bytes: %w", len(c.Value), ErrCode)
	case !clean(c.Value):
		return fmt.Errorf("code with control characters: %w", ErrCode)
	}
	return nil
}

// clean reports whether s is UTF-8 without control characters and without the
// mark of what could not be decoded.
func clean(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f {
			return false
		} else if c >= utf8.RuneSelf {
			return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError })
		}
	}
	return true
}

// NewerCode names the row of a slot in an edition that is not at hand.
func NewerCode(edition uint32, s Slot, number uint32) Code {
	return Code{System: Newer, Value: fmt.Sprintf("%d.%d.%d", edition, uint8(s), number)}
}

// Newer is the inverse of NewerCode.
func (c Code) Newer() (edition uint32, s Slot, number uint32, ok bool) {
	if c.System != Newer || len(c.Value) > MaxValue {
		return 0, 0, 0, false
	}
	if n, err := fmt.Sscanf(c.Value, "%d.%d.%d", &edition, &s, &number); err != nil || n != 3 {
		return 0, 0, 0, false
	}
	return edition, s, number, s < NumSlots && edition > 1 && number < MaxRows && NewerCode(edition, s, number) == c
}

type jsonCode struct {
	System   string            `json:"system"`
	Code     string            `json:"code"`
	Display  string            `json:"display,omitempty"`
	Displays map[string]string `json:"displays,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (c Code) MarshalJSON() ([]byte, error) {
	j := jsonCode{System: c.System.String(), Code: c.Value}
	if t, ok := Lookup(c); ok {
		j.Display, j.Displays = t.Display[English], t.displays()
	}
	return json.Marshal(j)
}

// UnmarshalJSON implements json.Unmarshaler. It owes ErrCode.
func (c *Code) UnmarshalJSON(b []byte) error {
	var j jsonCode
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	s, ok := SystemByName(j.System)
	if !ok {
		return fmt.Errorf("code system %.20q: %w", j.System, ErrCode)
	}
	*c = Code{System: s, Value: j.Code}
	return c.Validate()
}
