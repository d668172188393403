package entitle

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// anyEntry draws an entry around the tests' year.
func anyEntry(rng *rand.Rand, n int) Seen {
	start := time.Date(2025, 12, 1+rng.IntN(420), rng.IntN(24), rng.IntN(60), 0, 0, time.UTC)
	total := rng.Int64N(200000)
	s := entry(n, start, uint32(rng.IntN(4)), record.Service(rng.IntN(8)), total, rng.Int64N(total+2)) // #nosec G115 -- small
	s.Entry.Class, s.Entry.Person = record.Class(rng.IntN(9)), uint8(rng.IntN(3))                      // #nosec G115 -- small
	switch rng.IntN(10) {
	case 0:
		s.Entry.Cost = nil
	case 1:
		s.Entry.Cost.Patient = nil
	case 2:
		s.Entry.Cost.Currency = "USD"
	case 3:
		s.Entry.Cost.Total.Mantissa = -total
	}
	return s
}

func leftOf(t *testing.T, w *world) Balance {
	t.Helper()
	a, err := Ask(&w.k, w.q)
	if err != nil || a.Balance == nil {
		t.Fatal(err, a)
	}
	for _, x := range []Allowance{a.Balance.Visits, a.Balance.Operations, a.Balance.Dental} {
		if x.Left > x.Allowed || x.Left+min(x.Used, x.Allowed) != x.Allowed {
			t.Fatalf("allowance %+v", x)
		}
	}
	if a.Patient != nil && (*a.Patient < 0 || *a.Patient > *a.Cost) {
		t.Fatalf("patient pays %d of %d", *a.Patient, *a.Cost)
	}
	return *a.Balance
}

// TestProperties draws entries and checks what must hold of all of them: an
// entry more never raises what is left, neither the order nor a second look at
// an entry matters, and it does not matter who knows of it.
func TestProperties(t *testing.T) {
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 1)) // #nosec G404 -- a test
		w := newWorld()
		w.q.Person, w.q.Service = uint8(rng.IntN(3)), record.Service(rng.IntN(8)) // #nosec G115 -- small
		w.cost(rng.Int64N(300000))
		if rng.IntN(2) == 0 {
			w.k.Cover.Counters = []record.Counter{{Kind: record.CounterVisits, Person: w.q.Person, Year: 2026, Allowed: rng.Uint32N(15), Used: rng.Uint32N(15)}}
		}
		w.k.Standing.Person = w.q.Person
		before := leftOf(t, w)
		for n := range 40 {
			w.add(anyEntry(rng, n))
			after := leftOf(t, w)
			if after.Visits.Left > before.Visits.Left || after.Operations.Left > before.Operations.Left || after.Dental.Left > before.Dental.Left {
				t.Fatalf("seed %d: entry %d raised %+v to %+v", seed, n, before, after)
			}
			before = after
		}
		// From here on some amend others: of those the order alone must not matter.
		for n := range 20 {
			s := anyEntry(rng, 50+n)
			of := w.k.Entries[rng.IntN(len(w.k.Entries))]
			s.Entry.Amends, s.Entry.EnteredInError = &of.ID, rng.IntN(2) == 0
			if rng.IntN(2) == 0 {
				s.Facility = of.Facility
			}
			w.add(s)
		}
		want := leftOf(t, w)
		rng.Shuffle(len(w.k.Entries), func(i, j int) {
			w.k.Entries[i], w.k.Entries[j] = w.k.Entries[j], w.k.Entries[i]
		})
		w.k.Entries = append(w.k.Entries, w.k.Entries[:30]...)
		if got := leftOf(t, w); got != want {
			t.Fatalf("seed %d: another order: %+v, want %+v", seed, got, want)
		}
	}
}

