package entitle

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"
)

// later is the programme's rules under a version, changed.
func later(version uint32, change func(*Rules)) *Rules {
	r := *Default()
	r.Version = version
	if change != nil {
		change(&r)
	}
	return &r
}

func next(t *testing.T, s *Schedule, r *Rules, from string, words map[Code]map[string]string) *Schedule {
	t.Helper()
	text, err := s.Next(r, from, words)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ParseSchedule(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestScheduleChangesOnADay asks on both sides of the day on which shares rise,
// also for a visit that was earlier.
func TestScheduleChangesOnADay(t *testing.T) {
	share := func(percent uint8) func(*Rules) {
		return func(r *Rules) {
			r.Shares = append([]Share(nil), r.Shares...)
			for i := range r.Shares {
				r.Shares[i].PerCent = percent
			}
		}
	}
	s := next(t, Builtin(), later(2, share(40)), "2027-01-01", nil)
	s = next(t, s, later(3, share(50)), "2027-06-01", nil)
	s = next(t, s, later(4, share(60)), "2027-03-01", nil) // in the place of what was planned for June
	if s.Edition() != 4 || len(s.Periods()) != 3 {
		t.Fatalf("edition %d, %d periods", s.Edition(), len(s.Periods()))
	}
	for at, want := range map[string]uint32{
		"2026-12-31T20:59:59Z": 1, "2026-12-31T21:00:00Z": 2, "2027-02-28T20:59:59Z": 2, "2027-02-28T21:00:00Z": 4, "2027-07-01T00:00:00Z": 4,
		"2001-01-01T00:00:00Z": 1,
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld().cost(1000)
		w.k.Rules, w.q.At = s, when
		a, err := Ask(&w.k, w.q)
		if err != nil || a.Rules != want || s.At(when).Version != want {
			t.Errorf("%s: rules %d, want %d, %v", at, a.Rules, want, err)
		}
	}
}

func TestScheduleWords(t *testing.T) {
	own := maps.Clone(words()[CodeNoCover])
	own["en"] = "There is no cover at all."
	s := next(t, Builtin(), later(2, nil), "2027-01-01", wordTable{CodeNoCover: own})
	s = next(t, s, later(3, nil), "2027-02-01", nil)
	w := newWorld()
	w.k.Rules, w.k.Cover, w.k.Standing = s, nil, nil
	a, err := Ask(&w.k, w.q)
	if err != nil || len(a.Reasons) == 0 || a.Reasons[0].Text["en"] != own["en"] {
		t.Errorf("%+v, %v", a, err)
	}
	if words()[CodeNoCover]["en"] == own["en"] {
		t.Error("the program's own words have changed")
	}
	for name, w := range map[string]wordTable{
		"unknown code": {"x": own}, "a language missing": {CodeNoCover: {"en": "x", "ar": "x"}},
		"another language": {CodeNoCover: {"en": "x", "ar": "x", "fr": "x"}}, "empty": {CodeNoCover: {"en": "", "ar": "x", "ckb": "x"}},
		"no number": {CodeVisitsLeft: {"en": "x", "ar": "{n}", "ckb": "{n}"}}, "a number": {CodeNoCover: {"en": "{n}", "ar": "x", "ckb": "x"}},
		"long": {CodeNoCover: {"en": strings.Repeat("x", maxWords+1), "ar": "x", "ckb": "x"}},
	} {
		if _, err := Builtin().Next(later(2, nil), "2027-01-01", w); !errors.Is(err, ErrRules) {
			t.Errorf("%s: %v", name, err)
		}
		raw, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseWords(raw); !errors.Is(err, ErrRules) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScheduleRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		r    *Rules
		from string
	}{
		"the same version":   {later(1, nil), "2027-01-01"},
		"a version left out": {later(3, nil), "2027-01-01"},
		"no day":             {later(2, nil), ""},
		"30 February":        {later(2, nil), "2027-02-30"},
		"a far day":          {later(2, nil), "2200-01-01"},
		"half a year":        {later(2, func(r *Rules) { r.YearMonth = 4 }), "2027-01-01"},
		"bad rules":          {later(2, func(r *Rules) { r.Shares = nil }), "2027-01-01"},
	} {
		if text, err := Builtin().Next(c.r, c.from, nil); !errors.Is(err, ErrRules) {
			t.Errorf("%s: %v, %s", name, err, text)
		}
	}
	if _, err := Builtin().Next(later(2, func(r *Rules) { r.YearMonth = 4 }), "2027-04-01", nil); err != nil {
		t.Errorf("another year, from its beginning: %v", err)
	}
	one := strings.TrimSpace(string(published))
	two := strings.Replace(one, `"version": 1`, `"version": 2`, 1)
	for name, text := range map[string]string{
		"nothing": "", "no periods": `{"periods":[]}`, "no rules": `{"periods":[{}]}`, "null": `{"periods":[{"rules":null}]}`,
		"unknown name": `{"periods":[{"rules":` + one + `}],"x":1}`, "more": `{"periods":[{"rules":` + one + `}]} {}`,
		"a first day":  `{"periods":[{"from":"2026-01-01","rules":` + one + `}]}`,
		"falling":      `{"periods":[{"rules":` + two + `},{"from":"2027-01-01","rules":` + one + `}]}`,
		"no day":       `{"periods":[{"rules":` + one + `},{"rules":` + two + `}]}`,
		"days not up":  `{"periods":[{"rules":` + one + `},{"from":"2027-01-01","rules":` + two + `},{"from":"2027-01-01","rules":` + strings.Replace(one, `: 1`, `: 3`, 1) + `}]}`,
		"not in UTF-8": "\xff", "too long": strings.Repeat(" ", MaxSchedule+1),
	} {
		if s, err := ParseSchedule(text); !errors.Is(err, ErrRules) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// TestScheduleForgets keeps publishing: the oldest rules make room.
func TestScheduleForgets(t *testing.T) {
	s := Builtin()
	day := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for v := uint32(2); v < 2+maxPeriods+5; v++ {
		s = next(t, s, later(v, nil), day.Format(time.DateOnly), nil)
		day = day.AddDate(0, 1, 0)
	}
	if p := s.Periods(); len(p) != maxPeriods || p[0].From != "" || p[0].Rules.Version == 1 || s.Edition() != maxPeriods+6 {
		t.Errorf("%d periods from %q, edition %d", len(p), p[0].From, s.Edition())
	}
}

func FuzzParseSchedule(f *testing.F) {
	text, err := Builtin().Next(later(2, nil), "2027-01-01", wordTable{CodeNoCover: words()[CodeNoCover]})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(scheduleText{s.periods, s.changed})
		if err != nil {
			t.Fatal(err)
		}
		same, err := ParseSchedule(string(again))
		if err != nil {
			if len(again) > MaxSchedule { // escapes are longer
				return
			}
			t.Fatal(err)
		}
		if same.Edition() != s.Edition() || !reflect.DeepEqual(same.words, s.words) || len(same.periods) != len(s.periods) {
			t.Fatalf("%s\n%s", text, again)
		}
		w := newWorld().visits(3).cost(100)
		w.k.Rules = s
		leftOf(t, w)
	})
}
