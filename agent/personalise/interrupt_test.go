package personalise_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// station is an issuing desk with its client.
type station struct {
	*home.Home
	api *client.Client
}

func (c *centre) station(t *testing.T) station {
	t.Helper()
	h := c.enrol(t, 9001, cvc.RoleIssuer)
	api, err := h.Client(nil, quiet)
	check(t, err)
	t.Cleanup(api.Close)
	return station{h, api}
}

func (s station) desk(centre personalise.Centre, soft *softcard.Card) personalise.Station {
	return personalise.Station{Readers: oneCard{soft}, Centre: centre, Author: s.Author, Trust: s.Trust}
}

// count counts the patients of a centre and the entries of one.
func (c *centre) patients(t *testing.T) map[record.PatientID]int {
	t.Helper()
	out := make(map[record.PatientID]int)
	check(t, c.store.View(t.Context(), func(r storeReader) error {
		list, err := r.Patients(record.PatientID{}, 10_000)
		for _, p := range list {
			out[p.ID] = 0
		}
		return err
	}))
	for id := range out {
		ids, err := c.store.IDs(t.Context(), id)
		check(t, err)
		out[id] = len(ids)
	}
	return out
}

// faulty is a centre that fails at one call, before it or behind it.
type faulty struct {
	personalise.Centre
	left   int
	behind bool
}

var errLine = fmt.Errorf("line is cut: %w", client.ErrOffline)

func (f *faulty) call(do func() error) error {
	f.left--
	if f.left == 0 && !f.behind {
		return errLine
	}
	err := do()
	if f.left == 0 {
		return errLine
	}
	return err
}

func (f *faulty) IssueCard(ctx context.Context, req wire.CardRequest) (grant *wire.CardGrant, err error) {
	err = f.call(func() (err error) { grant, err = f.Centre.IssueCard(ctx, req); return err })
	return grant, err
}

func (f *faulty) Push(ctx context.Context, items []wire.Envelope) (results []wire.Result, err error) {
	err = f.call(func() (err error) { results, err = f.Centre.Push(ctx, items); return err })
	return results, err
}

func (f *faulty) Patient(ctx context.Context, id record.PatientID, d [16]byte) (resp *wire.PatientResponse, err error) {
	err = f.call(func() (err error) { resp, err = f.Centre.Patient(ctx, id, d); return err })
	return resp, err
}

// holds checks that a card is whole: an agent reads all of it.
func (c *centre) holds(t *testing.T, soft *softcard.Card, entries int) {
	t.Helper()
	d := start(t, c.enrol(t, 300, cvc.RolePhysician), soft)
	d.await(t, func(v agent.Visit) bool { return v.Ready && len(v.Entries) == entries })
	// A connection that is still being made when the centre shuts down holds
	// that up.
	for begin := time.Now(); !d.agent.Sync().Online && time.Since(begin) < time.Minute; {
		time.Sleep(time.Millisecond)
	}
	d.stop()
}

// TestInterruptedAtEveryPowerCut cuts the power at every command boundary and
// at every page that is written, then personalises the same card again for the
// same patient: the centre has one patient with each entry once, and the card
// is whole. Where the answer to ACTIVATE alone was lost, the card is whole
// already.
func TestInterruptedAtEveryPowerCut(t *testing.T) {
	const visits = 3
	c := newCentre(t)
	s := c.station(t)
	cuts, whole := 0, 0
	for at := 0; ; at++ {
		armed, fired := true, false
		soft := softcard.New(softcard.Options{Cut: func(p softcard.CutPoint) bool {
			if armed && p.Index == at {
				fired = true
				return true
			}
			return false
		}})
		b := dense(visits)
		b.Identity.Names.Latin.Family = fmt.Sprintf("Elder%d", at)
		desk := s.desk(s.api, soft)
		first, err := desk.Issue(t.Context(), "reader", b)
		armed = false
		if !fired {
			check(t, err)
			break
		}
		cuts++
		if err == nil {
			t.Fatalf("cut %d: not noticed", at)
		}
		res, err := desk.Issue(t.Context(), "reader", b)
		switch {
		case errors.Is(err, card.ErrNotBlank):
			whole++
			res = first
		case err != nil:
			t.Fatalf("cut %d: the second time: %v", at, err)
		case len(res.Entries) != visits || res.OnCard != visits:
			t.Fatalf("cut %d: %d entries, %d on the card", at, len(res.Entries), res.OnCard)
		}
		if at%40 == 0 || errors.Is(err, card.ErrNotBlank) {
			c.holds(t, soft, visits)
		}
		if !first.Patient.IsZero() && first.Patient != res.Patient {
			t.Fatalf("cut %d: a second patient", at)
		}
	}
	for id, n := range c.patients(t) {
		if n != visits {
			t.Fatalf("patient %s has %d entries at the centre, want %d", id, n, visits)
		}
	}
	if n := len(c.patients(t)); n != cuts+1 {
		t.Fatalf("%d patients for %d people", n, cuts+1)
	}
	if whole == 0 || cuts < 100 {
		t.Fatalf("%d cuts, of which %d left a whole card", cuts, whole)
	}
	t.Logf("%d cuts, %d of them behind the activation", cuts, whole)
}

