package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// rejects makes a batch of entries that were all refused.
func rejects(facility uint32, n uint64, items int) *store.Batch {
	b := batch(facility, n, items)
	b.Receipt = nil
	for i := range b.Items {
		b.Items[i].Code = wire.RejectSignature
	}
	return b
}

func accept(tb testing.TB, s store.Store, b *store.Batch) {
	tb.Helper()
	if _, err := s.Accept(context.Background(), b); err != nil {
		tb.Fatal(err)
	}
}

// kept reads a facility's share from the file itself: entries with sealed
// bytes, those bytes, and entries without.
func kept(tb testing.TB, dir string, facility uint32) (whole, bytes, bare int) {
	tb.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "centre.db"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var counted [3]int
	err = db.QueryRowContext(context.Background(), `SELECT count(*) FILTER (WHERE sealed != x''), coalesce(sum(length(sealed)), 0),
		count(*) FILTER (WHERE sealed = x'') FROM quarantine WHERE facility = ?`, facility).Scan(&whole, &bytes, &bare)
	if err != nil {
		tb.Fatal(err)
	}
	err = db.QueryRowContext(context.Background(), "SELECT whole, bytes, bare FROM quarantine_shares WHERE facility = ?", facility).
		Scan(&counted[0], &counted[1], &counted[2])
	if err != nil {
		tb.Fatal(err)
	}
	if counted != [3]int{whole, bytes, bare} {
		tb.Errorf("facility %d is counted as %v, has %d %d %d", facility, counted, whole, bytes, bare)
	}
	return whole, bytes, bare
}

// TestQuarantineBounds has one facility send nothing but rubbish: what is kept
// of it stays within the bounds, the first entries are kept whole, of the
// others the newest, and another facility's share is untouched.
func TestQuarantineBounds(t *testing.T) {
	const size = 375 // of batch's entries
	for name, tt := range map[string]struct {
		opts  sqlite.Options
		whole int
	}{
		"by count": {sqlite.Options{QuarantineEntries: 30, QuarantineBare: 45}, 30},
		"by bytes": {sqlite.Options{QuarantineBytes: 25*size + 10, QuarantineBare: 45}, 25},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openWith(t, dir, tt.opts)
			accept(t, s, rejects(2, 1, 5))
			var last *store.Batch
			for n := range uint64(20) {
				last = rejects(1, n, 17)
				accept(t, s, last)
				if n == 10 { // the count does not depend on one life
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = openWith(t, dir, tt.opts)
				}
				whole, bytes, bare := kept(t, dir, 1)
				sent := 17 * int(n+1)
				if whole != min(sent, tt.whole) || bytes != whole*size || bare != min(sent-whole, 45) {
					t.Fatalf("after %d: %d whole of %d bytes, %d bare", sent, whole, bytes, bare)
				}
			}
			defer func() { _ = s.Close() }()
			again := rejects(1, 99, 17) // the same entries: nothing new
			again.Items = last.Items
			accept(t, s, again)
			if whole, _, bare := kept(t, dir, 1); whole != tt.whole || bare != 45 {
				t.Errorf("sent again: %d whole, %d bare", whole, bare)
			}
			if whole, _, bare := kept(t, dir, 2); whole != 5 || bare != 0 {
				t.Errorf("another facility has %d whole, %d bare", whole, bare)
			}
			q, err := s.Quarantine(t.Context(), 1000)
			if err != nil || len(q) != 5+tt.whole+45 {
				t.Fatalf("%d listed, %v", len(q), err)
			}
			for i := range 17 { // the newest are there, newest first
				if want := last.Items[16-i]; q[i].ID != want.ID || q[i].Code != want.Code || q[i].Size != size {
					t.Errorf("listed %d: %+v", i, q[i])
				}
			}
		})
	}
}

// BenchmarkRejected is the share of the disk's time that rubbish costs once
// the bounds are reached.
func BenchmarkRejected(b *testing.B) {
	s := openWith(b, b.TempDir(), sqlite.Options{})
	defer func() { _ = s.Close() }()
	n := uint64(0)
	for b.Loop() {
		n++
		accept(b, s, rejects(1, n, 500))
	}
	b.ReportMetric(float64(b.N*500)/b.Elapsed().Seconds(), "entries/s")
}
