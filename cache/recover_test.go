package cache

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// recoverBytes recovers a file of the given bytes and opens the result.
func recoverBytes(t *testing.T, raw []byte) (Recovered, *Cache) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cache.db")
	must(t, os.WriteFile(path, raw, 0o600))
	got, err := Recover(path, testKey)
	must(t, err)
	kept, err := os.ReadFile(got.Broken)
	if err != nil || !bytes.Equal(kept, raw) || !strings.HasPrefix(got.Broken, path+".broken-") {
		t.Fatalf("broken file %s: %v", got.Broken, err)
	}
	return got, openAt(t, path)
}

func TestRecoverSoundFile(t *testing.T) {
	raw, want := image(t, 40)
	got, c := recoverBytes(t, raw)
	if got.Pending != 2 || got.Refused != 1 || got.Lost != 0 || got.Entries != 86 || got.Audit == 0 {
		t.Errorf("recovered %+v", got)
	}
	checkInvariants(t, c)
	have := dump(t, c)
	for key, value := range want {
		b := bucket(key[:strings.IndexByte(key, '/')])
		if b != bucketOwn && b != bucketCards && !notSalvaged[b] && have[key] != value {
			t.Errorf("%s is %q, want %q", key, have[key], value)
		}
	}
	state, ok, err := c.Card(cardA)
	if was := readOf(ahmed, cardA); err != nil || !ok || state.Patient != ahmed || !bytes.Equal(state.Security, was.Security) || !bytes.Equal(state.IDFile, was.IDFile) {
		t.Errorf("card %+v, %v, %v", state, ok, err)
	}
	checkNoHead(t, c)
	// All that the centre may not have is queued, in whatever order.
	queued := 0
	for _, p := range []record.PatientID{ahmed, zahra} {
		history, err := c.History(p)
		must(t, err)
		for _, e := range history {
			if e.Queued == (e.Flags&AtCentre != 0) && !e.Refused {
				t.Errorf("entry with flags %b queued: %v", e.Flags, e.Queued)
			}
			if e.Queued {
				queued++
			}
		}
	}
	if queued != got.Outbox || c.OutboxLen() != queued {
		t.Errorf("%d queued, %d counted, %d told", queued, c.OutboxLen(), got.Outbox)
	}
	if cursor, err := c.Cursor(); cursor != "" || err != nil {
		t.Errorf("cursor %q, %v", cursor, err)
	}
	if keys, err := c.SectionKeys(ahmed, 0, testHolder, time.Now()); err != nil || len(keys) != 0 {
		t.Errorf("section keys outlived a recovery: %d, %v", len(keys), err)
	}
	last := ""
	if _, err := c.AuditRecords(0, func(r AuditRecord) error { last = r.Action; return nil }); err != nil || last != "recover" {
		t.Errorf("last audit record %q, %v", last, err)
	}
	// It goes on as any other cache, with generations that rise.
	sealed := sealedEntry(t, 99, 1, 60)
	must(t, c.Begin(pendingOf(ahmed, cardA, sealed)))
	must(t, c.Commit(envelope.IDOf(sealed), Placed{}, audit("append")))
	checkInvariants(t, c)
}

// TestRecoverDamaged damages one page at a time in every way; whatever does
// not lie on that page has to come back.
func TestRecoverDamaged(t *testing.T) {
	raw, want := image(t, 40)
	pages := len(raw) / pageSize
	for name, harm := range map[string]func(page []byte){
		"byte of the header": func(p []byte) { p[rand.IntN(16)] ^= byte(1 + rand.IntN(255)) },
		"byte of an element": func(p []byte) { p[16+rand.IntN(32)] ^= byte(1 + rand.IntN(255)) },
		"any byte":           func(p []byte) { p[rand.IntN(pageSize)] ^= byte(1 + rand.IntN(255)) },
	} {
		t.Run(name, func(t *testing.T) {
			for page := range pages {
				changed := bytes.Clone(raw)
				harm(changed[page*pageSize : (page+1)*pageSize])
				_, c := recoverBytes(t, changed)
				checkInvariants(t, c)
				missing, have := 0, dump(t, c)
				for key := range want {
					b := bucket(key[:strings.IndexByte(key, '/')])
					if _, ok := have[key]; !ok && !notSalvaged[b] && b != bucketAudit {
						missing++
					}
				}
				// One byte can hit one element, its neighbour's place, or a
				// bucket that stands inside another page.
				if missing > 2 {
					t.Errorf("page %d: %d values missing", page, missing)
				}
				must(t, c.Close())
			}
		})
	}
	t.Run("whole page", func(t *testing.T) {
		for page := range pages {
			changed := bytes.Clone(raw)
			clear(changed[page*pageSize : (page+1)*pageSize])
			_, c := recoverBytes(t, changed)
			checkInvariants(t, c)
			must(t, c.Close())
		}
	})
	t.Run("cut short", func(t *testing.T) {
		for n := 0; n < len(raw); n += pageSize/2 + 7 {
			_, c := recoverBytes(t, raw[:n])
			checkInvariants(t, c)
			must(t, c.Close())
		}
	})
}

