package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
)

func icd(v string) Code { return Code{System: terms.ICD10, Value: v} }
func atc(v string) Code { return Code{System: terms.ATC, Value: v} }

func problems(s *Summary) string {
	out := ""
	for _, p := range s.Problems {
		out += p.Code.Value + " "
	}
	return out
}

func medicines(s *Summary) string {
	out := ""
	for _, m := range s.Medicines {
		out += m.Code.Value + " "
	}
	return out
}

func TestSummarise(t *testing.T) {
	now := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	wrong := &Entry{ID: EntryID{1}, Start: ago(50), Diagnoses: []Diagnosis{{Code: icd("I21")}}}
	entries := []*Entry{
		{Start: ago(900), Diagnoses: []Diagnosis{{Code: icd("E11.9")}, {Code: icd("J20")}, {Code: icd("F32.1")}, {Code: icd("K29"), Sensitive: true}}},
		{Start: ago(880), Diagnoses: []Diagnosis{{Code: icd("J20"), Status: ConditionResolved}}},
		{Start: ago(10), Diagnoses: []Diagnosis{{Code: icd("E11.9")}, {Code: icd("A09"), End: At(ago(8))}}},
		wrong,
		{Start: ago(49), Amends: &wrong.ID, Diagnoses: []Diagnosis{{Code: icd("I20")}}},
		{Start: ago(48), EnteredInError: true, Diagnoses: []Diagnosis{{Code: icd("G40")}}},
		{Start: ago(400), Prescriptions: []Prescription{
			{Medicine: atc("A10BA02"), Ongoing: true},
			{Medicine: atc("C10AA05")},          // nothing said of an end: 90 days
			{Medicine: atc("B01AC04"), Days: 5}, // over
			{Medicine: atc("N06AB06"), Ongoing: true},
		}},
		{Start: ago(80), Prescriptions: []Prescription{{Medicine: atc("A02BC01")}, {Medicine: atc("B03AA07"), Days: 30, Refills: 2}}},
		{Start: ago(3), Prescriptions: []Prescription{{Medicine: atc("J01CA04"), Days: 7}, {Medicine: atc("M01AE01"), Status: MedicationCancelled}}},
		{
			Start: ago(700),
			Allergies: []Allergy{
				{Code: icd("L50")},
				{Code: atc("J01C"), Criticality: CriticalityHigh, Note: "long story"},
				{Code: atc("M01AE01"), Certainty: Refuted},
				{Code: Code{System: terms.SNOMED, Value: "716186003"}},
			},
			Observations: []Observation{{Code: Code{System: terms.LOINC, Value: "882-1"}, Value: Value{Code: &Code{System: terms.SNOMED, Value: "278149003"}}}},
		},
	}
	s := Summarise(nil, entries, now)
	if got := problems(s); got != "I20 E11.9 " {
		t.Errorf("problems: %s", got)
	}
	if got := s.Problems[1].Since.Time; !got.Equal(ago(900)) {
		t.Errorf("diabetes since %s", got)
	}
	if got := medicines(s); got != "A10BA02 J01CA04 A02BC01 B03AA07 " {
		t.Errorf("medicines: %s", got)
	}
	if len(s.Allergies) != 2 || s.Allergies[0].Code != atc("J01C") || s.Allergies[0].Note != "" {
		t.Errorf("allergies: %+v", s.Allergies)
	}
	if s.BloodGroup.String() != "A+" {
		t.Errorf("blood group %s", s.BloodGroup)
	}
	alerts := s.Alerts()
	if len(alerts) != 4 || alerts[0].Severity != AlertHigh || alerts[0].Text != "Penicillins" ||
		alerts[1].Severity != AlertWarning || alerts[2].Kind != "chronic" {
		t.Errorf("alerts: %+v", alerts)
	}
	// Step by step it comes to the same, and time alone ends a course.
	step := (*Summary)(nil)
	for _, e := range Standing(entries) {
		step = Summarise(step, []*Entry{e}, e.Start)
	}
	step = Summarise(step, nil, now)
	if problems(step) != problems(s) || medicines(step) != medicines(s) {
		t.Errorf("step by step: %s, %s", problems(step), medicines(step))
	}
	later := Summarise(s, nil, now.AddDate(0, 6, 0))
	if got := medicines(later); got != "A10BA02 " {
		t.Errorf("half a year later: %s", got)
	}
	if len(s.Medicines) != 4 {
		t.Error("the earlier summary was changed")
	}
	if got := (*Summary)(nil).Alerts(); got != nil {
		t.Error("alerts of nothing:", got)
	}
}

