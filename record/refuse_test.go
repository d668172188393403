package record

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDecodeRefuses(t *testing.T) {
	const none = "lab"
	for _, c := range []struct{ name, section, content, want string }{
		{"nothing", "clinical", "", "ends early"},
		{"no map", "clinical", "80", "map expected"},
		{"trailing byte", "clinical", "a000", "trailing"},
		{"default written", "clinical", "a1010f", "canonical"},
		{"long form", "clinical", "a101180f", "shortest"},
		{"long key", "clinical", "a118010e", "shortest"},
		{"indefinite map", "clinical", "bfff", "indefinite"},
		{"reserved length", "clinical", "a1011c", "indefinite"},
		{"unknown key", "clinical", "a1181e00", "unknown key"},
		{"key of another section", "clinical", "a1080a", "unknown key"},
		{"keys out of order", "clinical", "a202020114", "order"},
		{"key twice", "clinical", "a202010202", "order"},
		{"negative key", "clinical", "a12000", "unsigned integer expected"},
		{"unknown class", "clinical", "a10218ff", "choices"},
		{"table code", "clinical", "a11005", "code table"},
		{"code of three", "clinical", "a1108301616101", "array too long"},
		{"code of one", "clinical", "a1108101", "not a pair"},
		{"unknown system", "clinical", "a11082186f6161", "malformed code"},
		{"LOINC as text", "clinical", "a110820366383438302d36", "canonical"},
		{"empty text", "clinical", "a110820060", "empty"},
		{"control character", "clinical", "a11082006107", "clean"},
		{"bad UTF-8", "clinical", "a110820061ff", "clean"},
		{"text too long", "clinical", "a110820079ffff", "too long"},
		{"huge array", "clinical", "a1129bffffffffffffffff", "too long"},
		{"huge map", "clinical", "bbffffffffffffffff", "too long"},
		{"empty list", "clinical", "a11280", "empty list"},
		{"empty attributes", "clinical", "a1128282016341303 9a0", ""},
		{"list ends inside an item", "laboratory", "a10b8182031911c4", "ends early"},
		{"value missing", "laboratory", "a20b818203 1911c410", ""},
		{"start before without epoch", "clinical", "a100181e", "epoch"},
		{"float value", "laboratory", "a10b82820319 11c4fa3f800000", ""},
		{"bad extension", "clinical", "a1181fa0", ""},
		{"extension too long", "clinical", "a1181fa100590fff", "too long"},
		{"sensitive key in the clear", "coverage", "a11081", "unknown key"},
		{"amends too short", "clinical", "a106410a", "wrong length"},
		{"month 13", "clinical", "a11282820163413039a10582181a0d", "range"},
		{"day 31 of February", "clinical", "a11282820163413039a10583181a02181f", "canonical"},
		{"false where true", "clinical", "a107f4", "true expected"},
		{"an empty section beside another", none, "a0", "canonical"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := hex.DecodeString(strings.ReplaceAll(c.content, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			given := map[Section][]byte{}
			if c.section == none {
				given[SectionClinical], given[SectionCoverage] = []byte{0xa0}, []byte{0xa1, 8, 1}
			}
			for _, s := range AllSections() {
				if s.String() == c.section {
					given[s] = b
				}
			}
			_, err = Decode(Meta{Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, given)
			var syntax *SyntaxError
			if !errors.Is(err, ErrFormat) || !errors.As(err, &syntax) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
		})
	}
	for name, meta := range map[string]Meta{
		"person":       {Person: 16, Start: Epoch},
		"before epoch": {Start: Epoch.Add(-time.Minute)},
	} {
		if _, err := Decode(meta, map[Section][]byte{SectionClinical: {0xa0}}); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Decode(Meta{Start: Epoch}, map[Section][]byte{9: {0xa0}}); !errors.Is(err, ErrFormat) {
		t.Error("unknown section:", err)
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Entry){
		"no start":             func(e *Entry) { e.Start = time.Time{} },
		"person":               func(e *Entry) { e.Person = 16 },
		"class":                func(e *Entry) { e.Class = 200 },
		"no code":              func(e *Entry) { e.Diagnoses[0].Code = Code{} },
		"two values":           func(e *Entry) { e.Observations[0].Value.Text = "x" },
		"decimal":              func(e *Entry) { e.Observations[0].Value.Quantity = NewQuantity(1, -10, "") },
		"frequency":            func(e *Entry) { e.Prescriptions[0].Frequency = Frequency{Times: 3} },
		"note":                 func(e *Entry) { e.Notes[0].Text = strings.Repeat("x", 601) },
		"empty note":           func(e *Entry) { e.Notes[0].Text = "" },
		"reasons":              func(e *Entry) { e.Reasons = slices.Repeat(e.Reasons, 5) },
		"currency":             func(e *Entry) { e.Cost.Currency = "IQD" },
		"two scales":           func(e *Entry) { e.Cost.Patient.Scale = 1 },
		"study":                func(e *Entry) { e.Imaging[0].Study = "x" },
		"moment with a time":   func(e *Entry) { e.Diagnoses[0].End.Time = e.Diagnoses[0].End.Time.Add(time.Hour) },
		"panel of two minds":   func(e *Entry) { e.Panels[0].Sensitive = true },
		"empty panel":          func(e *Entry) { e.Panels[0].Observations = nil },
		"extension twice":      func(e *Entry) { e.Extensions[0] = e.Extensions[1] },
		"too many diagnoses":   func(e *Entry) { e.Diagnoses = slices.Repeat(e.Diagnoses, 9000) },
		"unknown immunisation": func(e *Entry) { e.Immunisations[0].Status = 7 },
	} {
		t.Run(name, func(t *testing.T) {
			e := full()
			spoil(e)
			if _, err := e.Sections(); !errors.Is(err, ErrInvalid) {
				t.Fatalf("got %v", err)
			}
		})
	}
}
