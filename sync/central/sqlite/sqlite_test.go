package sqlite_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/central/store/storetest"
)

func open(tb testing.TB, dir string) store.Store {
	tb.Helper()
	return openWith(tb, dir, sqlite.Options{})
}

func openWith(tb testing.TB, dir string, opts sqlite.Options) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(context.Background(), filepath.Join(dir, "centre.db"), opts)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestSuite(t *testing.T) { storetest.Run(t, open) }

func batch(facility uint32, n uint64, items int) *store.Batch {
	b := &store.Batch{Facility: facility, Received: time.Now(), Receipt: []byte("receipt"), Items: make([]store.Item, items)}
	binary.BigEndian.PutUint64(b.Batch[:], n)
	copy(b.Content[:], b.Batch[:])
	for i := range b.Items {
		sealed := make([]byte, 375)
		binary.BigEndian.PutUint32(sealed, facility)
		binary.BigEndian.PutUint64(sealed[4:], n)
		binary.BigEndian.PutUint32(sealed[12:], uint32(i))
		b.Items[i] = store.Item{ID: sha256.Sum256(sealed), Sealed: sealed, Time: time.Now()}
		copy(b.Items[i].Patient[:], b.Items[i].ID[8:])
	}
	return b
}

// TestDeletedFingersAreGone: what was deleted does not stay in the file's free
// places.
func TestDeletedFingersAreGone(t *testing.T) {
	dir := t.TempDir()
	sealed := bytes.Repeat([]byte("sealed templates "), 90)
	for _, put := range [][]byte{sealed, nil} {
		s := open(t, dir)
		err := s.Update(t.Context(), func(w store.Writer) error {
			return w.PutFingers(store.Fingers{Patient: record.PatientID{1}, Sealed: put, Updated: time.Now()})
		})
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "centre.db*"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || bytes.Contains(content, sealed[:34])
		}
		if found != (put != nil) {
			t.Errorf("found %t with %d bytes put", found, len(put))
		}
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer func() { _ = s.Close() }()
	if _, err := s.Accept(t.Context(), batch(1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 2 {
		t.Errorf("%d files, want the database and its log", len(files))
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	for name, content := range map[string]string{
		"text":      "this is no database, however long it may go on to be, and it goes on for a while to fill a header of a hundred bytes",
		"truncated": "SQLite format 3\x00",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "centre.db")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err == nil {
				_ = s.Close()
			}
			if !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("got %v, want %v", err, store.ErrCorrupt)
			}
		})
	}
}

// TestBusy holds the writing connection and fills the queue: what does not fit
// is refused at once with the time until it will, and what was queued is
// committed.
func TestBusy(t *testing.T) {
	s := openWith(t, t.TempDir(), sqlite.Options{QueueEntries: 50})
	defer func() { _ = s.Close() }()
	held, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.Update(context.Background(), func(store.Writer) error { close(held); <-release; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	var refused, accepted atomic.Int32
	for n := range 20 {
		wg.Go(func() {
			_, err := s.Accept(context.Background(), batch(1, uint64(n), 10))
			var busy *store.BusyError
			switch {
			case errors.As(err, &busy) && busy.After > 0:
				if refused.Add(1) == 15 { // five of ten fit
					close(release)
				}
			case err != nil:
				t.Error(err)
			default:
				accepted.Add(1)
			}
		})
	}
	wg.Wait()
	st, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if accepted.Load() != 5 || st.Records != 50 {
		t.Errorf("%d batches accepted, %d records", accepted.Load(), st.Records)
	}
}

// TestPanicInUpdate shows that a broken function takes only its own
// transaction with it.
func TestPanicInUpdate(t *testing.T) {
	s := openWith(t, t.TempDir(), sqlite.Options{})
	defer func() { _ = s.Close() }()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = s.Update(t.Context(), func(store.Writer) error { panic("broken") })
	}()
	if _, err := s.Accept(t.Context(), batch(1, 1, 2)); err != nil {
		t.Errorf("accept after a panic: %v", err)
	}
}

func BenchmarkAccept(b *testing.B) {
	s := openWith(b, b.TempDir(), sqlite.Options{})
	defer func() { _ = s.Close() }()
	var n atomic.Uint64
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Accept(context.Background(), batch(1, n.Add(1), 100)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N*100)/b.Elapsed().Seconds(), "entries/s")
}
