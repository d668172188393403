// Package storetest is the one suite that every storage engine of the centre
// runs: what store.Store promises, tried from the outside.
package storetest

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Open opens the store in dir, which is empty the first time. The suite closes
// what it opens; it may open the same dir again afterwards.
type Open func(tb testing.TB, dir string) store.Store

// Run runs the suite.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"accept", testAccept},
		{"replay", testReplay},
		{"reopen", testReopen},
		{"feed scope and pages", testFeedPages},
		{"feed far behind", testFeedFarBehind},
		{"feed misses nothing", testFeedMisses},
		{"wake", testWake},
		{"patient pages", testPatientPages},
		{"registry", testRegistry},
		{"releases", testReleases},
		{"fingers", testFingers},
		{"reviews", testReviews},
		{"registry rollback", testRollback},
		{"registry updates exclude each other", testUpdateIsolation},
		{"closed", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

// Now is the time of the suite's batches: whole seconds, as stores keep them.
var now = time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)

func patientOf(n uint64) (p record.PatientID) {
	binary.BigEndian.PutUint64(p[:], n)
	return p
}

// itemOf makes an item whose bytes are those of no other n.
func itemOf(patient uint64, n uint64, size int) store.Item {
	sealed := make([]byte, max(size, 16))
	binary.BigEndian.PutUint64(sealed, n)
	binary.BigEndian.PutUint64(sealed[8:], patient)
	return store.Item{
		ID: sha256.Sum256(sealed), Patient: patientOf(patient), Time: now, Author: [4]byte{1, 2, 3, 4}, Sealed: sealed,
	}
}

func batchOf(facility uint32, n uint64, items ...store.Item) *store.Batch {
	b := &store.Batch{Facility: facility, Received: now, Items: items, Receipt: []byte("receipt")}
	binary.BigEndian.PutUint64(b.Batch[:], n)
	h := sha256.New()
	for _, item := range items {
		h.Write(item.ID[:])
	}
	copy(b.Content[:], h.Sum(nil))
	return b
}

func accept(t *testing.T, s store.Store, b *store.Batch) *store.Outcome {
	t.Helper()
	out, err := s.Accept(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func closing(t *testing.T, s store.Store) store.Store {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func testAccept(t *testing.T, open Open) {
	t.Helper()
	s := closing(t, open(t, t.TempDir()))
	bad := itemOf(1, 3, 40)
	bad.Code = wire.RejectSignature
	good := itemOf(1, 1, 40)
	out := accept(t, s, batchOf(7, 1, good, bad, itemOf(1, 2, 40), good))
	want := []wire.Status{wire.StatusNew, wire.StatusRejected, wire.StatusNew, wire.StatusDup}
	if !reflect.DeepEqual(out.Statuses, want) {
		t.Errorf("statuses %v, want %v", out.Statuses, want)
	}
	if !reflect.DeepEqual(out.Codes, []string{"", wire.RejectSignature, "", ""}) {
		t.Errorf("codes %q", out.Codes)
	}
	if string(out.Receipt) != "receipt" || out.Replayed {
		t.Errorf("receipt %q, replayed %v", out.Receipt, out.Replayed)
	}
	again := accept(t, s, batchOf(8, 1, good))
	if again.Statuses[0] != wire.StatusDup {
		t.Errorf("another facility's duplicate is %v", again.Statuses[0])
	}
	for _, c := range []struct {
		item store.Item
		want bool
	}{{good, true}, {bad, false}} {
		held, err := s.Holds(t.Context(), c.item.Patient, c.item.ID)
		if err != nil || held != c.want {
			t.Errorf("holds %v %v, want %v", held, err, c.want)
		}
	}
	q, err := s.Quarantine(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	wantQ := []store.Quarantined{{At: now, Facility: 7, Patient: patientOf(1), ID: bad.ID, Code: wire.RejectSignature, Size: 40}}
	if !reflect.DeepEqual(q, wantQ) {
		t.Errorf("quarantine %+v, want %+v", q, wantQ)
	}
	st, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.Records != 2 || st.Quarantined != 1 || st.Batches != 2 || st.Head == 0 || st.Epoch != s.Epoch() || st.Epoch == 0 {
		t.Errorf("status %+v", st)
	}
}

func testReplay(t *testing.T, open Open) {
	t.Helper()
	s := closing(t, open(t, t.TempDir()))
	bad := itemOf(1, 2, 40)
	bad.Code = wire.RejectFormat
	b := batchOf(7, 1, itemOf(1, 1, 40), bad)
	if _, err := s.Replay(t.Context(), 7, b.Batch, b.Content); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("replay before: %v", err)
	}
	first := accept(t, s, b)
	second := *b
	second.Receipt = []byte("another signature")
	for name, get := range map[string]func() (*store.Outcome, error){
		"accept": func() (*store.Outcome, error) { return s.Accept(t.Context(), &second) },
		"replay": func() (*store.Outcome, error) { return s.Replay(t.Context(), 7, b.Batch, b.Content) },
	} {
		out, err := get()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !out.Replayed {
			t.Errorf("%s: not marked as replayed", name)
		}
		out.Replayed = false
		if !reflect.DeepEqual(out, first) {
			t.Errorf("%s: %+v, want %+v", name, out, first)
		}
	}
	other := batchOf(7, 1, itemOf(1, 3, 40))
	if _, err := s.Accept(t.Context(), other); !errors.Is(err, store.ErrConflict) {
		t.Errorf("accept of other entries: %v", err)
	}
	if _, err := s.Replay(t.Context(), 7, other.Batch, other.Content); !errors.Is(err, store.ErrConflict) {
		t.Errorf("replay of other entries: %v", err)
	}
	if held, err := s.Holds(t.Context(), patientOf(1), other.Items[0].ID); err != nil || held {
		t.Errorf("entry of a refused batch is held: %v %v", held, err)
	}
	other.Facility = 8
	if out := accept(t, s, other); out.Statuses[0] != wire.StatusNew {
		t.Errorf("same batch number of another facility: %v", out.Statuses)
	}
}

func testReopen(t *testing.T, open Open) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	accept(t, s, batchOf(7, 1, itemOf(1, 1, 40), itemOf(2, 2, 40)))
	epoch := s.Epoch()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = closing(t, open(t, dir))
	if s.Epoch() != epoch {
		t.Errorf("epoch changed from %d to %d", epoch, s.Epoch())
	}
	feed, err := s.Changes(t.Context(), 7, 0, 10, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if len(feed.Items) != 2 || feed.More {
		t.Errorf("feed of %d items, more %v", len(feed.Items), feed.More)
	}
	if out := accept(t, s, batchOf(7, 2, itemOf(1, 1, 40))); out.Statuses[0] != wire.StatusDup {
		t.Errorf("known entry is %v", out.Statuses[0])
	}
}

func testClosed(t *testing.T, open Open) {
	t.Helper()
	s := open(t, t.TempDir())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if _, err := s.Accept(t.Context(), batchOf(7, 1, itemOf(1, 1, 40))); !errors.Is(err, store.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
	if err := s.Update(t.Context(), func(store.Writer) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("update: %v", err)
	}
}
