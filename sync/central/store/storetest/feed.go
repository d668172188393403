package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// follow reads the feed to its end and returns the items in order.
func follow(t *testing.T, s store.Store, facility uint32, after uint64, maxItems, maxBytes int) (ids []record.EntryID, next uint64) {
	t.Helper()
	for calls := 0; ; calls++ {
		feed, err := s.Changes(t.Context(), facility, after, maxItems, maxBytes)
		if err != nil {
			t.Fatal(err)
		}
		last := after
		for _, c := range feed.Items {
			if c.Pos <= last {
				t.Fatalf("position %d after %d", c.Pos, last)
			}
			last = c.Pos
			e := c.Envelope()
			ids = append(ids, e.ID())
		}
		if feed.Next < last || len(feed.Items) > maxItems {
			t.Fatalf("page of %d items up to %d, next %d", len(feed.Items), last, feed.Next)
		}
		if feed.More && feed.Next == after {
			t.Fatal("more, but the page made no progress")
		}
		after = feed.Next
		if !feed.More {
			return ids, after
		}
	}
}

func testFeedPages(t *testing.T, open Open) {
	t.Helper()
	s := closing(t, open(t, t.TempDir()))
	var want []record.EntryID
	for n := range uint64(30) {
		item := itemOf(n%3, n, 100) // facility 7 pushes for patients 0, 1 and 2
		accept(t, s, batchOf(7, n, item))
		if n%3 == 1 {
			want = append(want, item.ID)
		}
	}
	if ids, _ := follow(t, s, 9, 0, 10, 1<<20); len(ids) != 0 {
		t.Errorf("a facility without interest sees %d entries", len(ids))
	}
	if err := s.Interest(t.Context(), 9, patientOf(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Interest(t.Context(), 9, patientOf(1)); err != nil {
		t.Fatalf("interest again: %v", err)
	}
	for _, c := range []struct {
		name               string
		maxItems, maxBytes int
	}{{"one page", 100, 1 << 20}, {"by count", 3, 1 << 20}, {"by bytes", 100, 250}, {"less than one item", 100, 1}} {
		t.Run(c.name, func(t *testing.T) {
			ids, next := follow(t, s, 9, 0, c.maxItems, c.maxBytes)
			if fmt.Sprint(ids) != fmt.Sprint(want) {
				t.Errorf("got %d entries, want %d in order", len(ids), len(want))
			}
			if rest, _ := follow(t, s, 9, next, c.maxItems, c.maxBytes); len(rest) != 0 {
				t.Errorf("%d entries behind the end", len(rest))
			}
		})
	}
	if ids, _ := follow(t, s, 7, 0, 7, 1<<20); len(ids) != 30 {
		t.Errorf("the facility that pushed sees %d of 30", len(ids))
	}
}

// testFeedFarBehind has a facility that follows one patient of many, with a
// cursor far behind: the pages must still be few.
func testFeedFarBehind(t *testing.T, open Open) {
	t.Helper()
	s := closing(t, open(t, t.TempDir()))
	var want []record.EntryID
	const batches, size = 26, 500
	for n := range uint64(batches) {
		items := make([]store.Item, size)
		for i := range items {
			items[i] = itemOf(1000+uint64(i)%50, n*size+uint64(i), 24)
		}
		accept(t, s, batchOf(7, n, items...))
		if n%10 == 5 {
			item := itemOf(1, 1_000_000+n, 24)
			accept(t, s, batchOf(9, n, item))
			want = append(want, item.ID)
		}
	}
	calls, after := 0, uint64(0)
	var got []record.EntryID
	for {
		feed, err := s.Changes(t.Context(), 9, after, 100, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range feed.Items {
			e := c.Envelope()
			got = append(got, e.ID())
		}
		calls, after = calls+1, feed.Next
		if !feed.More {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %d entries, want %d", len(got), len(want))
	}
	if calls > 3 {
		t.Errorf("%d calls for %d entries", calls, len(want))
	}
	if ids, _ := follow(t, s, 7, 0, 500, 1<<20); len(ids) != batches*size {
		t.Errorf("the facility that follows nearly all sees %d of %d", len(ids), batches*size)
	}
}

// testFeedMisses has several writers and a follower at the same time: the
// follower must see all, each once, whatever the order of the commits.
func testFeedMisses(t *testing.T, open Open) {
	t.Helper()
	s := closing(t, open(t, t.TempDir()))
	writers, batches, size := uint64(6), uint64(40), 8
	if testing.Short() {
		batches = 10
	}
	for p := range uint64(5) {
		if err := s.Interest(t.Context(), 9, patientOf(p)); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	var done atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for w := range writers {
		wg.Go(func() {
			for b := range batches {
				items := make([]store.Item, size)
				for i := range items {
					n := (w*batches+b)*uint64(size) + uint64(i) // #nosec G115 -- small
					items[i] = itemOf(n%5, n, 32)
				}
				if _, err := s.Accept(ctx, batchOf(uint32(w), b, items...)); err != nil { // #nosec G115 -- small
					t.Error(err)
					cancel()
					return
				}
			}
		})
	}
	go func() { wg.Wait(); done.Store(true) }()
	seen := make(map[record.EntryID]bool)
	after := uint64(0)
	for {
		ended := done.Load() // before the page: what is committed by now must be in it
		ids, next := follow(t, s, 9, after, 37, 1<<20)
		for _, id := range ids {
			if seen[id] {
				t.Fatal("an entry came twice")
			}
			seen[id] = true
		}
		after = next
		if ended {
			break
		}
	}
	if want := int(writers*batches) * size; len(seen) != want {
		t.Errorf("the follower saw %d of %d", len(seen), want)
	}
}

func testWake(t *testing.T, open Open) {
	t.Helper()
	s := closing(t, open(t, t.TempDir()))
	if err := s.Interest(t.Context(), 9, patientOf(1)); err != nil {
		t.Fatal(err)
	}
	woken, cancel := s.Wake(9)
	defer cancel()
	other, cancelOther := s.Wake(10)
	defer cancelOther()
	accept(t, s, batchOf(7, 1, itemOf(2, 1, 40)))
	select {
	case <-woken:
		t.Error("woken by a patient whom the facility does not follow")
	default:
	}
	accept(t, s, batchOf(7, 2, itemOf(1, 2, 40)))
	select {
	case <-woken:
	case <-time.After(time.Minute):
		t.Fatal("not woken")
	}
	select {
	case <-other:
		t.Error("another facility was woken")
	default:
	}
	if ids, _ := follow(t, s, 9, 0, 10, 1<<20); len(ids) != 1 {
		t.Errorf("woken to %d entries", len(ids))
	}
	again, cancelAgain := s.Wake(9)
	cancelAgain()
	cancelAgain()
	accept(t, s, batchOf(7, 3, itemOf(1, 3, 40)))
	select {
	case <-again:
		t.Error("woken after cancel")
	default:
	}
}

func testPatientPages(t *testing.T, open Open) {
	t.Helper()
	s := closing(t, open(t, t.TempDir()))
	var want []string
	for n := range uint64(12) {
		item := itemOf(1, n, 50)
		accept(t, s, batchOf(7, n, item, itemOf(2, n, 50)))
		want = append(want, string(item.Sealed))
	}
	for _, c := range []struct {
		name               string
		maxItems, maxBytes int
	}{{"one page", 100, 1 << 20}, {"exact", 12, 1 << 20}, {"by count", 5, 1 << 20}, {"by bytes", 100, 120}, {"less than one item", 100, 1}} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for after := uint64(0); ; {
				page, err := s.Patient(t.Context(), patientOf(1), after, c.maxItems, c.maxBytes)
				if err != nil {
					t.Fatal(err)
				}
				for _, sealed := range page.Items {
					got = append(got, string(sealed))
				}
				if after = page.Next; after == 0 {
					break
				}
			}
			if fmt.Sprintf("%x", got) != fmt.Sprintf("%x", want) {
				t.Errorf("got %d entries, want %d in order", len(got), len(want))
			}
		})
	}
	ids, err := s.IDs(t.Context(), patientOf(1))
	if err != nil || len(ids) != 12 {
		t.Errorf("%d identifiers, %v", len(ids), err)
	}
	page, err := s.Patient(t.Context(), patientOf(3), 0, 10, 1<<20)
	if err != nil || len(page.Items) != 0 || page.Next != 0 {
		t.Errorf("patient without entries: %+v, %v", page, err)
	}
}
