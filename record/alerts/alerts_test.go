package alerts

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

func every(list []Alert) []Alert {
	out := slices.Clone(list)
	for _, a := range list {
		out = append(out, every(a.More)...)
	}
	return out
}

// TestWords looks at what is said: in three languages, filled in, with the
// names of what collides, and with a source.
func TestWords(t *testing.T) {
	for _, s := range scenes(t) {
		p := Base().Patient(s.who, nil, s.entries, now)
		for _, a := range every(Base().Check(p, s.draft).Alerts) {
			o := record.Override{Rule: a.Rule, Kind: a.Kind, About: a.About}
			e := record.Entry{Start: now, Overrides: []record.Override{o}}
			if err := e.Validate(); err != nil {
				t.Errorf("%s: an override of it is refused: %v", a.Rule, err)
			}
			if a.Source == "" || len(a.Text) != 3 {
				t.Errorf("%s: no source, or %d languages", a.Rule, len(a.Text))
			}
			for lang, text := range a.Text {
				if text == "" || strings.ContainsAny(text, "{}") && !strings.Contains(text, "{1.73_m2}") && !strings.Contains(text, "{INR}") {
					t.Errorf("%s, %s: %q", a.Rule, lang, text)
				}
				if lang != "en" && !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x600 && r <= 0x6ff }) {
					t.Errorf("%s: nothing in %s: %q", a.Rule, lang, text)
				}
			}
		}
	}
}

// TestSayings reads whole sentences.
func TestSayings(t *testing.T) {
	for _, c := range []struct{ record, draft, lang, want string }{
		{"M:atc:B01AA03", "M:atc:M01AE01", "en", "Ibuprofen with Warfarin: the risk of bleeding rises. Paracetamol is an alternative."},
		{"M:atc:M01AE01", "M:atc:B01AA03", "en", "Ibuprofen with Warfarin: the risk of bleeding rises. Paracetamol is an alternative."},
		{"M:rxnorm:855332", "M:atc:M01AE01", "ar", "إيبوبروفين مع وارفارين: يزداد خطر النزف. الباراسيتامول بديل."},
		{"A:atc:J01C", "M:atc:J01CA04", "ckb", "هەستیاری بە گروپی پەنیسیلینەکان تۆمارکراوە، و ئامۆکسیسیلین لەو گروپەیە."},
		{"-", "O:loinc:2339-0=5.4mg/dL", "en", "Blood sugar = 5.4 mg/dL: this looks like a value in mmol/L that was written as mg/dL."},
		{"-", "M:atc:C01AA05=125mg*1", "en", "Digoxin: a dose of 125 mg is far from what is usual. Was 125 ug meant?"},
		{"-", "M:atc:N02BE01=1000mg*6", "en", "Paracetamol: it comes to 6000 mg a day, or a week where it is taken weekly; usually at most 4000 mg."},
	} {
		p := Base().Patient(person(t, "m40"), nil, []*record.Entry{entry(t, c.record, now.AddDate(0, 0, -1))}, now)
		list := Base().Check(p, entry(t, c.draft, now)).Alerts
		if len(list) != 1 || list[0].Text[c.lang] != c.want {
			t.Errorf("%s, %s: %+v", c.record, c.draft, list)
		}
	}
}

// TestOrder checks that the order of items and of entries does not matter.
func TestOrder(t *testing.T) {
	// All cases at once make a record with many alerts.
	whole, draft := &record.Entry{Start: now.AddDate(0, 0, -2)}, &record.Entry{Start: now}
	seen := make(map[record.Code]bool)
	for _, s := range scenes(t) {
		join(whole, s.entries[0], seen)
		if s.draft != nil {
			join(draft, s.draft, seen)
		}
	}
	who := person(t, "f40")
	r := rand.New(rand.NewPCG(1, 2))
	var want string
	for range 20 {
		one, two := *whole, record.Entry{Start: whole.Start}
		for _, e := range []*record.Entry{&one, draft} {
			shuffle(r, e.Allergies)
			shuffle(r, e.Prescriptions)
			shuffle(r, e.Diagnoses)
			shuffle(r, e.Observations)
			shuffle(r, e.Immunisations)
			shuffle(r, e.Procedures)
		}
		cut := r.IntN(len(one.Prescriptions))
		two.Prescriptions, one.Prescriptions = one.Prescriptions[cut:], one.Prescriptions[:cut]
		p := Base().Patient(who, nil, []*record.Entry{&two, &one}, now)
		got, err := json.Marshal(Base().Check(p, draft))
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = string(got)
		}
		if string(got) != want {
			t.Fatal("another order, another answer")
		}
	}
}

