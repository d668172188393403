package dedup_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/identify"
	"github.com/dhamani-iq/dhamani/biometric/synth"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/dedup"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// centre is a process over the folder of a centre.
type centre struct {
	auth *authority.Authority
	st   *sqlite.Store
	log  bytes.Buffer // read when nobody writes it
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// open opens the centre in dir, and makes it the first time.
func open(tb testing.TB, dir string) *centre {
	tb.Helper()
	ctx := context.Background()
	st, err := sqlite.Open(ctx, filepath.Join(dir, "centre.db"), sqlite.Options{})
	check(tb, err)
	tb.Cleanup(func() { check(tb, st.Close()) })
	auth, err := authority.Open(ctx, dir, st)
	if errors.Is(err, authority.ErrNotInitialised) {
		auth, err = authority.Init(ctx, dir, st, authority.Config{Name: "Test centre", URL: "https://centre.example:8443"})
	}
	check(tb, err)
	return &centre{auth: auth, st: st}
}

// run has finders of the centre's work until nothing is left that stop asks
// for, and waits for their end.
func (c *centre) run(tb testing.TB, until func() bool, finders ...*dedup.Finder) {
	tb.Helper()
	ctx, stop := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer stop()
	var wg sync.WaitGroup
	for _, f := range finders {
		wg.Go(func() { f.Run(ctx) })
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !until() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatal("nothing comes of it")
		}
	}
	stop()
	wg.Wait()
}

func (c *centre) finder() *dedup.Finder {
	return dedup.New(c.auth, c.st, slog.New(slog.NewTextHandler(&c.log, nil)))
}

func (c *centre) status(tb testing.TB) store.Status {
	tb.Helper()
	st, err := c.st.Status(context.Background())
	check(tb, err)
	return st
}

// searched says that at most a number of patients wait to be looked for.
func (c *centre) searched(tb testing.TB, left uint64) func() bool {
	tb.Helper()
	return func() bool { return c.status(tb).Unsearched <= left }
}

// reviews lists the reviews that a chance likeness does not explain: one in a
// hundred searches may raise one by chance, with a score a little above the
// threshold, and of people of nobody mates score far above it.
func (c *centre) reviews(tb testing.TB, open bool) []store.Review {
	tb.Helper()
	list, err := c.auth.Reviews(context.Background(), "test", 0, 100, open)
	check(tb, err)
	return slices.DeleteFunc(list, func(v store.Review) bool { return v.Score < identify.Alarm(int(v.People))+4 })
}

var hands = []fmr.Position{fmr.RightIndex, fmr.LeftIndex}

// request asks for a card with an impression of both index fingers of nobody.
func request(tb testing.TB, person uint64, impression int) *wire.CardRequest {
	tb.Helper()
	identity, err := (&record.Identity{Names: record.Names{Latin: &record.Name{Given: []string{"Zainab"}, Family: "Testpatient"}}}).Encode()
	check(tb, err)
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	check(tb, err)
	req := &wire.CardRequest{CardKey: [65]byte(key.PublicKey().Bytes()), Identity: identity}
	_, err = rand.Read(req.Card[:])
	check(tb, err)
	for _, at := range hands {
		raw, err := fmr.Marshal(synth.Person(person, at, impression))
		check(tb, err)
		req.Fingers = append(req.Fingers, raw)
	}
	return req
}

func (c *centre) issue(tb testing.TB, req *wire.CardRequest) record.PatientID {
	tb.Helper()
	grant, err := c.auth.IssueCard(context.Background(), authority.Station{Facility: 9001}, req)
	check(tb, err)
	return grant.Patient
}

func (c *centre) enrol(tb testing.TB, person uint64, impression int) record.PatientID {
	tb.Helper()
	return c.issue(tb, request(tb, person, impression))
}