// TestWhoKnowsWhat draws a history with corrections of corrections, by the
// same facility and by others, and deals it out to the centre and the card:
// each entry to one of them or to both. What is left is always what somebody
// would reckon who sees everything.
func TestWhoKnowsWhat(t *testing.T) {
	for seed := range uint64(600) {
		rng := rand.New(rand.NewPCG(seed, 2)) // #nosec G404 -- a test
		w := newWorld()
		w.k.Entries = anyHistory(rng)
		if rng.IntN(2) == 0 {
			w.k.Cover.Counters = []record.Counter{{Kind: record.CounterDental, Year: 2026, Allowed: 1 << 30, Used: rng.Uint32N(1 << 20)}}
		} else {
			w.k.Cover.Counters = []record.Counter{{Kind: record.CounterDental, Year: 2026, Allowed: 1 << 30}}
		}
		want, all := leftOf(t, w), w.k.Entries
		for deal := range 8 {
			var centre, card []Seen
			for _, s := range all {
				who := rng.IntN(3)
				if deal < 3 { // the centre knows the corrections alone, the rest alone, and all
					who = [...]int{1, 0, 2}[deal]
					if s.Entry.Amends != nil && deal < 2 {
						who = deal
					}
				}
				if who != 0 {
					card = append(card, s)
				}
				if who != 1 {
					centre = append(centre, s)
				}
			}
			word := Gather(Default(), 2026, 0, centre)
			if word.More {
				t.Fatal("the word is cut")
			}
			word.At = w.k.Standing.At
			w.k.Standing, w.k.Entries = word, card
			if got := leftOf(t, w); got != want {
				t.Fatalf("seed %d, deal %d: %+v, want %+v", seed, deal, got, want)
			}
		}
	}
}

// anyHistory draws what happened to one person around the tests' year, half of
// it about what went before.
func anyHistory(rng *rand.Rand) []Seen {
	var out []Seen
	for n := range 30 {
		s := anyEntry(rng, n)
		s.Entry.Person, s.Entry.Class = 0, record.ClassAmbulatory
		if rng.IntN(2) == 0 && s.Entry.Cost != nil {
			s.Entry.Cost.Service = record.ServiceDental // counts by the dinar
		}
		if n > 0 && rng.IntN(2) == 0 {
			of := &out[max(0, len(out)-1-rng.IntN(6))]
			s.Entry.Amends, s.Entry.EnteredInError = &of.ID, rng.IntN(5) == 0
			if rng.IntN(3) > 0 {
				s.Facility = of.Facility
			}
		}
		out = append(out, s)
	}
	return out
}

// TestGatherIsBounded checks that a standing keeps to its bound and says so.
func TestGatherIsBounded(t *testing.T) {
	var entries []Seen
	for n := range MaxCharges + 1 {
		entries = append(entries, entry(n, issued.AddDate(0, 0, n%300), uint32(n), 0, 1, 0)) // #nosec G115 -- small
	}
	s := Gather(Default(), 2026, 0, entries)
	if len(s.Charges) != MaxCharges || !s.More {
		t.Errorf("%d charges, more %v", len(s.Charges), s.More)
	}
	if !slices.IsSortedFunc(s.Charges, func(a, b Charge) int { return a.Start.Compare(b.Start) }) {
		t.Error("charges out of order")
	}
	if s = Gather(Default(), 2026, 0, entries[1:]); len(s.Charges) != MaxCharges || s.More {
		t.Errorf("%d charges, more %v", len(s.Charges), s.More)
	}
	for n := range entries {
		entries[n].Entry.Amends = &record.EntryID{9, byte(n >> 8), byte(n)}
		entries[n].Entry.Start = issued.AddDate(0, 0, n)
	}
	s = Gather(Default(), 2026, 0, entries)
	if len(s.Amendments) != MaxAmendments || !s.More || s.Amendments[0].Ref != RefOf(entries[1].ID) {
		t.Errorf("%d amendments, more %v, the first %x", len(s.Amendments), s.More, s.Amendments[0].Ref)
	}
	if s = Gather(Default(), 2026, 0, entries[1:]); len(s.Amendments) != MaxAmendments {
		t.Errorf("%d amendments", len(s.Amendments))
	}
}

