package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// TestAsOf looks back at a record in which an entry came late and another was
// corrected: what a time shows is what had arrived by then, whatever the
// encounters' own times are.
func TestAsOf(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 5, n, 9, 0, 0, 0, time.UTC) }
	id := func(n byte) record.EntryID { return record.EntryID{n} }
	entry := func(n byte, start, kept int, code string, amends *record.EntryID) VisitEntry {
		e := allergyTo(0, code)
		e.ID, e.Start, e.Amends = id(n), day(start), amends
		return VisitEntry{ID: e.ID, Kept: day(kept), Entry: e}
	}
	wrong := id(1)
	v := Visit{Checks: &alerts.Report{}, Eligibility: &entitle.Answer{Final: true}, Entries: []VisitEntry{
		entry(3, 9, 9, "N02BA01", &wrong),
		entry(2, 1, 7, "M01AE01", nil), // of another clinic, by the feed
		entry(1, 2, 2, "J01CA04", nil),
	}}
	for _, tt := range []struct {
		at      int
		entries int
		amended bool
		want    []string
	}{
		{1, 0, false, nil},
		{2, 1, false, []string{"J01CA04"}},
		{6, 1, false, []string{"J01CA04"}},
		{8, 2, false, []string{"J01CA04", "M01AE01"}},
		{9, 3, true, []string{"M01AE01", "N02BA01"}},
	} {
		then := v.AsOf(day(tt.at))
		got := allergies(then)
		slices.Sort(got)
		if then.Checks != nil || then.Eligibility != nil {
			t.Errorf("on the %d.: collisions %+v and cover %+v of now", tt.at, then.Checks, then.Eligibility)
		}
		if len(then.Entries) != tt.entries || !slices.Equal(got, tt.want) {
			t.Errorf("on the %d.: %d entries, allergies %v", tt.at, len(then.Entries), got)
		}
		if n := len(then.Entries); n > 0 && (len(then.Entries[n-1].AmendedBy) > 0) != tt.amended {
			t.Errorf("on the %d.: the first entry is amended by %v", tt.at, then.Entries[n-1].AmendedBy)
		}
	}
	if len(v.Entries) != 3 || v.Summary != nil || v.Checks == nil || v.Eligibility == nil {
		t.Error("the visit itself was changed")
	}
}

// TestKeptIsWhenItCame: the time at which an entry is kept is the first one,
// whatever becomes of the entry later.
func TestKeptIsWhenItCame(t *testing.T) {
	n := newNation(t)
	p := n.issue(2, softcard.Options{})
	d := n.desk(deskOptions{})
	before := time.Now().Truncate(time.Second)
	v := d.tapped(t, p)
	first := v.Entries[0].Kept
	if first.Before(before) || first.After(time.Now()) || len(v.AsOf(before.Add(-time.Second)).Entries) != 0 {
		t.Fatalf("kept at %s", first)
	}
	time.Sleep(1100 * time.Millisecond) // the cache keeps seconds
	if err := d.cache.MarkAtCentre(v.Patient, []record.EntryID{v.Entries[0].ID}); err != nil {
		t.Fatal(err)
	}
	e, ok, err := d.cache.Entry(v.Patient, v.Entries[0].ID)
	if err != nil || !ok || !e.Kept.Equal(first) {
		t.Fatalf("kept at %s after that, %v", e.Kept, err)
	}
}
