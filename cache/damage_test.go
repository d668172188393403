package cache

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/dhamani-iq/dhamani/record"
)

// image returns the bytes of a cache file with something in every bucket and
// with free pages, cut to the pages in use, and what it holds.
func image(tb testing.TB, entries int) (raw []byte, want map[string]string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "cache.db")
	c := openAt(tb, path)
	fill(tb, c, entries)
	want = dump(tb, c)
	must(tb, c.Close())
	raw, err := os.ReadFile(path)
	must(tb, err)
	return raw[:inUse(tb, raw)], want
}

// inUse returns the number of bytes below the high-water mark.
func inUse(tb testing.TB, raw []byte) int64 {
	tb.Helper()
	var hwm uint64
	for i := range uint64(2) {
		m, err := readMeta(bytes.NewReader(raw), i)
		must(tb, err)
		hwm = max(hwm, m.hwm)
	}
	return int64(hwm * pageSize)
}

func testBox(tb testing.TB) *box {
	tb.Helper()
	b, err := newBox(testKey)
	must(tb, err)
	return b
}

// openBytes opens a file of the given bytes. It returns what is in it, or the
// error, which may be none but the documented ones.
func openBytes(t *testing.T, raw []byte) (map[string]string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cache.db")
	must(t, os.WriteFile(path, raw, 0o600))
	c, err := Open(path, testKey, discard())
	if err != nil {
		return nil, err
	}
	defer func() { must(t, c.Close()) }()
	return dump(t, c), nil
}

func TestCutShort(t *testing.T) {
	raw, want := image(t, 40)
	if got, err := openBytes(t, raw); err != nil {
		t.Fatal(err)
	} else {
		sameDump(t, "whole file", got, want)
	}
	lengths := []int{0, 1, 15, 16, 79, 80, 4095, 4096, 4097, 8191, 8192, len(raw) - 1, len(raw) - 4096, len(raw) - 4097}
	for at := pageSize; at < len(raw); at += pageSize {
		lengths = append(lengths, at, at+rand.IntN(pageSize))
	}
	for _, n := range lengths {
		if _, err := openBytes(t, raw[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(raw), err)
		}
		// A file system may fill the rest with zeros instead.
		if _, err := openBytes(t, append(bytes.Clone(raw[:n]), make([]byte, len(raw)-n)...)); !errors.Is(err, ErrCorrupt) && !tailIsZero(raw[n:]) {
			t.Fatalf("zeros from %d of %d bytes: %v", n, len(raw), err)
		}
	}
}

func tailIsZero(b []byte) bool { return bytes.Count(b, []byte{0}) == len(b) }

// TestChangedByte changes one byte at a time. Either the check finds it, or it
// lies where nothing is, and then the content is the same.
func TestChangedByte(t *testing.T) {
	raw, want := image(t, 40)
	b := testBox(t)
	passed, refused := 0, 0
	try := func(at int, x byte) {
		changed := bytes.Clone(raw)
		changed[at] ^= x
		_, err := checkFile(bytes.NewReader(changed), int64(len(changed)), b)
		switch {
		case errors.Is(err, ErrCorrupt):
			refused++
			return
		case err != nil:
			t.Fatalf("byte %d of page %d: %v", at%pageSize, at/pageSize, err)
		}
		if passed++; passed%10 != 0 && !testing.Short() {
			return
		}
		got, err := openBytes(t, changed)
		if err != nil {
			t.Fatalf("byte %d of page %d passed the check: %v", at%pageSize, at/pageSize, err)
		}
		if sameDump(t, "changed byte", got, want); t.Failed() {
			t.Fatalf("byte %d of page %d", at%pageSize, at/pageSize)
		}
	}
	for at := 0; at < len(raw); at += pageSize { // every byte that tells how to read a page
		for i := range 96 {
			try(at+i, 1<<rand.IntN(8))
		}
	}
	for range 4000 {
		try(rand.IntN(len(raw)), byte(1+rand.IntN(255)))
	}
	t.Logf("%d changes refused, %d without effect", refused, passed)
	if refused < passed {
		t.Error("more changes passed than were refused")
	}
}

