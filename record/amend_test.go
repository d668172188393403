package record

import (
	"slices"
	"testing"
	"time"
)

// TestRevise writes a history entry by entry, as a clinic does, and looks at
// the summary after each correction.
func TestRevise(t *testing.T) {
	now := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	allergy := func(v string) []Allergy { return []Allergy{{Code: atc(v)}} }
	takes := func(v string) []Prescription { return []Prescription{{Medicine: atc(v), Ongoing: true}} }
	has := func(v string) []Diagnosis { return []Diagnosis{{Code: icd(v), Chronic: true}} }
	blood := func(v string) []Observation {
		return []Observation{{Code: Code{System: 3, Value: "882-1"}, Value: Value{Text: v}}}
	}
	id := func(n byte) *EntryID { return &EntryID{n} }
	first := &Entry{ID: *id(1), Start: ago(9), Allergies: allergy("J01C"), Prescriptions: takes("A10BA02"), Diagnoses: has("E11"), Observations: blood("A+")}
	wrong := &Entry{ID: *id(2), Start: ago(8), Allergies: allergy("M01AE"), Prescriptions: takes("C10AA05"), Diagnoses: has("E11"), Observations: blood("B+")}
	for _, tt := range []struct {
		name    string
		history []*Entry // before
		e       *Entry
		want    string
	}{
		{
			"a correction",
			[]*Entry{first, wrong},
			&Entry{ID: *id(3), Start: ago(8), Amends: id(2), Allergies: allergy("N02BA")},
			"J01C N02BA | E11 | A10BA02 | A+",
		},
		{
			"entered in error",
			[]*Entry{first, wrong},
			&Entry{ID: *id(3), Start: ago(8), Amends: id(2), EnteredInError: true},
			"J01C | E11 | A10BA02 | A+",
		},
		{
			"what nobody else said",
			[]*Entry{first, wrong},
			&Entry{ID: *id(3), Start: ago(9), Amends: id(1), EnteredInError: true},
			"M01AE | E11 | C10AA05 | B+",
		},
		{
			"a correction of a correction",
			[]*Entry{first, wrong, {ID: *id(3), Start: ago(8), Amends: id(2), Allergies: allergy("N02BA")}},
			&Entry{ID: *id(4), Start: ago(7), Amends: id(3), Prescriptions: takes("B01AC06")},
			"J01C | E11 | B01AC06 A10BA02 | A+",
		},
		{
			"an entry that was corrected before it came",
			[]*Entry{first, {ID: *id(3), Start: ago(8), Amends: id(2), Allergies: allergy("N02BA")}},
			wrong,
			"J01C N02BA | E11 | A10BA02 | A+",
		},
		{
			"of an entry that is not known",
			[]*Entry{first},
			&Entry{ID: *id(4), Start: ago(7), Amends: id(9), Allergies: allergy("N02BA")},
			"J01C N02BA | E11 | A10BA02 | A+",
		},
		{
			"an allergy that was told again since",
			[]*Entry{first, {ID: *id(5), Start: ago(2), Allergies: allergy("J01C")}},
			&Entry{ID: *id(3), Start: ago(9), Amends: id(1), EnteredInError: true},
			"J01C | | | ",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s *Summary
			var known []*Entry
			for _, e := range append(slices.Clip(tt.history), tt.e) {
				s = Revise(s, e, known, now)
				known = append(known, e)
			}
			for range 2 { // once more changes nothing
				got := ""
				for _, a := range s.Allergies {
					got += a.Code.Value + " "
				}
				got += "| " + problems(s) + "| " + medicines(s) + "| " + s.BloodGroup.String()
				if got != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
				s = Revise(s, tt.e, known, now)
			}
		})
	}
}

func TestAmended(t *testing.T) {
	a, b, c := &Entry{ID: EntryID{1}}, &Entry{ID: EntryID{2}, Amends: &EntryID{1}}, &Entry{ID: EntryID{3}, Amends: &EntryID{1}}
	by := Amended([]*Entry{c, a, b})
	if len(by) != 1 || len(by[a.ID]) != 2 || by[a.ID][0] != c.ID || by[a.ID][1] != b.ID {
		t.Errorf("%v", by)
	}
}
