package cache

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// BenchmarkPutRead keeps a tap of a card with twenty new entries, durably.
func BenchmarkPutRead(b *testing.B) {
	c := openNew(b)
	n := 0
	for b.Loop() {
		var p record.PatientID
		var card [8]byte
		var entries [][]byte
		for range 20 {
			n++
			entries = append(entries, sealedEntry(b, n, n, 400))
		}
		p[0], p[1], p[2], p[7] = byte(n), byte(n>>8), byte(n>>16), 1
		card = p
		must(b, c.PutRead(readOf(p, card, entries...)))
	}
}

// BenchmarkCommit takes one entry from Begin to Commit: two durable writes.
func BenchmarkCommit(b *testing.B) {
	c := openNew(b)
	must(b, c.PutRead(readOf(ahmed, cardA)))
	head := bytes.Repeat([]byte{1}, 52)
	for n := 0; b.Loop(); n++ {
		sealed := sealedEntry(b, n, n, 400)
		must(b, c.Begin(pendingOf(ahmed, cardA, sealed)))
		must(b, c.Commit(envelope.IDOf(sealed), Placed{Head: head}, audit("append")))
	}
}

// filled returns a cache with a backlog of n entries.
func filled(b *testing.B, n int) (*Cache, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "cache.db")
	c := openAt(b, path)
	c.db.NoSync = true
	for i := 0; i < n; i += 500 {
		var entries [][]byte
		for j := range 500 {
			entries = append(entries, sealedEntry(b, i+j, i+j, 400))
		}
		var p record.PatientID
		p[0], p[1], p[7] = byte(i/500), byte(i/500>>8), 1
		must(b, c.PutRead(readOf(p, p, entries...)))
		var ids []record.EntryID
		for _, sealed := range entries {
			ids = append(ids, envelope.IDOf(sealed))
		}
		must(b, c.Relay(p, ids))
	}
	must(b, c.db.Sync())
	c.db.NoSync = false
	return c, path
}

// BenchmarkOutboxBatch reads a full batch from a backlog of 50,000 entries.
func BenchmarkOutboxBatch(b *testing.B) {
	c, _ := filled(b, 50_000)
	b.ReportAllocs()
	for b.Loop() {
		batch, err := c.OutboxBatch(500, 4<<20)
		if err != nil || len(batch) != 500 {
			b.Fatal(len(batch), err)
		}
	}
}

// BenchmarkAcknowledge acknowledges batches of 500, durably.
func BenchmarkAcknowledge(b *testing.B) {
	c, _ := filled(b, 50_000)
	for b.Loop() {
		batch, err := c.OutboxBatch(500, 4<<20)
		must(b, err)
		if len(batch) == 0 {
			b.StopTimer()
			must(b, c.Close())
			c, _ = filled(b, 50_000)
			b.StartTimer()
			continue
		}
		ids := make([]record.EntryID, len(batch))
		for i := range batch {
			ids[i] = batch[i].ID()
		}
		must(b, c.Acknowledge(accepted(ids...), make([]byte, 17_000)))
	}
}

// BenchmarkOpen checks a whole file of 50,000 entries and opens it.
func BenchmarkOpen(b *testing.B) {
	c, path := filled(b, 50_000)
	must(b, c.Close())
	info, err := os.Stat(path)
	must(b, err)
	b.SetBytes(info.Size())
	for b.Loop() {
		c, err := Open(path, testKey, discard())
		must(b, err)
		must(b, c.Close())
	}
}

// BenchmarkRecover salvages the same file.
func BenchmarkRecover(b *testing.B) {
	c, path := filled(b, 50_000)
	must(b, c.Close())
	for b.Loop() {
		got, err := Recover(path, testKey)
		if err != nil || got.Entries != 50_000 {
			b.Fatal(got, err)
		}
		must(b, os.Remove(got.Broken))
	}
}