// TestWildFiles damages more than one byte: swapped pages, repeated ones, runs
// of garbage. Open must end in ErrCorrupt or in the same content.
func TestWildFiles(t *testing.T) {
	raw, want := image(t, 40)
	pages := len(raw) / pageSize
	for i := range 150 {
		changed := bytes.Clone(raw)
		a, b := rand.IntN(pages)*pageSize, rand.IntN(pages)*pageSize
		switch i % 4 {
		case 0:
			copy(changed[a:a+pageSize], raw[b:b+pageSize])
		case 1:
			copy(changed[a:a+pageSize], raw[b:b+pageSize])
			copy(changed[b:b+pageSize], raw[a:a+pageSize])
		case 2:
			n := 1 + rand.IntN(pageSize)
			for j := range n {
				changed[(a+j)%len(raw)] = byte(rand.Uint32())
			}
		case 3:
			clear(changed[a : a+pageSize])
		}
		got, err := openBytes(t, changed)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			continue
		}
		if sameDump(t, "wild file", got, want); t.Failed() {
			t.Fatalf("case %d, pages %d and %d", i%4, a/pageSize, b/pageSize)
		}
	}
}

// TestBreaksWhileOpen takes the file away under an open cache: the fault must
// become an error, and Close must return.
func TestBreaksWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	fill(t, c, 200)
	must(t, os.Truncate(path, 2*pageSize))
	if _, err := c.History(ahmed); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("read of a file cut short while open: %v", err)
	}
	if err := c.Begin(pendingOf(ahmed, cardA, sealedEntry(t, 1, 1, 50))); !errors.Is(err, ErrCorrupt) {
		t.Errorf("write afterwards: %v", err)
	}
	if !c.Broken() {
		t.Error("not said to be broken")
	}
	_ = c.Close()
}

// TestBroken damages one value under an open cache: who reads it is told, and
// the rest goes on.
func TestBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	fill(t, c, 5)
	if _, err := c.Entries(zahra); err != nil || c.Broken() {
		t.Fatalf("sound cache: %v, broken %v", err, c.Broken())
	}
	index := c.AuditName(ahmed)
	rewriteValue(t, c, func(tx *bbolt.Tx) error {
		bk := tx.Bucket([]byte(bucketEntries))
		key, value := bk.Cursor().Seek(index[:])
		value = bytes.Clone(value)
		value[len(value)-1] ^= 1
		return bk.Put(bytes.Clone(key), value)
	})
	if _, err := c.Entries(zahra); err != nil || c.Broken() {
		t.Errorf("another patient: %v, broken %v", err, c.Broken())
	}
	if err := c.Commit(record.EntryID{9}, Placed{}, audit("append")); !errors.Is(err, ErrNotFound) || c.Broken() {
		t.Errorf("commit of nothing: %v, broken %v", err, c.Broken())
	}
	if _, err := c.Entries(ahmed); !errors.Is(err, ErrCorrupt) || !c.Broken() {
		t.Errorf("damaged value: %v, broken %v", err, c.Broken())
	}
	if _, err := c.Entries(zahra); err != nil {
		t.Errorf("another patient: %v", err)
	}
	must(t, c.Close())
	// The next Open meets it too, so that it cannot be met again and again.
	if _, err := Open(path, testKey, discard()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("opened again: %v", err)
	}
}

func TestSwappedValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	fill(t, c, 5)
	rewriteValue(t, c, func(tx *bbolt.Tx) error {
		bk := tx.Bucket([]byte(bucketEntries))
		cur := bk.Cursor()
		k1, v1 := cur.First()
		k1, v1 = bytes.Clone(k1), bytes.Clone(v1)
		k2, v2 := cur.Next()
		return errors.Join(bk.Put(k1, bytes.Clone(v2)), bk.Put(bytes.Clone(k2), v1))
	})
	must(t, c.Close())
	if _, err := Open(path, testKey, discard()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("values of two entries swapped: %v", err)
	}
}

