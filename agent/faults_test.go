package agent

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/record"
)

// cutter is a transport whose card is taken away, or exchanged, at a chosen
// command.
type cutter struct {
	card.Transport
	at    *int // commands until it happens; below zero: never
	after bool // the command is carried out, its answer is lost
	into  func() card.Transport
}

func (c *cutter) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	if *c.at == 0 {
		*c.at = -1
		if c.into != nil {
			c.Transport = c.into() // the handle silently talks to another card now
			return c.Transport.Transmit(ctx, cmd)
		}
		if c.after {
			_, _ = c.Transport.Transmit(ctx, cmd)
		}
		_ = c.Close()
		return nil, card.ErrRemoved
	}
	if *c.at > 0 {
		*c.at--
	}
	return c.Transport.Transmit(ctx, cmd)
}

// never is a cut point that is not reached.
func never() *int { n := -1; return &n }

// TestCardRemovedAtEveryCommandOfATap: whatever the moment, the agent names
// the removal, and the next tap reads everything.
func TestCardRemovedAtEveryCommandOfATap(t *testing.T) {
	n := newNation(t)
	p := n.issue(12, softcard.Options{})
	probe, _ := n.desk(deskOptions{}).tap(t, p)
	p.card.Remove()
	at := never()
	d := n.desk(deskOptions{wrap: func(tr card.Transport) card.Transport { return &cutter{Transport: tr, at: at} }})
	for cut := range probe.Stats.APDUs {
		// A removed card is tapped again while the slot says that it is there,
		// so only a card that has really gone ends the visit.
		*at = cut
		v, failure := d.tap(t, p)
		if failure != nil {
			t.Fatalf("cut at command %d: %s", cut, failure.Code)
		}
		if len(v.Entries) != 12 || len(v.Problems) != 0 {
			t.Fatalf("cut at command %d: %d entries, %v", cut, len(v.Entries), v.Problems)
		}
		d.take(t)
	}
	t.Logf("%d cut points", probe.Stats.APDUs)
}

// TestCardRemovedAtEveryCommandOfAnAppend cuts before and behind every command
// of a write. The entry is never lost: it is on the card after the next tap,
// once, and in the outbox.
func TestCardRemovedAtEveryCommandOfAnAppend(t *testing.T) {
	n := newNation(t)
	cuts := 0
	for _, after := range []bool{false, true} {
		for cut := range 64 {
			p := n.issue(3, softcard.Options{})
			at := never()
			d := n.desk(deskOptions{wrap: func(tr card.Transport) card.Transport { return &cutter{Transport: tr, at: at, after: after} }})
			v, _ := d.tap(t, p)
			*at = cut
			w, err := d.agent.Append(t.Context(), v.ID, allergic())
			if *at >= 0 { // the write was over before the cut
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			cuts++
			if err != nil && !errors.Is(err, ErrWriteUnknown) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if d.cache.OutboxLen() != 1 {
				t.Fatalf("cut at %d: %d entries in the outbox", cut, d.cache.OutboxLen())
			}
			d.take(t)
			again, failure := d.tap(t, p)
			if failure != nil {
				t.Fatalf("cut at %d: %s", cut, failure.Code)
			}
			on := slices.ContainsFunc(again.Entries, func(e VisitEntry) bool { return e.ID == w.ID && slices.Contains(e.Where, AtCard) })
			if !on || len(again.Entries) != 4 {
				t.Fatalf("cut at %d (after %v): on card %v, %d entries", cut, after, on, len(again.Entries))
			}
			if left, err := d.cache.Pendings(again.Card); err != nil || len(left) != 0 {
				t.Fatalf("cut at %d: %d writes are still open, %v", cut, len(left), err)
			}
			d.take(t)
			other, failure := n.desk(deskOptions{}).tap(t, p)
			if failure != nil || len(other.Entries) != 4 || len(other.Alerts) != 1 {
				t.Fatalf("cut at %d: another desk sees %d entries, %d alerts, %v", cut, len(other.Entries), len(other.Alerts), failure)
			}
		}
	}
	if cuts < 4 {
		t.Fatalf("only %d cut points", cuts)
	}
	t.Logf("%d cut points", cuts)
}

// TestAnotherCardBetweenTwoCommands exchanges the card under the handle at
// every command. Nothing of the second card is ever shown as the first's.
func TestAnotherCardBetweenTwoCommands(t *testing.T) {
	n := newNation(t)
	p, q := n.issue(5, softcard.Options{}), n.issue(9, softcard.Options{})
	probe, _ := n.desk(deskOptions{}).tap(t, p)
	for cut := 1; cut < probe.Stats.APDUs; cut++ {
		at := never()
		first := true
		d := n.desk(deskOptions{wrap: func(tr card.Transport) card.Transport {
			if !first {
				return tr
			}
			first = false
			return &cutter{Transport: tr, at: at, into: q.card.Transport}
		}})
		*at = cut
		v, failure := d.tap(t, p)
		if failure != nil {
			if failure.Code != "card_changed" && failure.Code != "card_not_genuine" && failure.Code != "card_answer_bad" && failure.Code != "card_refused" && failure.Code != "terminal_refused" {
				t.Errorf("exchanged at command %d: %s", cut, failure.Code)
			}
			continue
		}
		// The agent tapped again and read one card, whole.
		want := map[record.PatientID]int{p.subject.Patient: 5, q.subject.Patient: 9}[v.Patient]
		if len(v.Entries) != want {
			t.Fatalf("exchanged at command %d: %d entries, want %d", cut, len(v.Entries), want)
		}
	}
}

func TestCardsThatAreRefused(t *testing.T) {
	n, foreign := newNation(t), newNation(t)
	p := n.issue(1, softcard.Options{})
	tests := []struct {
		name string
		desk deskOptions
		card *patient
		want string
	}{
		{"another issuer", deskOptions{}, foreign.issue(1, softcard.Options{}), "card_issuer_unknown"},
		{"expired terminal certificate", deskOptions{until: time.Now().AddDate(0, 0, -20)}, p, "terminal_refused"},
		{"blocked card", deskOptions{blocked: [][8]byte{p.card.ID()}}, p, "card_blocked"},
		{"blank card", deskOptions{}, &patient{card: softcard.New(softcard.Options{})}, "card_blank"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := n.desk(tt.desk)
			_, failure := d.tap(t, tt.card)
			if failure == nil || failure.Code != tt.want {
				t.Fatalf("failure %+v, want %s", failure, tt.want)
			}
			if tt.want == "terminal_refused" {
				return // every card is refused
			}
			d.take(t)
			if v, failure := d.tap(t, n.issue(2, softcard.Options{})); failure != nil || len(v.Entries) != 2 {
				t.Fatalf("the next card: %v", failure)
			}
		})
	}
}

