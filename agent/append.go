package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
)

// write carries out the write path for one draft on the card in the reader.
func (r *reader) write(req appendRequest) (Written, error) {
	c := r.open
	if c == nil || c.visit != req.visit {
		return Written{}, fmt.Errorf("append to visit: %w", card.ErrRemoved)
	}
	parts, err := r.draft(c, req.draft)
	if err != nil {
		return Written{}, err
	}
	for i := range parts {
		if err := r.a.cfg.Cache.Begin(parts[i]); err != nil {
			return Written{}, errors.Join(err, r.drop(parts[:i]))
		}
	}
	written, err := r.placeAll(req.ctx, c, parts)
	if written.ID != (record.EntryID{}) {
		r.a.publish(Event{Kind: KindEntryWritten, Reader: r.name, Visit: c.visit, Entry: written.ID.String()})
		r.a.centre.Kick()
		r.a.reshow(c.id.Subject.Patient)
		r.a.visits.update(c.visit, func(v *Visit) { v.Stats = c.session.Stats() })
	}
	if err != nil {
		r.a.fail(r.name, c.visit, err)
	}
	return written, err
}

// draft checks, signs and seals an encounter, and with it the summary that
// follows from it when this role keeps the summary. An encounter that is
// larger than one entry may be becomes several.
func (r *reader) draft(c *openCard, e *record.Entry) ([]cache.Pending, error) {
	whole := *e // the draft itself stays as it is
	if whole.Start.IsZero() {
		whole.Start = time.Now()
	}
	whole.Normalise()
	if err := whole.Validate(); err != nil {
		return nil, err
	}
	var out []cache.Pending
	for _, part := range record.Split(&whole, record.MaxContent) {
		sealed, err := r.seal(c, part)
		if err != nil {
			return nil, err
		}
		out = append(out, cache.Pending{
			Card: c.info.ID, Patient: c.id.Subject.Patient, Sealed: sealed,
			ExpectSeq: c.head.Seq + uint32(len(out)), SummaryExpect: c.head.SummaryVersion, // #nosec G115 -- a few parts
		})
	}
	var err error
	out[len(out)-1].SummarySealed, err = r.summaryWith(c, &whole)
	return out, err
}

// seal signs and seals one entry.
func (r *reader) seal(c *openCard, e *record.Entry) ([]byte, error) {
	sections, err := e.Sections()
	if err != nil {
		return nil, err
	}
	for s := range sections {
		if !c.keys.Has(s) {
			return nil, fmt.Errorf("write section %v: %w", s, ErrSectionLocked)
		}
	}
	meta := envelope.Meta{Person: e.Person, Time: e.Meta().Start}
	sealed, err := envelope.Seal(c.id.Subject, c.keys, r.a.cfg.Author, meta, sections, rand.Reader)
	if err != nil {
		return nil, err
	}
	if len(sealed) > c.info.MaxEntry {
		return nil, fmt.Errorf("entry of %d bytes: %w", len(sealed), card.ErrEntryTooLarge)
	}
	return sealed, nil
}

// summaryWith seals the summary as it is after e, or returns nothing when
// this role does not keep the summary.
func (r *reader) summaryWith(c *openCard, e *record.Entry) ([]byte, error) {
	if r.a.cfg.Role != rolePhysician || !c.keys.Has(record.SectionSummary) || e.Person != 0 {
		return nil, nil
	}
	plain, err := record.Summarise(c.summary, []*record.Entry{e}, time.Now()).Encode()
	if err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	sections := map[record.Section][]byte{record.SectionSummary: plain}
	meta := envelope.Meta{Time: time.Now()}
	return envelope.Seal(c.id.Subject, c.keys, r.a.cfg.Author, meta, sections, rand.Reader)
}

// placeAll puts the parts of one encounter on the card. When the card leaves
// on the way, the parts that were not reached wait for its next tap too, and
// are sent on at once.
func (r *reader) placeAll(ctx context.Context, c *openCard, parts []cache.Pending) (Written, error) {
	var all Written
	for i, p := range parts {
		written, err := r.place(ctx, c, p)
		if i == 0 {
			all = written
		}
		all.Seq, all.Where = written.Seq, written.Where
		switch {
		case errors.Is(err, ErrWriteUnknown):
			for _, rest := range parts[i+1:] {
				if cerr := r.a.cfg.Cache.CommitUnknown(envelope.IDOf(rest.Sealed), r.a.audit("append", "card_write_unknown")); cerr != nil {
					return all, errors.Join(err, cerr)
				}
			}
			return all, err
		case err != nil:
			return all, errors.Join(err, r.drop(parts[i+1:]))
		}
	}
	return all, nil
}

// drop gives up writes that were begun and never tried.
func (r *reader) drop(parts []cache.Pending) error {
	var errs []error
	for _, p := range parts {
		errs = append(errs, r.a.cfg.Cache.DropPending(envelope.IDOf(p.Sealed)))
	}
	return errors.Join(errs...)
}

