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
	const both = "clinical beside coverage"
	for _, c := range []struct{ name, section, content, want string }{
		{"no bytes", "clinical", "", "ends early"},
		{"no key", "clinical", "80", "unsigned integer expected"},
		{"null and more", "clinical", "f600", "unsigned integer expected"},
		{"key without value", "clinical", "01", "ends early"},
		{"default written", "clinical", "0101", "usual length written"},
		{"quarters of an hour in minutes", "clinical", "01381e", "number out of range, or of whole quarters"},
		{"too many minutes", "clinical", "013b000000ffffffffff", "range"},
		{"long form", "clinical", "011801", "shortest"},
		{"long key", "clinical", "180102", "shortest"},
		{"reserved length", "clinical", "011c", "indefinite"},
		{"unknown key", "clinical", "1600", "unknown key"},
		{"key far out", "clinical", "18ff00", "unknown key"},
		{"key of another section", "clinical", "090a", "unknown key"},
		{"core in a higher section", both, "0201", "unknown key"},
		{"keys out of order", "clinical", "02020114", "order"},
		{"key twice", "clinical", "02010202", "order"},
		{"negative key", "clinical", "2000", "unsigned integer expected"},
		{"unknown class", "clinical", "0218ff", "choices"},
		{"first edition written", "clinical", "00010e00", "first edition"},
		{"edition without need", "clinical", "00020e00", "edition that no code needs"},
		{"row that is not there", "clinical", "0e19ffff", "no such row"},
		{"row number beyond all", "clinical", "00050e1a00010000", "no such row"},
		{"row of the first edition by pair", "clinical", "0e821400", "slot of the place written"},
		{"own system by pair", "clinical", "0e82041a0001869f", "system of the place written"},
		{"row by its code", "clinical", "0e820765766973697 4", "code of a row written out"},
		{"number of a system that has none", "clinical", "0e82010a", "has none"},
		{"attribute in place of a code", "clinical", "0e20", "code expected"},
		{"code of three", "clinical", "0e8301616101", "code expected"},
		{"code of one", "clinical", "0e8101", "code expected"},
		{"code of text", "clinical", "0e6161", "code expected"},
		{"unknown system", "clinical", "0e82186f6161", "out of range"},
		{"system that is none", "clinical", "0e820b6161", "malformed code"},
		{"LOINC as text", "clinical", "0e820366383438302d36", "digits of a code as text"},
		{"empty text", "clinical", "0e820060", "empty"},
		{"control character", "clinical", "0e82006107", "clean"},
		{"bad UTF-8", "clinical", "0e820061ff", "clean"},
		{"text too long", "clinical", "0e820079ffff", "too long"},
		{"huge array", "clinical", "109bffffffffffffffff", "too long"},
		{"empty list", "clinical", "1080", "empty list"},
		{"array for one", "clinical", "108100", "empty list, or an array that could be left out"},
		{"array for one reason", "clinical", "0f8100", "empty list, or an array that could be left out"},
		{"attribute without item", "clinical", "108220 01", "code expected"},
		{"unknown attribute", "clinical", "1083002e01", "unknown attribute"},
		{"attribute's default", "clinical", "1083002000", "default written"},
		{"attribute twice", "clinical", "108500200120 02", "attributes not in rising order"},
		{"attributes out of order", "clinical", "10850021012001", "attributes not in rising order"},
		{"list ends inside an attribute", "clinical", "10820020", "ends early"},
		{"list ends inside an item", "laboratory", "0c820119", "ends early"},
		{"one element of two", "laboratory", "0c01190100", "beyond its list"},
		{"unit of the row written", "laboratory", "0c820182190 2b106", "plain number written with its unit"},
		{"float value", "laboratory", "0c8201fa3f800000", "unknown simple value"},
		{"members absent at the end", "laboratory", "0c820044724d0000", "no number at the end of those by members"},
		{"member absent at the end, unpacked", "laboratory", "0c820084617 8f6f6f6", "more values"},
		{"nulls for two absent", "laboratory", "0d82118 3f6f66178", "absent members at the end, or not in one number"},
		{"one vital sign", "laboratory", "16428108", "vital signs in the wrong place"},
		{"vital signs in the list", "laboratory", "0c8401190320021906a4", "vital signs in the list"},
		{"vital signs as text", "laboratory", "166178", "byte string expected"},
		{"the visit's reasons again", "clinical", "0f00118418200122 00", "the visit's reasons written again"},
		{"reasons of no visit", "clinical", "1184182001 22f5", "visit that has none"},
		{"number of members too long", "laboratory", "0c82004af180808080808080808000", "malformed numbers"},
		{"number that could be shorter", "laboratory", "0c8200438100 4d", "malformed numbers by members"},
		{"members in an array without need", "laboratory", "0c820082187118 4c", "plain numbers not as a byte string, or an item beyond its list"},
		{"no value of any member", "laboratory", "0c820040", "no number at the end of those by members"},
		{"absent beyond the members", "laboratory", "0c8200823863 6178", "value expected"},
		{"absent up to the end", "laboratory", "0c8200823818 6178", "more values"},
		{"panel of nothing", "laboratory", "0d821180", "panel without observations, or with too many"},
		{"start before without epoch", "clinical", "08181e", "epoch"},
		{"bad extension", "clinical", "17a0", "no extensions, or too many"},
		{"extension too long", "clinical", "17a100590fff", "too long"},
		{"sensitive key in the clear", "coverage", "0e00", "unknown key"},
		{"note of no kind", "clinical", "14836178 2102", "choices"},
		{"note of the usual kind written out", "clinical", "14836178 2100", "default written"},
		{"note of an unknown attribute", "clinical", "14836178 2201", "unknown attribute"},
		{"amends too short", "clinical", "06410a", "wrong length"},
		{"amends outside of the coverage section", "laboratory", "065820" + strings.Repeat("9a", 32) + "0c820a01", "outside of the coverage"},
		{"amends and nothing else, in the clinical section", "clinical", "065820" + strings.Repeat("9a", 32), "outside of the coverage"},
		{"a coverage section of core that amends nothing", "coverage", "0202", "canonical"},
		{"month 13", "clinical", "108300258 2181a0d", "range"},
		{"day 31 of February", "clinical", "10830025 83181a02181f", "no such day"},
		{"false where true", "clinical", "07f4", "true expected"},
		{"dollars in an array", "coverage", "0982190 7d001", "cost that is a number written as an array"},
		{"cost of no number", "coverage", "096161", "amount"},
		{"service without a cost", "coverage", "181a02", "without a cost"},
		{"service that is no choice", "coverage", "0905181a18fa", "choices"},
		{"service of a visit written out", "coverage", "0905181a00", "default written"},
		{"study as text without need", "clinical", "158263312e32625553", "numbers of a study as text"},
		{"study of no numbers", "clinical", "158240625553", "study"},
		{"money by name that has a number", "coverage", "098201826355534402", "money of the list written out"},
		{"currency of two letters", "coverage", "098201826255 5302", "currency"},
		{"referral in the medication section", "medication", "181800", "unknown key"},
		{"override in the clinical section", "clinical", "181982616100", "unknown key"},
		{"key of two bytes in the wrong order", "medication", "18198261610 00b00", "order"},
		{"override without what it is about", "medication", "1819826161 80", "empty list, or an array that could be left out"},
		{"override of one in an array", "medication", "1819826161 8100", "empty list, or an array that could be left out"},
		{"override of too many", "medication", "1819826161 850001020304", "too long"},
		{"rule of capitals", "medication", "181982614100", "malformed name of a rule"},
		{"unknown urgency", "clinical", "1818830020 04", "choices"},
		{"referral's reasons of the visit without need", "clinical", "0f00181883002400", "the visit's reasons written again"},
		{"an empty section beside another", both, "f6", "canonical"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := hex.DecodeString(strings.ReplaceAll(c.content, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			given := map[Section][]byte{}
			if c.section == both {
				given[SectionClinical], given[SectionCoverage] = b, []byte{keyCost, 1}
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
		if _, err := Decode(meta, map[Section][]byte{SectionClinical: {0xf6}}); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Decode(Meta{Start: Epoch}, map[Section][]byte{9: {0xf6}}); !errors.Is(err, ErrFormat) {
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
		"rule of capitals":     func(e *Entry) { e.Overrides[0].Rule = "Rule" },
		"rule too long":        func(e *Entry) { e.Overrides[0].Rule = strings.Repeat("a", 33) },
		"override of nothing":  func(e *Entry) { e.Overrides[0].About = nil },
		"override of five":     func(e *Entry) { e.Overrides[0].About = slices.Repeat(e.Reasons[:1], 5) },
		"unknown urgency":      func(e *Entry) { e.Referrals[0].Urgency = 4 },
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
