package personalise_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/operators"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/central"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

var quiet = slog.New(slog.DiscardHandler)

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// centre serves a whole centre on loopback, and enrols workstations.
type centre struct {
	auth  *authority.Authority
	store *sqlite.Store
	url   string
}

type storeReader = store.Reader

func newCentre(t *testing.T) *centre {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	check(t, err)
	c := &centre{url: "https://" + listener.Addr().String()}
	st, err := sqlite.Open(ctx, filepath.Join(dir, "centre.db"), sqlite.Options{})
	check(t, err)
	c.store = st
	c.auth, err = authority.Init(ctx, dir, st, authority.Config{Name: "Test centre", URL: c.url})
	check(t, err)
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- central.New(c.auth, st, central.Limits{RequestsPerSecond: 1e9, BurstRequests: 1e9}, quiet).Serve(serving, listener)
	}()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, st.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Who works at a clinic of these tests.
const operatorID = "somebody"

var operatorSecret = redact.NewString("a test's passphrase")

// enrol makes a workstation; with a clinical role, one with an operator.
func (c *centre) enrol(t *testing.T, facility uint32, role cvc.Roles) *home.Home {
	t.Helper()
	if role == cvc.RoleIssuer {
		return c.workstation(t, facility, role)
	}
	h := c.workstation(t, facility, cvc.RoleReceptionist)
	raw, err := operators.Of(h).Request(operatorID, "Somebody", operatorSecret)
	check(t, err)
	request := new(wire.OperatorRequest)
	check(t, wire.Decode(raw, request))
	grant, err := c.auth.EnrolOperator(t.Context(), request, authority.OperatorOptions{Role: role, Rights: authority.RightsOf(role)})
	check(t, err)
	raw, err = wire.Encode(grant)
	check(t, err)
	_, err = operators.Of(h).Accept(raw)
	check(t, err)
	return h
}

func (c *centre) workstation(t *testing.T, facility uint32, role cvc.Roles) *home.Home {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ws")
	raw, err := home.Request(dir, "Facility", "desk")
	check(t, err)
	request := new(wire.EnrolRequest)
	check(t, wire.Decode(raw, request))
	grant, err := c.auth.Enrol(t.Context(), request, authority.EnrolOptions{Facility: facility, Role: role, Rights: authority.RightsOf(role)})
	check(t, err)
	raw, err = wire.Encode(grant)
	check(t, err)
	check(t, home.Accept(dir, raw))
	h, err := home.Load(dir)
	check(t, err)
	return h
}

// oneCard is a reader with a card in it.
type oneCard struct{ card *softcard.Card }

func (r oneCard) Watch(ctx context.Context, emit func(card.Event)) error {
	emit(card.Event{Kind: card.ReaderAdded, Reader: "reader", At: time.Now()})
	emit(card.Event{Kind: card.CardInserted, Reader: "reader", At: time.Now()})
	<-ctx.Done()
	return ctx.Err()
}

func (r oneCard) Connect(context.Context, string) (card.Transport, error) {
	return r.card.Transport(), nil
}

// dense is a history that no card holds whole.
func dense(visits int) *fhir.Bundle {
	b := &fhir.Bundle{
		Identity: &record.Identity{Names: record.Names{Latin: &record.Name{Given: []string{"Synthetic"}, Family: "Elder"}}},
		Summary:  &record.Summary{},
	}
	for i := range visits {
		b.Entries = append(b.Entries, &record.Entry{
			Start:     time.Date(2001, 1, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, 17*i),
			Diagnoses: []record.Diagnosis{{Code: record.Code{System: terms.ICD10, Value: "I10"}, Chronic: true}},
			Notes:     []record.Note{{Text: "blood pressure looked at, same medicine again, come back in two weeks"}},
			Observations: []record.Observation{{
				Code:  record.Code{System: terms.LOINC, Value: "8480-6"},
				Value: record.Value{Quantity: &record.Quantity{Value: record.Int(int64(120 + i%40)), Unit: "mm[Hg]"}},
			}},
		})
	}
	return b
}

// issue personalises a new card.
func (c *centre) issue(t *testing.T, b *fhir.Bundle) (*softcard.Card, personalise.Result, []string) {
	t.Helper()
	station := c.enrol(t, 1, cvc.RoleIssuer)
	api, err := station.Client(nil, quiet)
	check(t, err)
	t.Cleanup(api.Close)
	soft := softcard.New(softcard.Options{})
	var steps []string
	desk := personalise.Station{
		Readers: oneCard{soft}, Centre: api, Author: station.Author,
		Progress: func(step string, _, _ int) {
			if len(steps) == 0 || steps[len(steps)-1] != step {
				steps = append(steps, step)
			}
		},
	}
	res, err := desk.Issue(t.Context(), "reader", b)
	check(t, err)
	if _, err := desk.Issue(t.Context(), "reader", b); !errors.Is(err, card.ErrNotBlank) {
		t.Fatalf("a card was personalised twice: %v", err)
	}
	return soft, res, steps
}

