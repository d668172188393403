package cache

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
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
	commit := func(c *Cache) error { return c.Commit(id, Placed{Head: head}, audit("append")) }
	half := func(c *Cache) error { return c.Commit(id, Placed{Head: head, Owed: true}, audit("append")) }
	lose := func(c *Cache) error { return c.CommitUnknown(id, audit("append")) }
	owe := func(c *Cache) error { return c.CommitOwed(id, audit("append")) }
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
		"unknown, then seen":     {[]step{begin, lose, seen}, state{unknown: true, kept: true, queued: true}, OnCard},
		"unknown, seen, settled": {[]step{begin, lose, seen, commit}, state{kept: true, queued: true}, OnCard},
		"unknown, given up":      {[]step{begin, lose, drop}, state{kept: true, queued: true}, CardUnknown},
		"owed":                   {[]step{begin, owe}, state{unknown: true, kept: true, queued: true}, CardOwed},
		"owed, there later":      {[]step{begin, owe, commit}, state{kept: true, queued: true}, OnCard},
		"owed, then unknown":     {[]step{begin, owe, lose}, state{unknown: true, kept: true, queued: true}, CardUnknown},
		"unknown, then owed":     {[]step{begin, lose, owe}, state{unknown: true, kept: true, queued: true}, CardOwed},
		"owed, seen, then lost":  {[]step{begin, owe, seen, lose}, state{unknown: true, kept: true, queued: true}, OnCard},
		"owed, acknowledged":     {[]step{begin, owe, ack, owe}, state{unknown: true, kept: true}, CardOwed | AtCentre},
		"half done":              {[]step{begin, half}, state{unknown: true, kept: true, queued: true}, OnCard},
		"half done, then lost":   {[]step{begin, half, lose}, state{unknown: true, kept: true, queued: true}, OnCard},
		"half done, then whole":  {[]step{begin, lose, half, half, commit}, state{kept: true, queued: true}, OnCard},
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
				before := dump(t, c, bucketAudit, bucketState, bucketKeys)
				must(t, step(c)) // a second time changes nothing
				sameDump(t, "repeated step", dump(t, c, bucketAudit, bucketState, bucketKeys), before)
				if t.Failed() {
					t.Fatalf("at step %d", i)
				}
			}
			var got state
			pendings, err := c.Pendings(cardA)
			must(t, err)
			for _, p := range pendings {
				if p.ID != id || !bytes.Equal(p.Sealed, sealed) || p.ExpectSeq != 7 {
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

func TestCommitPlaces(t *testing.T) {
	c := openNew(t)
	must(t, c.PutRead(readOf(ahmed, cardA)))
	was := readOf(ahmed, cardA)
	head := bytes.Repeat([]byte{4}, 52)
	for i, tt := range []struct {
		placed Placed
		want   Placed
	}{
		{Placed{}, Placed{Head: was.Head, Summary: was.SummarySealed}},
		{Placed{Head: head}, Placed{Head: head, Summary: was.SummarySealed}},
		{Placed{Summary: []byte("newer")}, Placed{Head: head, Summary: []byte("newer")}},
		{Placed{Head: was.Head, Summary: []byte("newest")}, Placed{Head: was.Head, Summary: []byte("newest")}},
	} {
		sealed := sealedEntry(t, i, 10, 200)
		must(t, c.Begin(pendingOf(ahmed, cardA, sealed)))
		must(t, c.Commit(envelope.IDOf(sealed), tt.placed, audit("append")))
		state, ok, err := c.Card(cardA)
		if err != nil || !ok || !bytes.Equal(state.Head, tt.want.Head) || !bytes.Equal(state.SummarySealed, tt.want.Summary) {
			t.Errorf("step %d: head %x, summary %q, %v, %v", i, state.Head, state.SummarySealed, ok, err)
		}
	}
	// A card that was never read stays unknown.
	sealed := sealedEntry(t, 9, 10, 200)
	must(t, c.Begin(pendingOf(zahra, cardZ, sealed)))
	must(t, c.Commit(envelope.IDOf(sealed), Placed{Head: head}, audit("append")))
	if _, ok, err := c.Card(cardZ); ok || err != nil {
		t.Errorf("card never read: %v, %v", ok, err)
	}
	if err := c.Commit(record.EntryID{1}, Placed{}, audit("append")); !errors.Is(err, ErrNotFound) {
		t.Errorf("commit of nothing: %v", err)
	}
}

// TestPendingsInOrder begins many writes within a second, on two cards, and
// settles some of them otherwise: the rest stay in the order of their Begin.
func TestPendingsInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	var want [2][]record.EntryID
	for i := range 40 {
		if i == 20 { // the numbers go on rising in another life
			must(t, c.Close())
			c = openAt(t, path)
		}
		p, card := ahmed, cardA
		if i%2 == 1 {
			p, card = zahra, cardZ
		}
		sealed := sealedEntry(t, i, 40-i, 100)
		id := envelope.IDOf(sealed)
		must(t, c.Begin(pendingOf(p, card, sealed)))
		switch i % 5 {
		case 0:
			must(t, c.DropPending(id))
			continue
		case 1:
			must(t, c.Commit(id, Placed{}, audit("append")))
			continue
		case 2:
			must(t, c.CommitUnknown(id, audit("append")))
			must(t, c.PutRead(readOf(p, card, sealed))) // not settled by that
		}
		want[i%2] = append(want[i%2], id)
	}
	for i, card := range [][8]byte{cardA, cardZ} {
		pendings, err := c.Pendings(card)
		must(t, err)
		var got []record.EntryID
		for _, p := range pendings {
			got = append(got, p.ID)
		}
		if !slices.Equal(got, want[i]) {
			t.Errorf("card %d: %v, want %v", i, got, want[i])
		}
	}
	if all, err := c.AllPendings(); err != nil || len(all) != len(want[0])+len(want[1]) {
		t.Errorf("%d pending in all, %v", len(all), err)
	}
	checkInvariants(t, c)
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
		err = c.Commit(id, Placed{Head: bytes.Repeat([]byte{byte(n)}, 52)}, audit("append"))
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