func shuffle[T any](r *rand.Rand, list []T) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// join adds what an entry has and the other does not.
func join(to, from *record.Entry, seen map[record.Code]bool) {
	fresh(&to.Allergies, from.Allergies, seen, func(x record.Allergy) record.Code { return x.Code })
	fresh(&to.Prescriptions, from.Prescriptions, seen, func(x record.Prescription) record.Code { return x.Medicine })
	fresh(&to.Diagnoses, from.Diagnoses, seen, func(x record.Diagnosis) record.Code { return x.Code })
	fresh(&to.Observations, from.Observations, seen, func(x record.Observation) record.Code { return x.Code })
	fresh(&to.Immunisations, from.Immunisations, seen, func(x record.Immunisation) record.Code { return x.Vaccine })
	fresh(&to.Procedures, from.Procedures, seen, func(x record.Procedure) record.Code { return x.Code })
}

func fresh[T any](to *[]T, from []T, seen map[record.Code]bool, code func(T) record.Code) {
	for _, x := range from {
		if c := code(x); !seen[c] {
			seen[c] = true
			*to = append(*to, x)
		}
	}
}

// TestOverrides follows an answer through a course.
func TestOverrides(t *testing.T) {
	who := person(t, "m40")
	penicillin, amoxicillin := codeOf(t, "atc:J01C"), codeOf(t, "atc:J01CA04")
	said := record.Override{
		Rule: ruleAllergyGroup, Kind: record.AlertAllergy, About: []record.Code{amoxicillin, penicillin},
		Reason: record.OverrideTolerated,
	}
	allergy := entry(t, "A:atc:J01C", now.AddDate(0, 0, -30))
	first := entry(t, "M:atc:J01CA04", now.AddDate(0, 0, -3))
	first.Prescriptions[0].Ongoing, first.Prescriptions[0].Days = false, 7

	open := func(at time.Time, draft *record.Entry, entries ...*record.Entry) []Alert {
		r := Base().Check(Base().Patient(who, nil, entries, at), draft)
		if len(r.Alerts) != 1 {
			t.Fatalf("%d alerts", len(r.Alerts))
		}
		return r.Open()
	}
	if len(open(now, first, allergy)) != 1 {
		t.Error("not asked at first")
	}
	answered := *first
	answered.Overrides = []record.Override{said}
	if len(open(now, &answered, allergy)) != 0 {
		t.Error("the draft's answer does not count")
	}
	again := entry(t, "M:atc:J01CA04", now)
	if len(open(now, again, allergy, &answered)) != 0 {
		t.Error("asked again in the same course")
	}
	if len(open(now, nil, allergy, &answered)) != 0 {
		t.Error("asked again at the tap")
	}
	later := now.AddDate(0, 2, 0)
	again.Start = later
	if len(open(later, again, allergy, &answered)) != 1 {
		t.Error("the answer outlives the course")
	}
	other := *first
	other.Overrides = []record.Override{said}
	other.Overrides[0].About = []record.Code{amoxicillin}
	if len(open(now, &other, allergy)) != 1 {
		t.Error("an answer about something else counts")
	}
	withdrawn := answered
	withdrawn.EnteredInError = true
	if len(open(now, again, allergy, &withdrawn)) != 1 {
		t.Error("an answer entered in error counts")
	}
}