// TestDouble: one person with two identities raises one review, whatever comes
// behind; strangers and the person's own new card raise none.
func TestDouble(t *testing.T) {
	c := open(t, t.TempDir())
	finder := c.finder()
	first := request(t, 1, 0)
	known := c.issue(t, first)
	for person := range uint64(5) {
		c.enrol(t, 100+person, 0)
	}
	again := request(t, 1, 2) // a new card of the same identity, other impressions
	again.Replaces, again.Identity = first.Card, nil
	if got := c.issue(t, again); got != known {
		t.Fatal("the new card is of another patient")
	}
	second := request(t, 1, 1)
	double := c.issue(t, second)
	c.issue(t, second) // the answer was lost
	if c.status(t).Unsearched != 7 {
		t.Fatalf("%+v", c.status(t))
	}
	c.run(t, c.searched(t, 0), finder)
	list := c.reviews(t, false)
	if len(list) != 1 {
		t.Fatalf("%d reviews: %+v", len(list), list)
	}
	v := list[0]
	if pair := [2]record.PatientID{v.Patient, v.Other}; pair != [2]record.PatientID{double, known} && pair != [2]record.PatientID{known, double} {
		t.Errorf("review of others: %v", pair)
	}
	if v.Score < identify.Alarm(7) || v.People != 7 || len(v.Fingers) != 2 || v.Fingers[0].Finger != uint8(hands[0]) || v.Fingers[0].Score == 0 {
		t.Errorf("%+v", v)
	}
	for _, id := range []record.PatientID{known, double} {
		if bytes.Contains(c.log.Bytes(), []byte(id.String())) {
			t.Error("the log names a patient")
		}
	}
	if !bytes.Contains(c.log.Bytes(), []byte("review raised")) {
		t.Errorf("the log says nothing of a review: %s", c.log.String())
	}

	third := request(t, 1, 3) // the double's new card: there is a review already
	third.Replaces, third.Identity = second.Card, nil
	c.issue(t, third)
	c.run(t, c.searched(t, 0), c.finder())
	if list := c.reviews(t, false); len(list) != 1 {
		t.Errorf("%d reviews after a new card", len(list))
	}
}

// TestDecided: what was decided stands; what was not may be raised again.
func TestDecided(t *testing.T) {
	c := open(t, t.TempDir())
	var cards []*wire.CardRequest
	for person := range uint64(3) {
		c.enrol(t, person, 0)
		cards = append(cards, request(t, person, 1))
		c.issue(t, cards[person])
	}
	finder := c.finder()
	c.run(t, c.searched(t, 0), finder)
	list := c.reviews(t, false)
	if len(list) != 3 {
		t.Fatalf("%d reviews", len(list))
	}
	for i, v := range list {
		_, err := c.auth.CloseReview(t.Context(), "test", v.Number, authority.Closing{Decision: authority.Decisions()[i], By: "Dr Amal"})
		check(t, err)
	}
	for person, card := range cards {
		again := request(t, uint64(person), 2)
		again.Replaces, again.Identity = card.Card, nil
		c.issue(t, again)
	}
	c.run(t, c.searched(t, 0), finder)
	open := c.reviews(t, true)
	undecided := list[2] // as authority.Decisions has them
	pair := func(v store.Review) [2]record.PatientID {
		if bytes.Compare(v.Patient[:], v.Other[:]) > 0 {
			v.Patient, v.Other = v.Other, v.Patient
		}
		return [2]record.PatientID{v.Patient, v.Other}
	}
	if len(open) != 1 || pair(open[0]) != pair(undecided) {
		t.Errorf("open: %+v, want that of the undecided one: %+v", open, undecided)
	}
}

// TestRestart ends the work in its midst, and begins it again in another
// process.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	for person := range uint64(6) {
		c.enrol(t, person, 0)
	}
	c.enrol(t, 5, 1)
	c.run(t, c.searched(t, 6), c.finder())
	c = open(t, dir)
	c.run(t, c.searched(t, 0), c.finder())
	if list := c.reviews(t, false); len(list) != 1 {
		t.Errorf("%d reviews", len(list))
	}
}

// TestProcesses: two processes over one store find the same, and write it once;
// each knows what the other enrols and deletes.
func TestProcesses(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, dir), open(t, dir)
	finders := []*dedup.Finder{one.finder(), two.finder()}
	for person := range uint64(2) {
		one.enrol(t, person, 0)
		two.enrol(t, person, 1)
	}
	one.run(t, one.searched(t, 0), finders...)
	if list := two.reviews(t, false); len(list) != 2 {
		t.Errorf("%d reviews, want 2", len(list))
	}
	gone := one.enrol(t, 50, 0)
	one.run(t, one.searched(t, 0), finders[0])
	check(t, two.auth.ForgetFingers(t.Context(), gone))
	two.enrol(t, 50, 1)
	one.run(t, one.searched(t, 0), finders[0])
	if list := two.reviews(t, false); len(list) != 2 {
		t.Errorf("%d reviews after a deletion, want 2", len(list))
	}
}