// TestAlteredEntries writes entries to a card in which one bit was changed: in
// the signature, in the header, in the ciphertext. Each is set aside with its
// code, and the rest of the record is shown.
func TestAlteredEntries(t *testing.T) {
	n := newNation(t)
	tests := []struct {
		name string
		flip func(raw []byte) int // the byte to change
		want string
	}{
		{"nothing changed", nil, ""},
		{"signature", func(raw []byte) int { return len(raw) - 40 }, "entry_signature"},
		{"ciphertext", func(raw []byte) int { return len(raw) - 66 - 8 }, "entry_signature"},
		{"salt", func(raw []byte) int { return bytes.IndexByte(raw, 0x4a) + 5 }, "entry_signature"},
		{"author's name", func(raw []byte) int { return bytes.IndexByte(raw, 0x4a) + 1 }, "entry_author_unknown"},
		{"frame", func([]byte) int { return 0 }, "entry_malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := n.issueWith(2, func(p *patient) []byte {
				e := visit(40)
				raw := n.seal(p, e.Start, must[map[record.Section][]byte](t)(e.Sections()))
				if tt.flip != nil {
					raw[tt.flip(raw)] ^= 1
				}
				return raw
			})
			v := n.desk(deskOptions{}).tapped(t, p)
			if tt.want == "" {
				if len(v.Entries) != 3 || len(v.Problems) != 0 {
					t.Fatalf("%d entries, problems %+v", len(v.Entries), v.Problems)
				}
				return
			}
			if len(v.Entries) != 2 || len(v.Problems) != 1 || v.Problems[0].Code != tt.want {
				t.Fatalf("%d entries, problems %+v, want %s", len(v.Entries), v.Problems, tt.want)
			}
		})
	}
}

// TestDamagedCacheIsSetAside cuts the cache file short; the agent goes on with
// what can be read of it, and says so.
func TestDamagedCacheIsSetAside(t *testing.T) {
	n := newNation(t)
	p := n.issue(4, softcard.Options{})
	path := filepath.Join(t.TempDir(), "cache.db")
	log := slog.New(slog.DiscardHandler)
	t.Run("fill", func(t *testing.T) {
		m := *n
		m.tb = t
		d := m.desk(deskOptions{path: path})
		if v, failure := d.tap(t, p); failure != nil || len(v.Entries) != 4 {
			t.Fatal(failure)
		}
	})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/4+100); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Open(path, [32]byte{1}, log); Classify(err).Code != "cache_corrupt" {
		t.Fatalf("open: %v", err)
	}
	store, damage, err := OpenCache(path, [32]byte{1}, log)
	if err != nil || len(damage) != 1 {
		t.Fatalf("damage %v, %v", damage, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	p.card.Remove()
	if v, failure := n.desk(deskOptions{path: path}).tap(t, p); failure != nil || len(v.Entries) != 4 {
		t.Fatalf("tap after the damage: %v", failure)
	}
}
