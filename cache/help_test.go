package cache

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		childMain(path)
		return
	}
	goleak.VerifyTestMain(m)
}

var testKey = [32]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}

var (
	ahmed = record.PatientID{0xa1, 0x4e, 0x77, 0x01, 0x33, 0x90, 0xfe, 0x5c}
	zahra = record.PatientID{0xb2, 0x5f, 0x88, 0x12, 0x44, 0xa1, 0x0f, 0x6d}
	cardA = [8]byte{0xca, 0x4d, 0xaa, 0xaa, 0x01, 0x02, 0x03, 0x04}
	cardZ = [8]byte{0xca, 0x4d, 0xbb, 0xbb, 0x05, 0x06, 0x07, 0x08}
)

// sealedEntry makes bytes of the shape of a sealed entry, n of them distinct;
// minute is its time. Nothing in it was encrypted or signed.
func sealedEntry(tb testing.TB, n, minute, size int) []byte {
	tb.Helper()
	body := make([]byte, size)
	binary.BigEndian.PutUint64(body, uint64(n))
	for i := 8; i < size; i++ {
		body[i] = byte(n*31 + i)
	}
	raw := []byte{0x85, 0x00, 0x1a}
	raw = binary.BigEndian.AppendUint32(raw, 1<<20+uint32(minute))
	raw = append(raw, 0x4a, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 0xa1, 0x04)
	if size < 256 {
		raw = append(raw, 0x58, byte(size))
	} else {
		raw = binary.BigEndian.AppendUint16(append(raw, 0x59), uint16(size))
	}
	raw = append(raw, body...)
	raw = append(raw, 0x58, 0x40)
	raw = append(raw, bytes.Repeat([]byte{0x11}, 64)...)
	if _, err := envelope.Parse(raw); err != nil {
		tb.Fatal(err)
	}
	return raw
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openAt(tb testing.TB, path string) *Cache {
	tb.Helper()
	c, err := Open(path, testKey, discard())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil && !c.broken.Load() {
			tb.Error(err)
		}
	})
	return c
}

func openNew(tb testing.TB) *Cache {
	tb.Helper()
	return openAt(tb, filepath.Join(tb.TempDir(), "cache.db"))
}

