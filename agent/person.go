package agent

import (
	"context"
	"fmt"
	"strconv"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
)

// ShowPerson has a visit show another person on the card: their summary and
// their entries. The first time the card must be there, to give their keys. It
// owes ErrNoVisit, envelope.ErrPerson, card.ErrRemoved and the card's errors.
func (a *Agent) ShowPerson(ctx context.Context, visitID string, person uint8) (Visit, error) {
	h, ok := a.visits.held(visitID)
	if !ok {
		return Visit{}, ErrNoVisit
	}
	if !h.subjects.Has(person) {
		return Visit{}, fmt.Errorf("show person %d: %w", person, envelope.ErrPerson)
	}
	if err := a.atReader(ctx, h.Reader, func(r *reader) error { return r.showPerson(ctx, visitID, person) }); err != nil {
		return Visit{}, err
	}
	v, ok := a.Visit(visitID)
	if !ok {
		return Visit{}, ErrNoVisit
	}
	a.publish(Event{Kind: KindPersonShown, Reader: v.Reader, Visit: visitID})
	a.refresh(v.Patient) //nolint:contextcheck // lives as long as Run, not as the request
	return v, nil
}

// showPerson runs in the reader's goroutine, so a tap is over or has not begun.
func (r *reader) showPerson(ctx context.Context, visitID string, person uint8) error {
	h, ok := r.a.visits.held(visitID)
	if !ok || !h.Ready {
		return ErrNoVisit // it ended while this call waited, or its card could not be read
	}
	c := r.open
	if c != nil && c.visit != visitID {
		c = nil // the card that lies there now is another visit's
	}
	b := h.books[person]
	if b == nil {
		if c == nil {
			return fmt.Errorf("show person %d: %w", person, card.ErrRemoved)
		}
		var err error
		if b, err = r.bookOf(ctx, c, person); err != nil {
			return err
		}
		keys := r.keySet(c, person)
		defer wipeSet(keys)
		if err := r.a.cfg.Cache.PutKeys(keys, r.audit("read_person", strconv.Itoa(int(person)))); err != nil {
			return err
		}
		if err := r.forgetIfOver(); err != nil {
			return err
		}
	}
	entries, problems, err := r.a.record(r.who, &h.subjects, b, nil)
	if err != nil {
		return err
	}
	if c != nil {
		c.book = b
	}
	if !r.a.visits.turn(visitID, b, entries, problems) {
		return ErrNoVisit
	}
	return nil
}