// TestInterruptedAtEveryCall cuts the line to the centre at every call, before
// it and behind it, and goes on with the same card, or with another because the
// first is lost. The journal keeps the patient one.
func TestInterruptedAtEveryCall(t *testing.T) {
	const visits = 3
	for _, same := range []bool{true, false} {
		for _, behind := range []bool{false, true} {
			for call := 1; call <= 3; call++ {
				t.Run(fmt.Sprintf("same=%v behind=%v call=%d", same, behind, call), func(t *testing.T) {
					c := newCentre(t)
					s := c.station(t)
					soft := softcard.New(softcard.Options{})
					b := batchOf(t, s, s.desk(&faulty{s.api, call, behind}, soft), soft)
					items := []personalise.Item{item(1, dense(visits))}
					report, err := b.Run(t.Context(), items)
					if !errors.Is(err, client.ErrOffline) || report.Left != 1 {
						t.Fatalf("%+v, %v", report, err)
					}
					if !same {
						lost := soft
						soft = softcard.New(softcard.Options{})
						defer func() {
							if known := call > 1 || behind; c.auth.Trust().Blocked(lost.ID()) != known {
								t.Error("the lost card is not blocked, or one that the centre does not know is")
							}
						}()
					}
					b = rejoin(b, s.desk(s.api, soft), soft)
					report, err = b.Run(t.Context(), items)
					check(t, err)
					if report.Made != 1 || report.Items[0].Card != soft.ID() || report.Items[0].OnCard != visits {
						t.Fatalf("%+v", report)
					}
					got := c.patients(t)
					if len(got) != 1 || got[report.Items[0].Patient] != visits {
						t.Fatalf("the centre has %v", got)
					}
					c.holds(t, soft, visits)
					report, err = b.Run(t.Context(), items)
					if err != nil || report.Already != 1 {
						t.Fatalf("once more: %+v, %v", report, err)
					}
				})
			}
		}
	}
}

func item(n byte, b *fhir.Bundle) personalise.Item {
	return personalise.Item{
		Source: fmt.Sprintf("patient-%d.json", n), Digest: personalise.Digest{n},
		Load: func() (*fhir.Bundle, error) { return b, nil },
	}
}

// batchOf is a batch with one card in the reader.
func batchOf(t *testing.T, _ station, desk personalise.Station, soft *softcard.Card) *personalise.Batch {
	t.Helper()
	j, err := personalise.OpenJournal(filepath.Join(t.TempDir(), "journal"))
	check(t, err)
	t.Cleanup(func() { check(t, j.Close()) })
	return rejoin(&personalise.Batch{Journal: j}, desk, soft)
}

func rejoin(b *personalise.Batch, desk personalise.Station, soft *softcard.Card) *personalise.Batch {
	return &personalise.Batch{Journal: b.Journal, Station: desk, Tries: b.Tries, Next: func(ctx context.Context, _ func(card.ID) bool) (personalise.Presented, error) {
		return present(ctx, soft)
	}}
}

// present selects the application of a card.
func present(ctx context.Context, soft *softcard.Card) (personalise.Presented, error) {
	s, err := card.Open(ctx, soft.Transport())
	if err != nil {
		return personalise.Presented{}, err
	}
	return personalise.Presented{Reader: "reader", Info: s.Info()}, s.Close()
}