// TestHistoryThatOutgrowsTheCard: the card gets the summary and the newest
// entries that fit, the centre gets all, and an agent that has never seen the
// patient ends with all of them.
func TestHistoryThatOutgrowsTheCard(t *testing.T) {
	const visits = 420
	c := newCentre(t)
	soft, res, steps := c.issue(t, dense(visits))
	if len(res.Entries) != visits || res.OnCard >= visits || res.OnCard < 100 || res.Bytes > card.LogSize {
		t.Fatalf("%d entries, %d on the card in %d bytes", len(res.Entries), res.OnCard, res.Bytes)
	}
	if send, log := slices.Index(steps, "send"), slices.Index(steps, "log"); send < 0 || log < send {
		t.Fatalf("the card was written before the centre had all: %v", steps)
	}
	t.Logf("%d of %d entries on the card, %d bytes", res.OnCard, visits, res.Bytes)

	desk := start(t, c.enrol(t, 2, cvc.RolePhysician), soft)
	v := desk.await(t, func(v agent.Visit) bool { return len(v.Entries) == visits })
	for i, e := range v.Entries { // newest first
		want := res.Entries[visits-1-i]
		if e.ID != want {
			t.Fatalf("entry %d is %s, want %s", i, e.ID.Short(), want.Short())
		}
		if on := slices.Contains(e.Where, agent.AtCard); on != (i < res.OnCard) {
			t.Fatalf("entry %d: on the card %v", i, on)
		}
		if !slices.Contains(e.Where, agent.AtCentre) && i >= res.OnCard {
			t.Fatalf("entry %d is not known to be at the centre", i)
		}
	}
}

// TestCardCarriesWhatAClinicCouldNotSend: an entry written where there is no
// network reaches the centre through the next clinic that has one.
func TestCardCarriesWhatAClinicCouldNotSend(t *testing.T) {
	c := newCentre(t)
	soft, res, _ := c.issue(t, dense(3))
	far := c.enrol(t, 2, cvc.RolePhysician)
	far.Config.Centre = "https://127.0.0.1:1"
	offline := start(t, far, soft)
	v := offline.await(t, func(v agent.Visit) bool { return v.Ready })
	written, err := offline.agent.Append(t.Context(), v.ID, &record.Entry{
		Start: time.Now(), Diagnoses: []record.Diagnosis{{Code: record.Code{System: terms.ICD10, Value: "J45.9"}}},
	})
	check(t, err)
	if !slices.Contains(written.Where, agent.AtOutbox) {
		t.Fatalf("written at %v", written.Where)
	}
	offline.stop()

	near := start(t, c.enrol(t, 3, cvc.RolePhysician), soft)
	v = near.await(t, func(v agent.Visit) bool {
		return len(v.Entries) == len(res.Entries)+1 && slices.Contains(v.Entries[0].Where, agent.AtCentre)
	})
	if v.Entries[0].ID != written.ID {
		t.Fatalf("newest entry is %s, want %s", v.Entries[0].ID.Short(), written.ID.Short())
	}
	// The count follows the acknowledgement by a moment.
	for begin := time.Now(); near.agent.Sync().Pushed == 0 && time.Since(begin) < time.Minute; {
		time.Sleep(time.Millisecond)
	}
	if n := near.agent.Sync().Pushed; n != 1 {
		t.Fatalf("%d entries were sent, want the one that the centre lacked", n)
	}
}

// desk is an agent with the card in its reader.
type desk struct {
	agent  *agent.Agent
	events <-chan agent.Event
	stop   func()
}

// emptyReader is a reader without a card.
type emptyReader struct{}

func (emptyReader) Watch(ctx context.Context, emit func(card.Event)) error {
	emit(card.Event{Kind: card.ReaderAdded, Reader: "reader", At: time.Now()})
	<-ctx.Done()
	return ctx.Err()
}

func (emptyReader) Connect(context.Context, string) (card.Transport, error) {
	return nil, card.ErrNoCard
}

func start(t *testing.T, h *home.Home, soft *softcard.Card) *desk {
	t.Helper()
	return startAt(t, h, oneCard{soft})
}

func startAt(t *testing.T, h *home.Home, readers card.Readers) *desk {
	t.Helper()
	kept, err := cache.Open(home.CachePath(h.Dir), h.CacheKey, quiet)
	check(t, err)
	d := &desk{}
	d.agent, err = agent.New(agent.Config{
		Version: "test", Facility: h.Grant.Facility, Role: h.Role, Terminal: h.Terminal, Author: h.Author,
		Readers: readers, Cache: kept, Trust: h.Trust, Log: quiet,
		Centre: func(s client.Store) (*client.Client, error) { return h.Client(s, quiet) },
	})
	check(t, err)
	op, err := operators.Of(h).Open(t.Context(), operatorID, operatorSecret)
	check(t, err)
	d.agent.SignIn(op)
	events, cancel := d.agent.Subscribe(0)
	d.events = events
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.agent.Run(ctx) }()
	d.stop = sync.OnceFunc(func() {
		stop()
		cancel()
		if err := errors.Join(<-done, kept.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(d.stop)
	return d
}

// await waits until the desk's visit is as it should be.
func (d *desk) await(t *testing.T, good func(agent.Visit) bool) agent.Visit {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case <-timeout:
			t.Fatal("the record is not as it should be after a minute")
		case ev := <-d.events:
			if ev.Kind == agent.KindFailure {
				t.Fatalf("failure %s", ev.Failure.Code)
			}
			if v := d.agent.Visits(); len(v) == 1 && good(v[0]) {
				return v[0]
			}
		}
	}
}
