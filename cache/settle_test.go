package cache

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestSettling(t *testing.T) {
	sealed := sealedEntry(t, 1, 10, 200)
	id := envelope.IDOf(sealed)
	head := bytes.Repeat([]byte{4}, 52)
	type state struct{ pending, unknown, kept, queued bool }
	begin := func(c *Cache) error { return c.Begin(pendingOf(ahmed, cardA, sealed)) }
	commit := func(c *Cache) error { return c.Commit(id, head, audit("append")) }
	lose := func(c *Cache) error { return c.CommitUnknown(id, audit("append")) }
	drop := func(c *Cache) error { return c.DropPending(id) }
	seen := func(c *Cache) error {
		r := readOf(ahmed, cardA, sealed)
		return c.PutRead(r)
	}
	ack := func(c *Cache) error { return c.Acknowledge(accepted(id), []byte("receipt")) }
	refuse := func(c *Cache) error {
		return c.Acknowledge([]wire.Result{{ID: id, Status: wire.StatusRejected, Code: "signature"}}, nil)
	}
	requeue := func(c *Cache) error { return c.Requeue(id, audit("requeue")) }
	type step = func(*Cache) error
	for name, tt := range map[string]struct {
		steps []step
		want  state
		flags Flags
	}{
		"begun":                  {[]step{begin}, state{pending: true}, 0},
		"committed":              {[]step{begin, commit}, state{kept: true, queued: true}, OnCard},
		"committed, begun again": {[]step{begin, commit, begin}, state{kept: true, queued: true}, OnCard},
		"dropped":                {[]step{begin, drop}, state{}, 0},
		"unknown":                {[]step{begin, lose}, state{unknown: true, kept: true, queued: true}, CardUnknown},
		"unknown, then there":    {[]step{begin, lose, commit}, state{kept: true, queued: true}, OnCard},
		"unknown, then seen":     {[]step{begin, lose, seen}, state{kept: true, queued: true}, OnCard},
		"unknown, seen, settled": {[]step{begin, lose, seen, commit}, state{kept: true, queued: true}, OnCard},
		"unknown, given up":      {[]step{begin, lose, drop}, state{kept: true, queued: true}, CardUnknown},
		"seen while pending":     {[]step{begin, seen}, state{pending: true, kept: true}, OnCard},
		"seen, then committed":   {[]step{begin, seen, commit}, state{kept: true, queued: true}, OnCard},
		"acknowledged":           {[]step{begin, commit, ack}, state{kept: true}, OnCard | AtCentre},
		"acknowledged unknown":   {[]step{begin, lose, ack}, state{unknown: true, kept: true}, CardUnknown | AtCentre},
		"acked, then there":      {[]step{begin, lose, ack, commit}, state{kept: true}, OnCard | AtCentre},
		"acked, committed again": {[]step{begin, commit, ack, begin, commit}, state{kept: true}, OnCard | AtCentre},
		"refused":                {[]step{begin, commit, refuse}, state{kept: true}, OnCard},
		"refused, then acked":    {[]step{begin, commit, refuse, ack}, state{kept: true}, OnCard},
		"requeued":               {[]step{begin, commit, refuse, requeue}, state{kept: true, queued: true}, OnCard},
		"requeued, acknowledged": {[]step{begin, commit, refuse, requeue, ack}, state{kept: true}, OnCard | AtCentre},
	} {
		t.Run(name, func(t *testing.T) {
			c := openNew(t)
			must(t, c.PutRead(readOf(ahmed, cardA)))
			for i, step := range tt.steps {
				must(t, step(c))
				checkInvariants(t, c)
				before := dump(t, c, bucketAudit, bucketState)
				must(t, step(c)) // a second time changes nothing
				sameDump(t, "repeated step", dump(t, c, bucketAudit, bucketState), before)
				if t.Failed() {
					t.Fatalf("at step %d", i)
				}
			}
			var got state
			pendings, err := c.Pendings(cardA)
			must(t, err)
			for _, p := range pendings {
				if p.ID != id || !bytes.Equal(p.Sealed, sealed) || p.ExpectSeq != 7 || p.SummaryExpect != 3 || string(p.SummarySealed) != "new summary" {
					t.Errorf("pending write %+v", p)
				}
				got.pending, got.unknown = !p.Unknown, p.Unknown
			}
			history, err := c.History(ahmed)
			must(t, err)
			for _, e := range history {
				got.kept, got.queued = e.ID == id, e.Queued
				if e.Flags != tt.flags {
					t.Errorf("flags %b, want %b", e.Flags, tt.flags)
				}
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if other, err := c.Pendings(cardZ); err != nil || len(other) != 0 {
				t.Errorf("another card has %d pending writes, %v", len(other), err)
			}
		})
	}
}

func TestCommitKeepsHead(t *testing.T) {
	c := openNew(t)
	must(t, c.PutRead(readOf(ahmed, cardA)))
	sealed := sealedEntry(t, 1, 10, 200)
	must(t, c.Begin(pendingOf(ahmed, cardA, sealed)))
	head := bytes.Repeat([]byte{4}, 52)
	must(t, c.Commit(envelope.IDOf(sealed), head, audit("append")))
	state, ok, err := c.Card(cardA)
	if err != nil || !ok || !bytes.Equal(state.Head, head) {
		t.Fatalf("head %x, %v, %v", state.Head, ok, err)
	}
	must(t, c.PutSummary(cardA, bytes.Repeat([]byte{5}, 52), []byte("newer")))
	if state, _, _ = c.Card(cardA); string(state.SummarySealed) != "newer" || state.Head[0] != 5 {
		t.Errorf("summary %q, head %x", state.SummarySealed, state.Head[:4])
	}
	if err := c.PutSummary(cardZ, head, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("summary of a card never read: %v", err)
	}
	if err := c.Commit(record.EntryID{1}, nil, audit("append")); !errors.Is(err, ErrNotFound) {
		t.Errorf("commit of nothing: %v", err)
	}
}

// TestRandomSteps makes any steps in any order and checks the invariants after
// each.
func TestRandomSteps(t *testing.T) {
	c := openNew(t)
	c.db.NoSync = true
	rng := rand.New(rand.NewPCG(7, 11))
	for range 1500 {
		randomStep(t, c, rng)
		if rng.IntN(20) == 0 {
			checkInvariants(t, c)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	checkInvariants(t, c)
}

func randomStep(tb testing.TB, c *Cache, rng *rand.Rand) {
	tb.Helper()
	n := rng.IntN(40)
	p, card := ahmed, cardA
	if n%2 == 1 {
		p, card = zahra, cardZ
	}
	sealed := sealedEntry(tb, n, n, 150+n)
	id := envelope.IDOf(sealed)
	var err error
	switch rng.IntN(12) {
	case 0, 1:
		err = c.Begin(pendingOf(p, card, sealed))
	case 2, 3:
		err = c.Commit(id, bytes.Repeat([]byte{byte(n)}, 52), audit("append"))
	case 4:
		err = c.CommitUnknown(id, audit("append"))
	case 5:
		err = c.DropPending(id)
	case 6:
		err = c.PutRead(readOf(p, card, sealed))
	case 7:
		err = c.Acknowledge(accepted(id), []byte("receipt"))
	case 8:
		err = c.Acknowledge([]wire.Result{{ID: id, Status: wire.StatusRejected, Code: "signature"}}, nil)
	case 9:
		if rng.IntN(2) == 0 {
			err = c.Requeue(id, audit("requeue"))
		} else {
			err = c.Postpone([]record.EntryID{id})
		}
	case 10:
		err = c.Relay(p, []record.EntryID{id})
	case 11:
		err = c.ApplyChanges([]wire.Envelope{{Patient: p, Sealed: sealed}}, "1.2")
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		tb.Fatal(err)
	}
}