func TestSummariseFits(t *testing.T) {
	e := &Entry{Start: time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)}
	for i := range 200 {
		text := fmt.Sprintf("%03d a rather long description that takes room", i)
		e.Diagnoses = append(e.Diagnoses, Diagnosis{Code: Code{Value: text}, Chronic: i%2 == 0})
		e.Prescriptions = append(e.Prescriptions, Prescription{Medicine: Code{Value: text}, Directions: "x"})
		e.Allergies = append(e.Allergies, Allergy{Code: Code{Value: text}, Reactions: []Code{{Value: text}}, Onset: Day(2020, 1, 1)})
	}
	e.Allergies[150].Criticality = CriticalityHigh
	s := Summarise(&Summary{Contact: &Contact{Phone: "+964"}}, []*Entry{e}, e.Start)
	raw, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > MaxSummary || len(raw) < MaxSummary-100 {
		t.Errorf("%d bytes", len(raw))
	}
	if s.Allergies[0].Criticality != CriticalityHigh || s.Contact == nil {
		t.Error("the most important was left out")
	}
	if kept := len(s.Allergies) + len(s.Problems) + len(s.Medicines); int(s.Left)+kept != 600 {
		t.Errorf("%d kept, %d left out", kept, s.Left)
	}
}

// TestSummariseForgetsEpisodes: what was never said to be over counts for a
// year, unless it is chronic or comes back.
func TestSummariseForgetsEpisodes(t *testing.T) {
	now := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	code := Code{System: terms.ICD10, Value: "J20.9"}
	at := func(months int, chronic bool) *Entry {
		return &Entry{Start: now.AddDate(0, -months, 0), Diagnoses: []Diagnosis{{Code: code, Chronic: chronic}}}
	}
	tests := []struct {
		name    string
		entries []*Entry
		since   int // months ago; 0: not there
	}{
		{"old", []*Entry{at(13, false)}, 0},
		{"recent", []*Entry{at(11, false)}, 11},
		{"old and chronic", []*Entry{at(130, true)}, 130},
		{"has lasted", []*Entry{at(11, false), at(2, false)}, 11},
		{"has come back", []*Entry{at(30, false), at(2, false)}, 2},
		{"found to be chronic", []*Entry{at(30, false), at(2, true)}, 30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Summarise(nil, tt.entries, now)
			switch {
			case tt.since == 0 && len(s.Problems) != 0:
				t.Fatalf("problems %+v", s.Problems)
			case tt.since > 0 && (len(s.Problems) != 1 || !s.Problems[0].Since.Time.Equal(now.AddDate(0, -tt.since, 0))):
				t.Fatalf("problems %+v, want one of %d months ago", s.Problems, tt.since)
			}
		})
	}
}

// TestOrderedAndStopped: one entry tells of one medicine twice.
func TestOrderedAndStopped(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	start := now.AddDate(0, 0, -3)
	medicine := Code{System: terms.ATC, Value: "B01AA03"}
	order := func(at Moment) Prescription { return Prescription{Medicine: medicine, Ongoing: true, At: at} }
	stop := func(at Moment) Prescription {
		return Prescription{Medicine: medicine, Status: MedicationStopped, At: at}
	}
	before, later := At(start.Add(-time.Hour)), At(start.Add(time.Hour))
	for name, tt := range map[string]struct {
		list  []Prescription
		taken int
	}{
		"at once":                 {[]Prescription{order(Moment{}), stop(Moment{})}, 0},
		"at once, the stop first": {[]Prescription{stop(Moment{}), order(At(start))}, 0},
		"stopped later":           {[]Prescription{stop(later), order(Moment{})}, 0},
		"ordered again later":     {[]Prescription{order(later), stop(Moment{})}, 1},
		"stopped before":          {[]Prescription{order(Moment{}), stop(before)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := Summarise(nil, []*Entry{{Start: start, Prescriptions: tt.list}}, now)
			if len(s.Medicines) != tt.taken {
				t.Errorf("medicines %+v, want %d", s.Medicines, tt.taken)
			}
		})
	}
}

func TestCurrent(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	summary := &Summary{Medicines: []Medicine{
		{Code: Code{System: terms.ATC, Value: "B01AA03"}, Ongoing: true},
		{Code: Code{System: terms.ATC, Value: "J01CA04"}, Until: At(now.AddDate(0, 0, -1))},
	}}
	e := &Entry{
		Start:         now.AddDate(0, 0, -3),
		Prescriptions: []Prescription{{Medicine: Code{System: terms.ATC, Value: "N05AN01"}, Ongoing: true, Sensitive: true}},
		Diagnoses:     []Diagnosis{{Code: Code{System: terms.ICD10, Value: "F31"}, Sensitive: true, Chronic: true}},
	}
	got := Current(summary, []*Entry{e}, now)
	if len(got.Medicines) != 2 || len(got.Problems) != 1 || got.Medicines[0].Code.Value != "B01AA03" {
		t.Errorf("%+v", got)
	}
	if open := Summarise(summary, []*Entry{e}, now); len(open.Medicines) != 1 || len(open.Problems) != 0 {
		t.Errorf("the summary says what is sensitive: %+v", open)
	}
	if len(summary.Medicines) != 2 {
		t.Error("the summary was changed")
	}
}

// TestMembers: no row has a member twice, and the members of the vital signs
// are all vital signs. The writer counts on both.
func TestMembers(t *testing.T) {
	for i := range measures {
		m := &measures[i]
		for k, number := range m.members {
			if at := m.memberAt(&measures[number].code, 0); at != k {
				t.Errorf("%s has member %d twice", m.code, k)
			}
		}
	}
	for _, number := range vitals.members {
		if measures[number].category != CategoryVitalSigns {
			t.Errorf("%s is no vital sign", measures[number].code)
		}
	}
}
