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

// readSummary reads the emergency summaries unless the cache holds this very
// version of them. A role without the key goes without; one that cannot be
// opened is told beside the record, and is never written over.
func (r *reader) readSummary(ctx context.Context, c *openCard) error {
	if err := r.readSummaries(ctx, c); err != nil {
		return err
	}
	for person, b := range c.books {
		next := &book{subject: b.subject, keys: b.keys}
		r.openSummary(c, next)
		c.books[person] = next
		if c.book == b {
			c.book = next
		}
		r.a.visits.put(c.visit, next)
	}
	return nil
}

func (r *reader) readSummaries(ctx context.Context, c *openCard) error {
	c.sums, c.sumsClosed = &envelope.Summaries{}, false
	if c.head.SummaryVersion == 0 {
		return nil
	}
	if !c.book.keys.Has(record.SectionSummary) {
		c.sumsClosed = true
		return nil
	}
	if known, ok := knownHead(c); ok && known.SummaryVersion == c.head.SummaryVersion {
		c.sumRaw = c.known.SummarySealed
	}
	var err error
	if len(c.sumRaw) == 0 {
		if c.sumRaw, err = c.session.ReadFile(ctx, card.FileSummary); err != nil {
			return err
		}
	}
	sums, err := envelope.ParseSummaries(c.sumRaw)
	if err != nil {
		c.sumsClosed = true
		c.problems = append(c.problems, Classify(fmt.Errorf("summary: %w", err)))
		return nil
	}
	c.sums = sums
	return nil
}

// placeSummary brings the summary on the card up to date with an entry, when
// this role keeps the summary and the entry changes it. It may be repeated.
func (r *reader) placeSummary(ctx context.Context, c *openCard, p part) error {
	for range 2 {
		b, err := r.bookOf(ctx, c, p.entry.Person)
		if err != nil {
			return err
		}
		if r.who.role != rolePhysician || !b.keys.Has(record.SectionSummary) {
			return nil
		}
		if err := r.writeSummary(ctx, c, b, p); !errors.Is(err, card.ErrSequence) {
			return err
		}
		// Another terminal has written one since: begin with that.
		if err := r.catchUp(ctx, c); err != nil {
			return err
		}
	}
	return card.ErrSequence
}

func (r *reader) writeSummary(ctx context.Context, c *openCard, b *book, p part) error {
	if b.closed {
		return errSummaryClosed
	}
	next, err := r.revise(c, b, p.entry, p.late)
	if err != nil {
		return err
	}
	next.Fit(c.sums.Room(b.person(), len(c.id.Subjects.Persons())))
	plain, err := next.Encode()
	if err != nil {
		return err
	}
	if b.summary != nil {
		same := *next
		same.AsOf = b.summary.AsOf
		before, berr := b.summary.Encode()
		after, aerr := same.Encode()
		if berr == nil && aerr == nil && bytes.Equal(before, after) {
			return nil
		}
	}
	sections := map[record.Section][]byte{record.SectionSummary: plain}
	meta := envelope.Meta{Person: b.person(), Time: time.Now()}
	sealed, err := envelope.Seal(b.subject, b.keys, r.who.author, meta, sections, rand.Reader)
	if err != nil {
		return err
	}
	sums, err := c.sums.With(sealed)
	if err != nil {
		return err
	}
	raw := sums.Bytes()
	head, err := c.session.WriteSummary(ctx, c.head.SummaryVersion, raw)
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	c.head, c.sumRaw, c.sums = head, raw, sums
	r.putBook(c, &book{subject: b.subject, keys: b.keys, summary: next})
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