func audit(action string) Audit { return Audit{Actor: "IQTERM00001", Action: action} }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// dump opens every value; times are left out, because a repeated step may
// come a second later.
func dump(tb testing.TB, c *Cache, skip ...bucket) map[string]string {
	tb.Helper()
	out := make(map[string]string)
	must(tb, c.view("dump", func(t *tx) error {
		for b := range keyLengths {
			if slices.Contains(skip, b) {
				continue
			}
			err := t.bucket(b).ForEach(func(key, value []byte) error {
				r := newRow(b, key)
				if err := t.decode(b, key, value, r); err != nil {
					return err
				}
				if card, ok := r.(*cardRow); ok {
					card.Read = 0
				}
				if clock, ok := r.(*clockRow); ok { // opening may note the time
					clock.Latest = 0
				}
				out[fmt.Sprintf("%s/%x", b, key)] = fmt.Sprintf("%+v", r)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return out
}

func sameDump(tb testing.TB, what string, got, want map[string]string) {
	tb.Helper()
	if maps.Equal(got, want) {
		return
	}
	for k, v := range want {
		if got[k] != v {
			tb.Errorf("%s: %s is %q, want %q", what, k, got[k], v)
		}
	}
	for k, v := range got {
		if _, ok := want[k]; !ok {
			tb.Errorf("%s: %s is %q, want none", what, k, v)
		}
	}
}

// checkInvariants checks what must hold after any step, and after a crash
// between any two steps.
func checkInvariants(tb testing.TB, c *Cache) {
	tb.Helper()
	outbox, quarantine := 0, 0
	must(tb, c.view("check invariants", func(t *tx) error {
		own := make(map[record.EntryID]ownRow)
		err := t.bucket(bucketOwn).ForEach(func(key, value []byte) error {
			var r ownRow
			if err := t.decode(bucketOwn, key, value, &r); err != nil {
				return err
			}
			id := record.EntryID(key)
			own[id] = r
			entry, err := t.sealedOf(r.Patient, id)
			if err != nil {
				tb.Errorf("own entry %s is not kept: %v", id.Short(), err)
			}
			if t.has(bucketPending, key) {
				tb.Errorf("entry %s is pending and committed", id.Short())
			}
			if t.has(bucketQuarantine, key) != (r.State == ownRefused) {
				tb.Errorf("entry %s of state %d in quarantine: %v", id.Short(), r.State, t.has(bucketQuarantine, key))
			}
			if r.State == ownAcknowledged && (entry.Flags&AtCentre == 0 || !t.has(bucketReceipts, number(r.Number))) {
				tb.Errorf("acknowledged entry %s without mark or receipt", id.Short())
			}
			return nil
		})
		if err != nil {
			return err
		}
		queued := make(map[record.EntryID]bool)
		err = t.bucket(bucketOutbox).ForEach(func(key, value []byte) error {
			var r outboxRow
			if err := t.decode(bucketOutbox, key, value, &r); err != nil {
				return err
			}
			o, ok := own[r.ID]
			if !ok || o.State != ownQueued || !bytes.Equal(number(o.Number), key) || queued[r.ID] {
				tb.Errorf("entry %s in the outbox at %x: %+v", r.ID.Short(), key, o)
			}
			queued[r.ID] = true
			outbox++
			return nil
		})
		if err != nil {
			return err
		}
		for id, o := range own {
			if (o.State == ownQueued) != queued[id] {
				tb.Errorf("entry %s of state %d queued: %v", id.Short(), o.State, queued[id])
			}
		}
		err = t.bucket(bucketUnknown).ForEach(func(key, value []byte) error {
			var p pendingRow
			if err := t.decode(bucketUnknown, key, value, &p); err != nil {
				return err
			}
			entry, err := t.sealedOf(p.Patient, record.EntryID(key))
			if _, ok := own[record.EntryID(key)]; !ok || err != nil || entry.Flags&(CardUnknown|CardOwed|OnCard) == 0 {
				tb.Errorf("write %x of unknown outcome: own %v, entry %v %v", key[:4], ok, entry.Flags, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return t.bucket(bucketQuarantine).ForEach(func(key, _ []byte) error {
			if own[record.EntryID(key)].State != ownRefused {
				tb.Errorf("entry %x in quarantine only", key[:4])
			}
			quarantine++
			return nil
		})
	}))
	if c.OutboxLen() != outbox || c.QuarantineLen() != quarantine {
		tb.Errorf("counters %d and %d, want %d and %d", c.OutboxLen(), c.QuarantineLen(), outbox, quarantine)
	}
	if _, err := c.VerifyAudit(); err != nil {
		tb.Error(err)
	}
}

// testHolder is an operator who taps.
var testHolder = Holder{Operator: "zaynab", Vault: [32]byte{7}}

// readOf is a tap of a card with some entries.
func readOf(p record.PatientID, card [8]byte, entries ...[]byte) Read {
	keys := make(map[record.Section][]byte)
	for _, s := range record.AllSections() {
		keys[s] = bytes.Repeat([]byte{0x60 + byte(s)}, 32)
	}
	return Read{
		Patient: p, Subjects: []byte("subject of the patient"), Card: card,
		IDFile: []byte("identity file: Ahmed Kareem"), Security: []byte("card security"),
		SummarySealed: []byte("sealed summary"), Head: bytes.Repeat([]byte{9}, 52), Entries: entries,
		Keys: KeySet{
			Patient: p, Holder: testHolder, Persons: []PersonKeys{{Person: 0, Keys: keys}, {Person: 2, Keys: keys}}, Keep: time.Hour,
		}, Audit: audit("read"),
	}
}

func pendingOf(p record.PatientID, card [8]byte, sealed []byte) Pending {
	return Pending{Card: card, Patient: p, ExpectSeq: 7, Sealed: sealed}
}

func accepted(ids ...record.EntryID) []wire.Result {
	out := make([]wire.Result, len(ids))
	for i, id := range ids {
		out[i] = wire.Result{ID: id, Status: wire.Status(i % 2)}
	}
	return out
}

func receiptOf(seq uint32) LogReceipt {
	return LogReceipt{wire.LogReceipt{Seq: seq, Chain: [16]byte{byte(seq)}, Signature: [64]byte{7}, Certificates: [][]byte{{1, 2}, {3}}}, 100 * seq}
}

// fill gives a cache something in every bucket, and enough for several pages.
func fill(tb testing.TB, c *Cache, entries int) {
	tb.Helper()
	var a, z [][]byte
	for i := range entries {
		a = append(a, sealedEntry(tb, i, i, 200+i%400))
		z = append(z, sealedEntry(tb, 10_000+i, i, 100+i%300))
	}
	read := readOf(ahmed, cardA, a...)
	for i := range uint32(5) {
		read.Log = append(read.Log, LogEntry{i + 1, record.EntryID{byte(i)}})
	}
	must(tb, c.PutRead(read))
	must(tb, c.PutRead(readOf(zahra, cardZ, z...)))
	for i := range 6 {
		sealed := sealedEntry(tb, 20_000+i, i, 300)
		must(tb, c.Begin(pendingOf(ahmed, cardA, sealed)))
		id := envelope.IDOf(sealed)
		switch i {
		case 0: // stays pending
		case 1:
			must(tb, c.CommitUnknown(id, audit("append")))
		default:
			must(tb, c.Commit(id, Placed{Head: bytes.Repeat([]byte{byte(i)}, 52)}, audit("append")))
		}
		switch i {
		case 2:
			must(tb, c.Acknowledge(accepted(id), []byte("receipt")))
		case 3:
			must(tb, c.Acknowledge([]wire.Result{{ID: id, Status: wire.StatusRejected, Code: "signature"}}, nil))
		}
	}
	must(tb, c.ApplyChanges([]wire.Envelope{{Patient: zahra, Sealed: sealedEntry(tb, 30_000, 5, 50)}}, "77.12"))
	must(tb, c.PutLogReceipt(cardA, receiptOf(3)))
	must(tb, c.PutList(wire.ListTrust, bytes.Repeat([]byte("trust"), 3000)))
	must(tb, c.PutList(wire.ListBlock, []byte("block")))
}

// rewriteValue changes the stored bytes behind the cache's back.
func rewriteValue(tb testing.TB, c *Cache, fn func(*bbolt.Tx) error) {
	tb.Helper()
	must(tb, c.db.Update(fn))
}

func shuffled(n int) []int { return rand.Perm(n) }
