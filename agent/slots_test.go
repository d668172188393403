package agent

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
)

// dual is a reader with two slots, which shows as two readers.
type dual struct {
	mu     sync.Mutex
	cards  map[string]*softcard.Card
	open   map[string]card.Transport
	events chan card.Event
	apart  bool // two devices
}

const contacts, antenna = "dual reader contact", "dual reader contactless"

func newDual(apart bool) *dual {
	return &dual{cards: make(map[string]*softcard.Card), events: make(chan card.Event, 8), apart: apart}
}

func (d *dual) put(slot string, c *softcard.Card) {
	d.mu.Lock()
	d.cards[slot] = c
	d.mu.Unlock()
	kind := card.CardInserted
	if c == nil {
		kind = card.CardRemoved
	}
	d.events <- card.Event{Kind: kind, Reader: slot, At: time.Now()}
}

func (d *dual) Watch(ctx context.Context, emit func(card.Event)) error {
	for _, slot := range []string{contacts, antenna} {
		emit(card.Event{Kind: card.ReaderAdded, Reader: slot, At: time.Now()})
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case ev := <-d.events:
			emit(ev)
		}
	}
}

// Connect gives a card of two interfaces to whoever asks, without taking it from
// the other: that is for the agent to see to.
func (d *dual) Connect(_ context.Context, slot string) (card.Transport, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.cards[slot]
	if c == nil {
		return nil, card.ErrNoCard
	}
	if d.open == nil {
		d.open = make(map[string]card.Transport)
	}
	for other, t := range d.open {
		if other != slot && d.cards[other] == c {
			return shared{t}, nil
		}
	}
	t := c.Transport()
	d.open[slot] = t
	return t, nil
}

// shared is the other interface of a card: its end is not the card's.
type shared struct{ card.Transport }

func (shared) Close() error { return nil }

func (d *dual) Devices(names []string) map[string]string {
	out := make(map[string]string, len(names))
	for _, n := range names {
		if out[n] = contacts; d.apart {
			out[n] = n
		}
	}
	return out
}

// TestTwoSlotsOfOneReader: one card in both slots is one visit, two cards are
// told, and the one that stays behind is read.
func TestTwoSlotsOfOneReader(t *testing.T) {
	n := newNation(t)
	first, second := n.issue(2, softcard.Options{}), n.issue(3, softcard.Options{})
	slots := newDual(false)
	d := n.desk(deskOptions{readers: slots})
	slots.put(antenna, first.card)
	v, failure := d.read(t)
	if failure != nil || len(v.Entries) != 2 {
		t.Fatalf("%d entries, %v", len(v.Entries), failure)
	}
	slots.put(contacts, second.card)
	if ev := d.await(t, KindFailure); ev.Failure.Code != "card_two" || ev.Reader != contacts {
		t.Fatalf("two cards: %+v", ev)
	}
	if _, err := d.agent.Append(t.Context(), v.ID, visit(40)); err != nil {
		t.Fatalf("the first card's visit goes on: %v", err)
	}
	first.card.Remove()
	slots.put(antenna, nil)
	v, failure = d.read(t)
	if failure != nil || len(v.Entries) != 3 || v.Reader != contacts {
		t.Fatalf("the card that stayed: %d entries in %s, %v", len(v.Entries), v.Reader, failure)
	}
	for _, r := range d.agent.Readers() {
		if r.Device != contacts {
			t.Errorf("%s is part of %s", r.Name, r.Device)
		}
	}
}

// TestOneCardInBothSlots: a card that answers with contacts and without is one
// visit.
func TestOneCardInBothSlots(t *testing.T) {
	n := newNation(t)
	p := n.issue(2, softcard.Options{})
	slots := newDual(false)
	d := n.desk(deskOptions{readers: slots})
	slots.put(antenna, p.card)
	if v, failure := d.read(t); failure != nil || len(v.Entries) != 2 {
		t.Fatalf("%d entries, %v", len(v.Entries), failure)
	}
	slots.put(contacts, p.card)
	deadline := time.After(time.Second)
	for {
		select {
		case ev := <-d.events:
			if ev.Kind == KindFailure || ev.Kind == KindIdentityReady {
				t.Fatalf("the same card in the other slot: %+v", ev)
			}
			continue
		case <-deadline:
		}
		break
	}
	if visits := d.agent.Visits(); len(visits) != 1 {
		t.Errorf("%d visits", len(visits))
	}
}

// TestTwoReadersStayApart: two devices read two cards.
func TestTwoReadersStayApart(t *testing.T) {
	n := newNation(t)
	first, second := n.issue(2, softcard.Options{}), n.issue(3, softcard.Options{})
	slots := newDual(true)
	d := n.desk(deskOptions{readers: slots})
	slots.put(antenna, first.card)
	if _, failure := d.read(t); failure != nil {
		t.Fatal(failure.Code)
	}
	slots.put(contacts, second.card)
	if v, failure := d.read(t); failure != nil || len(v.Entries) != 3 {
		t.Fatalf("%d entries, %v", len(v.Entries), failure)
	}
}