func TestAuditNamesFirstBadLink(t *testing.T) {
	for name, tt := range map[string]struct {
		harm func(*bbolt.Bucket, *box) error
		want uint64
	}{
		"taken out": {func(b *bbolt.Bucket, _ *box) error { return b.Delete(number(4)) }, 4},
		"cut off":   {func(b *bbolt.Bucket, _ *box) error { return b.Delete(number(9)) }, 9},
		"first":     {func(b *bbolt.Bucket, _ *box) error { return b.Delete(number(1)) }, 1},
		"moved":     {func(b *bbolt.Bucket, _ *box) error { return b.Put(number(5), bytes.Clone(b.Get(number(6)))) }, 5},
		"garbage":   {func(b *bbolt.Bucket, _ *box) error { return b.Put(number(7), make([]byte, 100)) }, 7},
		"written anew by somebody with the key": {func(b *bbolt.Bucket, x *box) error {
			raw, err := encodeRow(&auditRow{Actor: "mallory", Action: "read"})
			if err != nil {
				return err
			}
			return b.Put(number(3), x.seal(bucketAudit, number(3), 3, raw))
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			c := openNew(t)
			for range 9 {
				must(t, c.AppendAudit(audit("read"), ahmed))
			}
			var all []AuditRecord
			head, err := c.AuditRecords(5, func(r AuditRecord) error { all = append(all, r); return nil })
			if err != nil || head.Seq != 9 || len(all) != 4 || all[0].Seq != 6 || all[0].Patient != c.AuditName(ahmed) || all[3].Hash != head.Hash {
				t.Fatalf("%+v, %d records, %v", head, len(all), err)
			}
			rewriteValue(t, c, func(tx *bbolt.Tx) error { return tt.harm(tx.Bucket([]byte(bucketAudit)), c.box) })
			var bad *AuditError
			if _, err := c.VerifyAudit(); !errors.As(err, &bad) || bad.Seq != tt.want || !errors.Is(err, ErrCorrupt) {
				t.Errorf("got %v, want record %d", err, tt.want)
			}
		})
	}
	stopped := errors.New("stopped")
	c := openNew(t)
	must(t, c.AppendAudit(audit("read"), ahmed))
	if _, err := c.AuditRecords(0, func(AuditRecord) error { return stopped }); !errors.Is(err, stopped) {
		t.Errorf("emit's error: %v", err)
	}
}

func FuzzCheckFile(f *testing.F) {
	raw, _ := image(f, 3)
	for range 4 {
		f.Add(rand.IntN(len(raw)), []byte{1, 2, 3}, len(raw))
	}
	f.Add(4096+16, []byte{0xff}, len(raw)-1)
	b := testBox(f)
	f.Fuzz(func(t *testing.T, at int, patch []byte, size int) {
		if at < 0 || at >= len(raw) || size < 0 || size > len(raw) {
			return
		}
		changed := bytes.Clone(raw)
		copy(changed[at:], patch)
		changed = changed[:size]
		if _, err := checkFile(bytes.NewReader(changed), int64(size), b); err != nil && !errors.Is(err, ErrCorrupt) &&
			!errors.Is(err, ErrWrongKey) && !errors.Is(err, ErrSchema) {
			t.Fatalf("undocumented error: %v", err)
		}
	})
}

func FuzzRow(f *testing.F) {
	for b := range keyLengths {
		for _, key := range []string{keyCursor, keyAuditHead} {
			if r := newRow(b, []byte(key)); r != nil {
				raw, err := encodeRow(r)
				must(f, err)
				f.Add(string(b), key, raw)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b, key string, raw []byte) {
		r := newRow(bucket(b), []byte(key))
		if r == nil {
			return
		}
		if err := decodeRow(raw, r); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, err := encodeRow(r)
		if err != nil || !bytes.Equal(raw, again) {
			t.Errorf("%x became %x, %v", raw, again, err)
		}
	})
}

// failingReader fails like a disk, for one page.
type failingReader struct {
	io.ReaderAt
	page int64
}

var errDisk = errors.New("input/output error")

func (f failingReader) ReadAt(p []byte, off int64) (int, error) {
	if off <= f.page*pageSize && f.page*pageSize < off+int64(len(p)) {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, off)
}

func TestDiskErrorIsNotDamage(t *testing.T) {
	raw, _ := image(t, 10)
	for page := range int64(2) {
		_, err := checkFile(failingReader{bytes.NewReader(raw), page}, int64(len(raw)), testBox(t))
		if !errors.Is(err, errDisk) || errors.Is(err, ErrCorrupt) {
			t.Errorf("page %d: %v", page, err)
		}
	}
}