// TestUnreadable: fingers that cannot be opened are left out, stay marked, and
// hold nobody else up.
func TestUnreadable(t *testing.T) {
	c := open(t, t.TempDir())
	known := c.enrol(t, 1, 0)
	damaged := c.enrol(t, 2, 0)
	check(t, c.st.Update(t.Context(), func(w store.Writer) error {
		return w.PutFingers(store.Fingers{Patient: damaged, Sealed: []byte("no ciphertext at all, but long enough"), Updated: time.Now()})
	}))
	c.enrol(t, 1, 1)
	c.run(t, c.searched(t, 1), c.finder())
	if list := c.reviews(t, false); len(list) != 1 || list[0].Other != known && list[0].Patient != known {
		t.Errorf("%+v", list)
	}
	if st := c.status(t); st.Unsearched != 1 {
		t.Errorf("%d wait", st.Unsearched)
	}
	if !bytes.Contains(c.log.Bytes(), []byte("cannot be read")) || bytes.Contains(c.log.Bytes(), []byte(damaged.String())) {
		t.Errorf("log: %s", c.log.String())
	}
}

// failing is a store that cannot be read a number of times.
type failing struct {
	store.Store
	left atomic.Int64
}

var errDown = errors.New("store is down")

func (f *failing) View(ctx context.Context, fn func(store.Reader) error) error {
	if f.left.Add(-1) >= 0 {
		return errDown
	}
	return f.Store.View(ctx, fn)
}

// TestStoreFails: while the store cannot be read cards are issued, what is to be
// looked for stays marked, and it is looked for afterwards.
func TestStoreFails(t *testing.T) {
	c := open(t, t.TempDir())
	st := &failing{Store: c.st}
	const many = 1 << 30
	st.left.Store(many)
	finder := dedup.New(c.auth, st, slog.New(slog.NewTextHandler(&c.log, nil)))
	c.enrol(t, 1, 0)
	c.run(t, func() bool { finder.Wake(); return st.left.Load() <= many-3 }, finder)
	if n := c.status(t).Unsearched; n != 1 {
		t.Errorf("%d marked while the store fails", n)
	}
	c.enrol(t, 1, 1)
	st.left.Store(0)
	c.run(t, func() bool { finder.Wake(); return c.searched(t, 0)() }, finder)
	if list := c.reviews(t, true); len(list) != 1 {
		t.Errorf("%d reviews", len(list))
	}
	if !bytes.Contains(c.log.Bytes(), []byte(errDown.Error())) {
		t.Errorf("the log says nothing of it: %s", c.log.String())
	}
}

// BenchmarkEnrol issues cards with two fingers at a centre of ten thousand
// people, and looks for each.
func BenchmarkEnrol(b *testing.B) {
	c := open(b, b.TempDir())
	for person := range uint64(10_000) {
		c.enrol(b, 1000+person, 0)
	}
	check(b, c.st.Update(b.Context(), func(w store.Writer) error {
		for number := uint64(1); ; number++ {
			list, err := w.FingersPending(0, 1)
			if err != nil || len(list) == 0 {
				return err
			}
			if err := w.MarkSearched(list[0].Patient, list[0].Number); err != nil {
				return err
			}
		}
	}))
	finder := c.finder()
	c.enrol(b, 1, 0)
	begin := time.Now()
	c.run(b, c.searched(b, 0), finder) // reads the index
	read := time.Since(begin)
	ctx, stop := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { finder.Run(ctx) })
	requests := make([]*wire.CardRequest, 0, 1000)
	for person := range uint64(cap(requests)) {
		requests = append(requests, request(b, 20_000+person, 0))
	}
	var issued time.Duration
	n := 0
	for b.Loop() {
		if n == len(requests) {
			b.Fatalf("more than %d runs", n)
		}
		begin := time.Now()
		c.issue(b, requests[n])
		issued += time.Since(begin)
		finder.Wake()
		for c.status(b).Unsearched > 0 {
			if err := ctx.Err(); err != nil {
				b.Fatal(err)
			}
		}
		n++
	}
	b.ReportMetric(10_000/read.Seconds(), "people-read/s")
	b.ReportMetric(float64(issued.Microseconds())/1000/float64(n), "answer-ms/op")
	stop()
	wg.Wait()
}
