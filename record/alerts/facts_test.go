package alerts

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// stops lists the alerts that must be answered.
func stops(t *testing.T, who string, entries []*record.Entry, draft *record.Entry) []string {
	t.Helper()
	p := Base().Patient(person(t, who), nil, entries, now)
	r := Base().Check(p, draft)
	return found(r.Open())
}

// TestAnew stops a medicine and writes it anew in one draft.
func TestAnew(t *testing.T) {
	draft := entry(t, "X:atc:J01CA04 M:atc:J01CA04", now)
	if got := stops(t, "m40", []*record.Entry{entry(t, "A:atc:J01C", now.AddDate(0, 0, -9))}, draft); !slices.Contains(got, "stop allergy-group") {
		t.Errorf("stopped and written anew: %q", got)
	}
}

// TestPregnancies looks at a pregnancy after another, and at a draft that
// tells of an earlier birth.
func TestPregnancies(t *testing.T) {
	before := entry(t, "O:loinc:11884-4=20wk", now.AddDate(-2, 0, 0))
	again := entry(t, "D:icd10:Z33", now.AddDate(0, 0, -10))
	drug := "M:atc:B01AA03"
	if got := stops(t, "f30", []*record.Entry{again}, entry(t, drug, now)); len(got) == 0 {
		t.Fatal("no alert in a first pregnancy")
	}
	if got := stops(t, "f30", []*record.Entry{before, again}, entry(t, drug, now)); len(got) == 0 {
		t.Error("no alert in a second pregnancy")
	}
	draft := entry(t, drug+" P:snomed:11466000", now)
	draft.Procedures[0].At = record.Day(2021, 3, 1)
	if got := stops(t, "f30", []*record.Entry{again}, draft); len(got) == 0 {
		t.Error("no alert when the draft tells of an earlier birth")
	}
}

// TestWorse answers an alert about an intolerance, and learns then that it is
// an allergy that may kill.
func TestWorse(t *testing.T) {
	mild := entry(t, "I:atc:J01CA04", now.AddDate(0, 0, -30))
	p := Base().Patient(person(t, "m40"), nil, []*record.Entry{mild}, now)
	taken := entry(t, "M:atc:J01CA04", now.AddDate(0, 0, -20))
	a := Base().Check(p, taken).Alerts[0]
	taken.Overrides = []record.Override{{Rule: a.Rule, Kind: a.Kind, About: a.About}}
	worse := entry(t, "A:atc:J01CA04", now.AddDate(0, 0, -2))
	if got := stops(t, "m40", []*record.Entry{mild, taken, worse}, entry(t, "M:atc:J01CA04", now)); len(got) == 0 {
		t.Error("an answer to less answers a stop")
	}
	draft := entry(t, "A:atc:J01CA04 M:atc:J01CA04", now)
	if got := stops(t, "m40", []*record.Entry{mild, taken}, draft); len(got) == 0 {
		t.Error("an answer to less answers a stop by what the draft tells")
	}
	taken.Start = now.AddDate(0, 0, -1)
	if got := stops(t, "m40", []*record.Entry{mild, taken, worse}, entry(t, "M:atc:J01CA04", now)); len(got) != 0 {
		t.Errorf("an answer to the worse does not count: %q", got)
	}
}

// TestDenials reads allergies in words.
func TestDenials(t *testing.T) {
	for text, want := range map[string]bool{
		"penicillin": true, "no penicillin": false, "No known allergies": false,
		"no known allergy except penicillin": true, "do not give penicillin": true, "لا يتحمل البنسلين": true,
		"no reaction to aspirin but rash with amoxicillin": true, "not allergic to penicillin": false,
		"لا توجد حساسية إلا من البنسلين": true, "لا توجد حساسية من البنسلين": false, "بدون حساسية": false,
	} {
		e := &record.Entry{Start: now.AddDate(0, 0, -9), Allergies: []record.Allergy{{Code: record.Code{System: terms.Text, Value: text}}}}
		if got := stops(t, "m40", []*record.Entry{e}, entry(t, "M:atc:J01CA04", now)); (len(got) > 0) != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// TestDoseOnce orders a dose for an infant without saying how often.
func TestDoseOnce(t *testing.T) {
	weight := entry(t, "O:loinc:29463-7=10kg", now.AddDate(0, 0, -9))
	for _, often := range []string{"", "*1w"} {
		draft := entry(t, "M:atc:N02BE01=1600mg"+often, now)
		if got := stops(t, "m1", []*record.Entry{weight}, draft); len(got) != 1 {
			t.Errorf("%q: %q", often, got)
		}
	}
}

// TestLoudestDose orders doses that are a little too much at once and far too
// much in a day, or by a child's weight.
func TestLoudestDose(t *testing.T) {
	heavy := entry(t, "O:loinc:29463-7=60kg", now.AddDate(0, 0, -9))
	for _, c := range []struct{ who, draft string }{
		{"m40", "M:atc:N02BE01=1500mg*6"},
		{"m11", "M:atc:N02BE01=5000mg*1"},
	} {
		if got := stops(t, c.who, []*record.Entry{heavy}, entry(t, c.draft, now)); len(got) != 1 {
			t.Errorf("%s, %s: %q", c.who, c.draft, got)
		}
	}
}

// TestYearOfBirth takes somebody of whom only the year of birth is known for as
// young, and for as old, as they may be.
func TestYearOfBirth(t *testing.T) {
	who := Person{Sex: record.SexMale, Born: record.Moment{Time: record.Day(now.Year()-12, 1, 1).Time, Precision: record.ToYear}}
	weight := entry(t, "O:loinc:29463-7=20kg", now.AddDate(0, 0, -9))
	for _, at := range []time.Time{now, time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)} { // a clock that was lost too
		q := Base().Patient(who, nil, nil, at)
		if got := found(Base().Check(q, entry(t, "M:atc:R05DA04=15mg*1", at)).Alerts); !slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "child-codeine") }) {
			t.Errorf("%s: %q", at, got)
		}
	}
	p := Base().Patient(who, nil, []*record.Entry{weight}, now)
	if got := found(Base().Check(p, entry(t, "M:atc:N02BE01=1000mg*4", now)).Open()); len(got) != 1 {
		t.Errorf("%q", got)
	}
}
