package entitle

import (
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// TestAmendments reckons what is left of who paid what after corrections:
// dental care, which counts by the dinar. An entry's number is its place.
func TestAmendments(t *testing.T) {
	type step struct {
		facility uint32
		of       int // 1 the first; 0: amends nothing
		paid     int64
	}
	const gone = -1 // paid: entered in error
	for _, tt := range []struct {
		name  string
		steps []step
		want  uint32
	}{
		{"a correction", []step{{5, 0, 100}, {5, 1, 10}}, 10},
		{"taken back", []step{{5, 0, 100}, {5, 1, gone}}, 0},
		{"a correction of a correction", []step{{5, 0, 100}, {5, 1, 10}, {5, 2, 1}}, 1},
		{"two that knew nothing of each other", []step{{5, 0, 100}, {5, 1, 10}, {5, 1, 1}}, 10},
		{"and one of them corrected", []step{{5, 0, 100}, {5, 1, 10}, {5, 1, 1}, {5, 2, 3}}, 3},
		{"and both", []step{{5, 0, 100}, {5, 1, 10}, {5, 1, 1}, {5, 2, 3}, {5, 3, 2}}, 3},
		{"and one taken back", []step{{5, 0, 100}, {5, 1, 10}, {5, 1, 1}, {5, 2, gone}}, 1},
		{"by another facility", []step{{5, 0, 100}, {6, 1, 10}}, 110},
		{"taken back by another facility", []step{{5, 0, 100}, {6, 1, gone}}, 100},
		{"its own again, after another facility's", []step{{5, 0, 100}, {6, 1, 10}, {5, 2, 1}}, 11},
		{"taken back, after another facility's", []step{{5, 0, 100}, {6, 1, 10}, {5, 2, gone}}, 10},
		{"of what nobody has seen", []step{{5, 9, 10}, {5, 9, 1}}, 10},
		{"two visits", []step{{5, 0, 100}, {5, 0, 10}, {5, 2, 1}}, 101},
	} {
		var seen []Seen
		id := func(n int) record.EntryID { return entry(n, asked, 0, 0, 0, 0).ID }
		for i, s := range tt.steps {
			e := entry(i+1, asked, s.facility, record.ServiceDental, max(s.paid, 0), 0)
			e.Entry.EnteredInError = s.paid == gone
			if s.of > 0 {
				of := id(s.of)
				e.Entry.Amends = &of
			}
			seen = append(seen, e)
		}
		w := newWorld()
		w.k.Entries = seen
		if got := leftOf(t, w); got.Dental.Used != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got.Dental.Used, tt.want)
		}
	}
}

// TestAmendmentOfOthers: an entry takes nothing away from another person, and
// one that moves a visit into another year takes it away from the first.
func TestAmendmentOfOthers(t *testing.T) {
	a := entry(1, asked, 5, record.ServiceDental, 100, 0)
	b := entry(2, asked, 5, record.ServiceDental, 10, 0)
	b.Entry.Amends, b.Entry.Person = &a.ID, 1
	w := newWorld().add(a).add(b)
	if got := leftOf(t, w); got.Dental.Used != 100 {
		t.Errorf("amended by a child's entry: %d", got.Dental.Used)
	}
	for _, year := range []int{2019, 2025, 2027} {
		b.Entry.Person, b.Entry.Start = 0, time.Date(year, 6, 15, 6, 0, 0, 0, time.UTC)
		w := newWorld().add(a).add(b)
		if got := leftOf(t, w); got.Dental.Used != 0 {
			t.Errorf("moved to %d: %d", year, got.Dental.Used)
		}
		s := Gather(Default(), 2026, 0, []Seen{b})
		w.k.Standing.Amendments, w.k.Entries = s.Amendments, []Seen{a}
		if got := leftOf(t, w); got.Dental.Used != 0 {
			t.Errorf("moved to %d by the centre's word: %d", year, got.Dental.Used)
		}
	}
}