func TestParseRulesRefuses(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"unknown name":    func(m map[string]any) { m["x"] = 1 },
		"no version":      func(m map[string]any) { m["version"] = 0 },
		"30 February":     func(m map[string]any) { m["year_month"], m["year_day"] = 2, 30 },
		"29 February":     func(m map[string]any) { m["year_month"], m["year_day"] = 2, 29 },
		"month 13":        func(m map[string]any) { m["year_month"] = 13 },
		"no steps":        func(m map[string]any) { m["visits"] = nil },
		"steps from 1":    func(m map[string]any) { m["visits"] = []Step{{Age: 1, Visits: 1}} },
		"falling visits":  func(m map[string]any) { m["visits"] = []Step{{Visits: 2}, {Age: 2, Visits: 1}} },
		"falling age":     func(m map[string]any) { m["visits"] = []Step{{}, {Age: 2}, {Age: 2}} },
		"a day's offset":  func(m map[string]any) { m["offset_minutes"] = 24 * 60 },
		"a great sum":     func(m map[string]any) { m["dental"] = uint32(1 << 31) },
		"101 per cent":    func(m map[string]any) { m["shares"].([]any)[0].(map[string]any)["per_cent"] = 101 },
		"a share missing": func(m map[string]any) { m["shares"] = m["shares"].([]any)[1:] },
		"a share twice":   func(m map[string]any) { m["shares"] = append(m["shares"].([]any), m["shares"].([]any)[0]) },
		"a place unknown": func(m map[string]any) { m["shares"].([]any)[0].(map[string]any)["place"] = "tent" },
		"no place":        func(m map[string]any) { delete(m["shares"].([]any)[0].(map[string]any), "place") },
		"service unknown": func(m map[string]any) { m["approval"] = []string{"haircut"} },
	} {
		var m map[string]any
		if err := json.Unmarshal(published, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := ParseRules(raw); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if _, err := ParseRules(append(slices.Clone(published), "{}"...)); err == nil {
		t.Error("more after the table")
	}
	if _, err := ParseRules(make([]byte, MaxRules+1)); err == nil {
		t.Error("too long a table")
	}
}

// TestOtherRules checks that the answer follows the table and not the program.
func TestOtherRules(t *testing.T) {
	r := *Default()
	r.YearMonth, r.YearDay, r.FreshDays = 9, 1, 3
	r.Visits = []Step{{0, 2}, {18, 3}, {60, 10}}
	r.Shares = append(slices.Clone(r.Shares), Share{Place: PlacePublic, Service: new(record.Service), PerCent: 50, Ceiling: 1000})
	w := newWorld().visits(1).add(entry(1, time.Date(2025, 9, 1, 1, 0, 0, 0, baghdad), 5, 0, 1, 0)).
		add(entry(2, time.Date(2025, 8, 31, 23, 0, 0, 0, baghdad), 5, 0, 1, 0)).cost(5000)
	w.k.Rules, w.k.Standing.Year, w.k.Standing.At = Only(&r), 2025, asked.AddDate(0, 0, -3)
	a, err := Ask(&w.k, w.q)
	if err != nil {
		t.Fatal(err)
	}
	if a.Balance.Year != 2025 || a.Balance.Visits != (Allowance{3, 2, 1}) || *a.Patient != 1000 || !a.Final {
		t.Errorf("%+v %+v, pays %d", a, a.Balance, *a.Patient)
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add(published)
	f.Add([]byte(`{"version":1,"visits":[{"age":0,"visits":1}],"shares":[{"service":"visit","place":"public"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseRules(raw)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		same, err := ParseRules(again)
		if err != nil {
			t.Fatal(err)
		}
		if len(same.Approval) == 0 && len(same.Exempt) == 0 { // empty and absent are one
			r.Approval, r.Exempt = same.Approval, same.Exempt
		}
		if !reflect.DeepEqual(r, same) {
			t.Fatalf("%+v\n%+v", r, same)
		}
		w := newWorld().visits(3).cost(100)
		w.k.Rules = Only(r)
		leftOf(t, w)
	})
}

// BenchmarkAsk answers for a patient with 300 entries of this year.
func BenchmarkAsk(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1)) // #nosec G404 -- a benchmark
	w := newWorld().cost(25000)
	for n := range 300 {
		s := anyEntry(rng, n)
		s.Entry.Person = 0
		w.add(s)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Ask(&w.k, w.q); err != nil {
			b.Fatal(err)
		}
	}
}