// TestRecoverNewestVersion makes many versions of everything, then loses the
// trees: of each value the last version has to come back.
func TestRecoverNewestVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	fill(t, c, 30)
	for i := range 40 {
		read := readOf(ahmed, cardA)
		read.Security = bytes.Repeat([]byte{byte(i)}, 900)
		must(t, c.PutRead(read))
		must(t, c.PutList("block", bytes.Repeat([]byte{byte(i)}, 2500)))
		sealed := sealedEntry(t, 500+i, i, 200)
		must(t, c.Begin(pendingOf(zahra, cardZ, sealed)))
		must(t, c.Commit(envelope.IDOf(sealed), Placed{}, audit("append")))
		if i%2 == 0 {
			must(t, c.Acknowledge(accepted(envelope.IDOf(sealed)), []byte("receipt")))
		}
	}
	want, err := c.History(zahra)
	must(t, err)
	must(t, c.Close())
	raw, err := os.ReadFile(path)
	must(t, err)
	clear(raw[:2*pageSize]) // no meta page at all
	_, c = recoverBytes(t, raw)
	checkInvariants(t, c)
	state, _, err := c.Card(cardA)
	if err != nil || state.Security[0] != 39 {
		t.Errorf("card state of another time: %d, %v", state.Security[0], err)
	}
	if list, err := c.List("block"); err != nil || list[0] != 39 {
		t.Errorf("list of another time: %v", err)
	}
	got, err := c.History(zahra)
	must(t, err)
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].ID != want[i].ID || got[i].Flags != want[i].Flags || want[i].Queued && !got[i].Queued {
			t.Errorf("entry %d: %+v, want %+v", i, got[i].Flags, want[i].Flags)
		}
	}
}

// checkNoHead checks that every card will be read from its first entry on.
func checkNoHead(tb testing.TB, c *Cache) (cards int) {
	tb.Helper()
	must(tb, c.view("check cards", func(t *tx) error {
		return t.bucket(bucketCards).ForEach(func(key, value []byte) error {
			var r cardRow
			if err := t.decode(bucketCards, key, value, &r); err != nil {
				return err
			}
			if cards++; len(r.Head) != 0 || len(r.Summary) != 0 {
				tb.Errorf("card of patient %x keeps head %x, summary %q", r.Patient, r.Head, r.Summary)
			}
			return nil
		})
	}))
	return cards
}

// TestRecoverForgetsHeads destroys one page after the other: whichever entries
// were on it, the next tap has to read them again, and a tap of a card whose
// head the cache remembers would pass them over.
func TestRecoverForgetsHeads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	entries := make([][]byte, 60)
	for i := range entries {
		entries[i] = sealedEntry(t, i, i, 200+i%400)
	}
	must(t, c.PutRead(readOf(ahmed, cardA, entries...)))
	must(t, c.Close())
	raw, err := os.ReadFile(path)
	must(t, err)
	lossy, cards := 0, 0
	for page := range len(raw) / pageSize {
		changed := bytes.Clone(raw)
		copy(changed[page*pageSize:], bytes.Repeat([]byte{0x5a}, pageSize))
		got, c := recoverBytes(t, changed)
		if got.Entries < len(entries) {
			lossy++
		}
		cards += checkNoHead(t, c)
		// The tap brings all of them back.
		must(t, c.PutRead(readOf(ahmed, cardA, entries...)))
		if _, ids, err := c.Snapshot(ahmed); err != nil || len(ids) != len(entries) {
			t.Errorf("page %d: %d entries after the tap, %v", page, len(ids), err)
		}
		must(t, c.Close())
	}
	if lossy == 0 || cards == 0 {
		t.Errorf("%d pages held entries, %d cards came back", lossy, cards)
	}
}

func TestRecoverNothing(t *testing.T) {
	for name, raw := range map[string][]byte{"empty": {}, "text": []byte("not a cache at all"), "zeros": make([]byte, 10*pageSize)} {
		t.Run(name, func(t *testing.T) {
			got, c := recoverBytes(t, raw)
			if got.Entries != 0 || got.Pending != 0 || got.Lost != 0 {
				t.Errorf("recovered %+v", got)
			}
			checkInvariants(t, c)
		})
	}
	if _, err := Recover(filepath.Join(t.TempDir(), "none"), testKey); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("recover of no file: %v", err)
	}
}

// TestRecoverOwedSummary: a write whose entry is on the card and whose summary
// is still owed is open after a recovery too.
func TestRecoverOwedSummary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	sealed := sealedEntry(t, 1, 10, 200)
	must(t, c.PutRead(readOf(ahmed, cardA)))
	must(t, c.Begin(pendingOf(ahmed, cardA, sealed)))
	must(t, c.Commit(envelope.IDOf(sealed), Placed{Seq: 1, Owed: true}, audit("append")))
	must(t, c.Close())
	raw, err := os.ReadFile(path)
	must(t, err)
	got, c := recoverBytes(t, raw)
	open, err := c.Pendings(cardA)
	if err != nil || len(open) != 1 || !open[0].Unknown || got.Pending != 1 {
		t.Fatalf("%d open writes, %+v, %v", len(open), got, err)
	}
	if e, ok, err := c.Entry(ahmed, envelope.IDOf(sealed)); err != nil || !ok || e.Flags&OnCard == 0 || e.Flags&CardUnknown != 0 {
		t.Errorf("entry with flags %b, %v, %v", e.Flags, ok, err)
	}
	checkInvariants(t, c)
}
