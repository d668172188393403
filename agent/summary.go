package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// readSummary reads the emergency summary unless the cache holds this very
// version of it. A role without its key goes without; one that cannot be
// opened is told beside the record, and is never written over.
func (r *reader) readSummary(ctx context.Context, c *openCard) error {
	c.summary, c.sumClosed = nil, false
	if c.head.SummaryVersion == 0 {
		return nil
	}
	if !c.keys.Has(record.SectionSummary) {
		c.sumClosed = true
		return nil
	}
	if known, ok := knownHead(c); ok && known.SummaryVersion == c.head.SummaryVersion {
		c.sumRaw = c.known.SummarySealed
	}
	if len(c.sumRaw) == 0 {
		var err error
		if c.sumRaw, err = c.session.ReadFile(ctx, card.FileSummary); err != nil {
			return err
		}
	}
	var err error
	if c.summary, err = OpenSummary(r.a.cfg.Trust, c.sumRaw, c.id.Subject, c.keys); err != nil {
		c.sumClosed = true
		c.problems = append(c.problems, Classify(fmt.Errorf("summary: %w", err)))
	}
	return nil
}

// placeSummary brings the summary on the card up to date with an entry, when
// this role keeps the summary and the entry changes it. It may be repeated.
func (r *reader) placeSummary(ctx context.Context, c *openCard, e *record.Entry) error {
	if r.who.role != rolePhysician || !c.keys.Has(record.SectionSummary) || e.Person != 0 {
		return nil
	}
	for range 2 {
		err := r.writeSummary(ctx, c, e)
		if !errors.Is(err, card.ErrSequence) {
			return err
		}
		// Another terminal has written one since: begin with that.
		if err := r.catchUp(ctx, c); err != nil {
			return err
		}
	}
	return card.ErrSequence
}

func (r *reader) writeSummary(ctx context.Context, c *openCard, e *record.Entry) error {
	if c.sumClosed {
		return errSummaryClosed
	}
	next := record.Summarise(c.summary, []*record.Entry{e}, time.Now())
	plain, err := next.Encode()
	if err != nil {
		return err
	}
	if c.summary != nil {
		same := *next
		same.AsOf = c.summary.AsOf
		before, berr := c.summary.Encode()
		after, aerr := same.Encode()
		if berr == nil && aerr == nil && bytes.Equal(before, after) {
			return nil
		}
	}
	sections := map[record.Section][]byte{record.SectionSummary: plain}
	sealed, err := envelope.Seal(c.id.Subject, c.keys, r.who.author, envelope.Meta{Time: time.Now()}, sections, rand.Reader)
	if err != nil {
		return err
	}
	head, err := c.session.WriteSummary(ctx, c.head.SummaryVersion, sealed)
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	c.head, c.sumRaw, c.summary = head, sealed, next
	r.a.visits.update(c.visit, func(v *Visit) { v.Summary, v.Alerts = next, alertsOf(next) })
	return nil
}

var errSummaryClosed = errors.New("summary on the card cannot be opened here")

// alertsOf never returns nil: it goes to JSON.
func alertsOf(s *record.Summary) []record.Alert {
	if a := s.Alerts(); a != nil {
		return a
	}
	return []record.Alert{}
}
