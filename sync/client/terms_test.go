package client

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// follower takes editions as a workstation does.
type follower struct {
	*desk
	table *terms.Table
	last  error
}

func (f *follower) accept(name string, raw []byte) (uint64, error) {
	if name != wire.ListTerms {
		return f.desk.accept(name, raw)
	}
	var e struct{ next *terms.Table }
	got, err := f.trust.Edition(raw)
	if err == nil {
		e.next, err = f.table.Follow(terms.Step{Edition: got.Number, Before: got.Before, After: got.After, Rows: got.Rows, Text: got.Text})
	}
	if f.last = err; err != nil {
		return 0, err
	}
	f.table = e.next
	return uint64(e.next.Edition), nil
}

func (f *follower) client(t *testing.T, addr string) *Client {
	t.Helper()
	c := f.dial(t, addr)
	c.cfg.Accept = f.accept
	return c
}

// TestTermsArrive publishes at the real centre what a client on a real cache
// fetches, once, in order, and has again without the centre.
func TestTermsArrive(t *testing.T) {
	centre := newRealCentre(t)
	d := centre.enrol(t, 12)
	f := &follower{desk: d, table: terms.Base()}
	c := f.client(t, centre.addr)
	must(t, c.refreshLists(t.Context()))
	if s := c.Status(); s.TermsEdition != 0 || f.table != terms.Base() {
		t.Fatalf("status %+v before anything was published", s)
	}
	for _, text := range []string{
		"finding\ticd10\tX59\t-\tأ\tئا\tA new one\n", "act\tdhamani\tfirst-aid\t-\tإسعاف\tفریاگوزاری\tFirst aid\n",
	} {
		_, err := centre.auth.PublishTerms(t.Context(), text)
		must(t, err)
	}
	must(t, c.refreshLists(t.Context()))
	must(t, c.refreshLists(t.Context()))
	found, ok := f.table.Lookup(terms.Code{System: terms.Own, Value: "first-aid"})
	if s := c.Status(); s.TermsEdition != 3 || !ok || found.Display[terms.English] != "First aid" {
		t.Fatalf("status %+v, %v", s, found)
	}
	// The next start, out of reach of the centre.
	later := &follower{desk: d, table: terms.Base()}
	must(t, later.trust.UpdateTrust(mustList(t, d, wire.ListTrust)))
	again := later.client(t, "127.0.0.1:1")
	again.UseStoredLists()
	if s := again.Status(); s.TermsEdition != 3 || later.table.Digest != f.table.Digest || again.termsTag != c.termsTag {
		t.Errorf("status %+v, edition %d", s, later.table.Edition)
	}
	// A client without a store has them too, for as long as it lives.
	asks := &follower{desk: d, table: terms.Base()}
	once, err := New(Config{BaseURL: "https://" + centre.addr, TLS: d.tls, Verify: d.verify, Accept: asks.accept}, nil)
	must(t, err)
	t.Cleanup(once.Close)
	if err := once.Refresh(t.Context()); err != nil || asks.table.Digest != f.table.Digest {
		t.Errorf("without a store: edition %d, %v", asks.table.Edition, err)
	}
	// A clinic that followed another line of editions is told, and keeps its own.
	other, err := terms.Base().Extend("finding\ticd10\tX58\t-\tأ\tئا\tAnother\n")
	must(t, err)
	apart := &follower{desk: centre.enrol(t, 13), table: other}
	lost := apart.client(t, centre.addr)
	lost.setTerms(2, []byte("of another line"))
	if err := lost.refreshLists(t.Context()); !errors.Is(err, ErrProtocol) || !errors.Is(err, terms.ErrFork) || apart.table != other {
		t.Errorf("of another line: %v", err)
	}
}

func mustList(t *testing.T, d *desk, name string) []byte {
	t.Helper()
	raw, err := d.cache.List(name)
	must(t, err)
	return raw
}

// TestTermsRefused has the line bring what is no next edition.
func TestTermsRefused(t *testing.T) {
	for name, c := range map[string]struct{ kept, comes string }{
		"not signed":       {"", "forged"},
		"out of order":     {"", "v3"},
		"the same again":   {"v2", "v2"},
		"an edition ahead": {"v2", "v4"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newMemStore(item(1))
				have := uint32(1)
				if c.kept != "" {
					have = 2
					store.lists[wire.EditionName(wire.ListTerms, 2)] = []byte(c.kept)
				}
				w := start(t, store, func(l *line) { l.books.lists[wire.EditionName(wire.ListTerms, have+1)] = []byte(c.comes) })
				defer w.stop()
				after(time.Minute)
				s := w.Status()
				if s.LastError != CodeProtocol || s.Outbox != 0 || max(s.TermsEdition, 1) != uint64(have) || s.TrustVersion != 1 {
					t.Errorf("status %+v", s)
				}
				if raw, err := store.List(wire.EditionName(wire.ListTerms, have+1)); err != nil || raw != nil {
					t.Errorf("%q was kept", raw)
				}
				w.books.setList(wire.EditionName(wire.ListTerms, have+1), "v"+string(rune('1'+have)))
				after(time.Hour)
				if s := w.Status(); s.LastError != "" || s.TermsEdition != uint64(have)+1 || !bytes.Equal(store.lists[wire.EditionName(wire.ListTerms, have+1)], []byte("v"+string(rune('1'+have)))) {
					t.Errorf("status afterwards %+v", s)
				}
			})
		})
	}
}

// TestStoredTermsThatDoNotFit keeps what does, and fetches the rest anew.
func TestStoredTermsThatDoNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.lists[wire.EditionName(wire.ListTerms, 2)], store.lists[wire.EditionName(wire.ListTerms, 3)] = []byte("v2"), []byte("rot")
		w := start(t, store, func(l *line) {
			l.books.lists[wire.EditionName(wire.ListTerms, 2)], l.books.lists[wire.EditionName(wire.ListTerms, 3)] = []byte("v2"), []byte("v3")
		})
		defer w.stop()
		synctest.Wait()
		if s := w.Status(); s.TermsEdition != 3 || string(store.lists[wire.EditionName(wire.ListTerms, 3)]) != "v3" {
			t.Errorf("status %+v", s)
		}
	})
}