// TestBatch personalises many, with a stack of cards of which some are used,
// some fail for good and some fail once.
func TestBatch(t *testing.T) {
	c := newCentre(t)
	s := c.station(t)
	used, _, _ := c.issue(t, dense(1))
	broken := softcard.New(softcard.Options{Cut: func(p softcard.CutPoint) bool { return p.INS == 0xE2 && p.Kind == softcard.CutBeforeCommand }})
	stack := []*softcard.Card{used, broken, broken}
	for range 5 {
		stack = append(stack, softcard.New(softcard.Options{}))
	}
	top := 0
	j, err := personalise.OpenJournal(filepath.Join(t.TempDir(), "journal"))
	check(t, err)
	t.Cleanup(func() { check(t, j.Close()) })
	reader := &stackReader{}
	var told []personalise.State
	b := &personalise.Batch{
		Journal: j, Tries: 3,
		Station: personalise.Station{Readers: reader, Centre: s.api, Author: s.Author, Trust: s.Trust},
		Next: func(ctx context.Context, spent func(card.ID) bool) (personalise.Presented, error) {
			for top < len(stack) && spent(stack[top].ID()) {
				top++
			}
			if top == len(stack) {
				return personalise.Presented{}, card.ErrNoCard
			}
			reader.card = stack[top]
			if reader.card == broken {
				defer func() { top++ }() // the operator takes it away
			}
			return present(ctx, reader.card)
		},
		Tell: func(o personalise.Outcome, _, _ int) { told = append(told, o.State) },
	}
	items := make([]personalise.Item, 0, 8)
	for n := range byte(7) {
		p := dense(2)
		p.Identity.Names.Latin.Family = fmt.Sprintf("Elder%d", n)
		items = append(items, item(n+1, p))
	}
	items[3].Load = func() (*fhir.Bundle, error) { return nil, fhir.ErrBundle }
	report, err := b.Run(t.Context(), items)
	if !errors.Is(err, card.ErrNoCard) || report.Made != 5 || report.Failed != 1 || report.Left != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	if told[0] != personalise.StateBegun || report.Items[3].State != personalise.StateFailed {
		t.Fatalf("%v, %+v", told, report.Items[3])
	}
	if !c.auth.Trust().Blocked(broken.ID()) {
		t.Fatal("the card that failed is not blocked")
	}
	stack = append(stack, softcard.New(softcard.Options{}), softcard.New(softcard.Options{}))
	items[3].Load = items[2].Load
	report, err = b.Run(t.Context(), items)
	if err != nil || report.Made != 2 || report.Already != 5 || report.Failed+report.Left != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	cards := make(map[card.ID]bool)
	for _, o := range report.Items {
		cards[o.Card] = true
	}
	if got := c.patients(t); len(got) != 8 || len(cards) != 7 {
		t.Fatalf("%d patients, %d cards", len(got), len(cards))
	}
}

type stackReader struct{ card *softcard.Card }

func (r *stackReader) Watch(ctx context.Context, _ func(card.Event)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (r *stackReader) Connect(context.Context, string) (card.Transport, error) {
	return r.card.Transport(), nil
}

// TestHold leaves a card that is complete to be activated by hand.
func TestHold(t *testing.T) {
	c := newCentre(t)
	s := c.station(t)
	soft := softcard.New(softcard.Options{})
	b := batchOf(t, s, s.desk(s.api, soft), soft)
	b.Hold = true
	report, err := b.Run(t.Context(), []personalise.Item{item(1, dense(2))})
	if err != nil || report.Items[0].State != personalise.StateHeld {
		t.Fatalf("%+v, %v", report, err)
	}
	blank, err := card.OpenBlank(t.Context(), soft.Transport())
	check(t, err)
	check(t, blank.Activate(t.Context()))
	check(t, blank.Close())
	c.holds(t, soft, 2)
}

// TestOtherPatientsCard: a card begun for one patient is never granted for
// another.
func TestOtherPatientsCard(t *testing.T) {
	c := newCentre(t)
	s := c.station(t)
	soft := softcard.New(softcard.Options{})
	desk := s.desk(&faulty{s.api, 2, false}, soft)
	if _, err := desk.Issue(t.Context(), "reader", dense(1)); !errors.Is(err, client.ErrOffline) {
		t.Fatal(err)
	}
	other := dense(1)
	other.Identity.Names.Latin.Family = "Other"
	desk = s.desk(s.api, soft)
	_, err := desk.Issue(t.Context(), "reader", other)
	if server, ok := errors.AsType[*client.ServerError](err); !ok || server.Code != wire.CodeConflict {
		t.Fatalf("a card begun for someone else: %v", err)
	}
	begin := time.Now()
	_, err = desk.Issue(t.Context(), "reader", dense(1))
	check(t, err)
	t.Logf("again in %v", time.Since(begin))
}