// place puts a pending entry on the card, then commits it. What a lost answer
// leaves open is settled at the card's next tap; the entry itself is kept and
// sent on at once.
func (r *reader) place(ctx context.Context, c *openCard, p cache.Pending) (Written, error) {
	id := envelope.IDOf(p.Sealed)
	head, err := r.appendOnce(ctx, c, p.Sealed)
	switch {
	case err == nil:
	case errors.Is(err, card.ErrFull):
		r.a.fail(r.name, c.visit, err)
		if err := r.a.cfg.Cache.CommitUnknown(id, r.a.audit("append", "card_full")); err != nil {
			return Written{}, err
		}
		// It is known that this card never will hold it: nothing is left to settle.
		return Written{ID: id, Where: []string{AtCache, AtOutbox}}, r.a.cfg.Cache.DropPending(id)
	case ambiguous(err):
		r.a.cfg.Log.WarnContext(ctx, "card write unknown", logkey.Entry, id.Short(), logkey.Error, err)
		if err := r.a.cfg.Cache.CommitUnknown(id, r.a.audit("append", "card_write_unknown")); err != nil {
			return Written{}, err
		}
		r.release()
		return Written{ID: id, Where: []string{AtCache, AtOutbox, AtUnknown}}, ErrWriteUnknown
	case p.Unknown:
		return Written{}, err // tried again; the next terminal may be allowed to
	default:
		return Written{}, errors.Join(err, r.a.cfg.Cache.DropPending(id))
	}
	c.head, c.fresh = head, slices.Insert(c.fresh, 0, p.Sealed)
	if err := r.placeSummary(ctx, c, p); err != nil {
		// The entry is on the card. The pending write stays until the next tap,
		// which finds the entry there and writes the summary.
		r.a.fail(r.name, c.visit, err)
		if err := r.a.cfg.Cache.CommitUnknown(id, r.a.audit("append", "summary_unknown")); err != nil {
			return Written{}, err
		}
		return Written{ID: id, Seq: head.Seq, Where: []string{AtCard, AtCache, AtOutbox}}, nil
	}
	if err := r.commit(c, id); err != nil {
		return Written{}, err
	}
	return Written{ID: id, Seq: c.head.Seq, Where: []string{AtCard, AtCache, AtOutbox}}, nil
}

// appendOnce appends at the head that is known, and once more at the card's
// own when another terminal wrote in between.
func (r *reader) appendOnce(ctx context.Context, c *openCard, sealed []byte) (card.Head, error) {
	head, err := c.session.Append(ctx, c.head.Seq, sealed)
	if !errors.Is(err, card.ErrSequence) {
		return head, err
	}
	if c.head, err = c.session.Head(ctx); err != nil {
		return card.Head{}, err
	}
	return c.session.Append(ctx, c.head.Seq, sealed)
}

// placeSummary replaces the summary unless somebody else has done so since.
func (r *reader) placeSummary(ctx context.Context, c *openCard, p cache.Pending) error {
	if len(p.SummarySealed) == 0 || c.head.SummaryVersion != p.SummaryExpect {
		return nil
	}
	head, err := c.session.WriteSummary(ctx, p.SummaryExpect, p.SummarySealed)
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	summary, err := OpenSummary(r.a.cfg.Trust, p.SummarySealed, c.id.Subject, c.keys)
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	c.head, c.sumRaw, c.summary = head, p.SummarySealed, summary
	r.a.visits.update(c.visit, func(v *Visit) { v.Summary, v.Alerts = summary, summary.Alerts() })
	return nil
}

func (r *reader) commit(c *openCard, id record.EntryID) error {
	head, err := c.head.MarshalBinary()
	if err != nil {
		return err
	}
	if err := r.a.cfg.Cache.PutSummary(c.info.ID, head, c.sumRaw); err != nil && !errors.Is(err, cache.ErrNotFound) {
		return err
	}
	return r.a.cfg.Cache.Commit(id, head, r.a.audit("append", ""))
}

// settle deals with the writes whose outcome the last tap of this card left
// open: an entry that is on the card is committed, one that is not is written
// again. It runs after readEntries, so what the card holds is known.
func (r *reader) settle(ctx context.Context, c *openCard) error {
	pending, err := r.a.cfg.Cache.Pendings(c.info.ID)
	if err != nil {
		return err
	}
	for _, p := range pending {
		id := p.ID
		if !slices.ContainsFunc(c.fresh, func(raw []byte) bool { return envelope.IDOf(raw) == id }) {
			_, err := r.place(ctx, c, p)
			if errors.Is(err, ErrWriteUnknown) {
				return err // the card has gone again
			}
			if err != nil { // it stays open; the visit goes on
				r.a.fail(r.name, c.visit, err)
			}
			continue
		}
		if err := r.placeSummary(ctx, c, p); ambiguous(err) {
			return err
		} else if err != nil { // the summary follows from the next visit that is written
			r.a.fail(r.name, c.visit, err)
		}
		if err := r.commit(c, id); err != nil {
			return err
		}
		r.a.cfg.Log.InfoContext(ctx, "pending write settled", logkey.Reader, r.name, logkey.Entry, id.Short())
	}
	return nil
}

// ambiguous says that an append may or may not have reached the card.
func ambiguous(err error) bool {
	return errors.Is(err, card.ErrRemoved) || errors.Is(err, card.ErrReset) ||
		errors.Is(err, card.ErrSecureMessaging) || errors.Is(err, card.ErrServiceDown) ||
		errors.Is(err, card.ErrMalformed) || errors.Is(err, card.ErrNoReader) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