// TestSensitive says where the override of an alert belongs.
func TestSensitive(t *testing.T) {
	for _, c := range []struct {
		record, draft string
		want          bool
	}{
		{"S:atc:N06AB03", "M:atc:N06AF03", true},
		{"M:atc:N06AB03", "M:atc:N02AX02", true}, // by its code
		{"S:atc:C01DA02", "M:atc:C02KX05", true}, // by its place
		{"M:atc:C03DA01", "M:atc:A12BA01", false},
		{"D:icd10:Z34", "M:atc:C03DA01", false},
		{"E:icd10:Z34", "M:atc:C03DA01", true}, // by how it is known that she is pregnant
	} {
		p := Base().Patient(person(t, "f40"), nil, []*record.Entry{entry(t, c.record, now.AddDate(0, 0, -1))}, now)
		list := Base().Check(p, entry(t, c.draft, now)).Alerts
		if len(list) != 1 || list[0].Sensitive != c.want {
			t.Errorf("%s, %s: %+v", c.record, c.draft, list)
		}
	}
}

func TestSummary(t *testing.T) {
	s := &record.Summary{
		Allergies: []record.Allergy{{Code: codeOf(t, "atc:J01C")}},
		Medicines: []record.Medicine{{Code: codeOf(t, "atc:B01AA03"), Ongoing: true, Since: record.At(now.AddDate(-1, 0, 0))}},
		Problems:  []record.Problem{{Code: codeOf(t, "icd10:G20"), Chronic: true}},
	}
	p := Base().Patient(person(t, "m60"), s, nil, now)
	got := found(Base().Check(p, entry(t, "M:atc:J01CA04 M:atc:M01AE01 M:atc:A03FA01", now)).Alerts)
	want := []string{"stop allergy-group", "stop parkinson-dopamine-blocker", "warn warfarin-nsaid"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if len(s.Medicines) != 1 {
		t.Error("the summary was changed")
	}
}

// TestAmended passes over what an entry replaces.
func TestAmended(t *testing.T) {
	wrong := entry(t, "M:atc:B01AA03", now.AddDate(0, 0, -5))
	wrong.ID = record.EntryID{1}
	right := entry(t, "M:atc:C08CA01", now.AddDate(0, 0, -5))
	right.Amends = &record.EntryID{1}
	p := Base().Patient(person(t, "m40"), nil, []*record.Entry{wrong, right}, now)
	if got := Base().Check(p, entry(t, "M:atc:M01AE01", now)).Alerts; len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestUnchecked(t *testing.T) {
	p := Base().Patient(Person{}, nil, nil, now)
	p.Locked = []string{"sensitive"}
	if r := Base().Check(p, nil); !slices.Equal(r.Unchecked, p.Locked) || r.Alerts == nil {
		t.Errorf("%+v", r)
	}
}

// benchRecord is a record of 30 medicines, six allergies and ten problems.
func benchRecord(tb testing.TB) []*record.Entry {
	tb.Helper()
	e := &record.Entry{Start: now.AddDate(0, 0, -7)}
	t := terms.Base()
	for i := uint32(0); len(e.Prescriptions) < 30; i += 7 {
		e.Prescriptions = append(e.Prescriptions, record.Prescription{Medicine: t.Row(terms.Medicines, i).Code, Ongoing: true})
	}
	for i := range uint32(6) {
		e.Allergies = append(e.Allergies, record.Allergy{Code: t.Row(terms.Medicines, 250+i*9).Code})
	}
	for i := range uint32(10) {
		e.Diagnoses = append(e.Diagnoses, record.Diagnosis{Code: t.Row(terms.Findings, i*3).Code})
	}
	return []*record.Entry{e}
}

// BenchmarkCheck checks a draft of two medicines against a record of 30.
func BenchmarkCheck(b *testing.B) {
	p := Base().Patient(person(b, "m40"), nil, benchRecord(b), now)
	draft := entry(b, "M:atc:J01FF01=300mg*3 M:atc:R06AX26=120mg*1 O:loinc:2339-0=98mg/dL", now)
	b.ReportAllocs()
	for b.Loop() {
		Base().Check(p, draft)
	}
}

// BenchmarkTap gathers the patient from the entries and checks the record.
func BenchmarkTap(b *testing.B) {
	entries := benchRecord(b)
	who := person(b, "m40")
	b.ReportAllocs()
	for b.Loop() {
		Base().Check(Base().Patient(who, nil, entries, now), nil)
	}
}
