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
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
)

// clockSkew is how far an encounter may lie ahead of this machine's clock, and
// this machine's clock behind the day on which the trust list was signed.
const clockSkew = 24 * time.Hour

// write carries out the write path for one draft on the card in the reader. A
// Written that names an entry is kept, whatever the error beside it says.
func (r *reader) write(ctx context.Context, visit string, draft *record.Entry) (Written, error) {
	c := r.open
	if r.who.gen != r.a.actor().gen {
		return Written{}, ErrNoVisit // it ended with its operator's time
	}
	if c == nil || c.visit != visit {
		return Written{}, fmt.Errorf("append to visit: %w", card.ErrRemoved)
	}
	parts, err := r.draft(c, draft)
	if err != nil {
		return Written{}, err
	}
	for i := range parts {
		if err := r.a.cfg.Cache.Begin(parts[i].Pending); err != nil {
			return Written{}, errors.Join(err, r.drop(parts[:i]))
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.a.patience, card.ErrTooSlow)
	defer cancel()
	written, err := r.placeAll(ctx, c, parts)
	c.session.Rest()
	if written.ID != (record.EntryID{}) {
		r.a.publish(Event{Kind: KindEntryWritten, Reader: r.name, Visit: c.visit, Entry: written.ID.String()})
		r.a.centre.Kick()
		r.a.reshow(c.id.Subjects.Patient)
		r.a.visits.update(c.visit, func(v *Visit) { v.Stats = c.session.Stats() })
		err = errors.Join(err, r.showSpace(c))
	}
	if err != nil {
		r.a.fail(r.name, c.visit, err)
	}
	return written, err
}

// part is an entry on its way to the card, sealed and as it was before.
type part struct {
	cache.Pending
	entry *record.Entry
	late  bool // begun at an earlier tap
}

// draft checks, signs and seals an encounter. One that is larger than an entry
// may be becomes several.
func (r *reader) draft(c *openCard, e *record.Entry) ([]part, error) {
	parts, err := r.a.drafts(r.who, &c.id.Subjects, c.book, e, c.info.MaxEntry)
	for i := range parts {
		parts[i].Card, parts[i].Patient = c.info.ID, c.id.Subjects.Patient
		parts[i].ExpectSeq = c.head.Seq + uint32(i) // #nosec G115 -- a few parts
	}
	return parts, err
}

// drafts checks an encounter of the person of a book, and signs and seals it
// into entries of at most so many bytes.
func (a *Agent) drafts(who actor, subjects *envelope.Subjects, b *book, e *record.Entry, most int) ([]part, error) {
	if e.Person != b.person() {
		return nil, fmt.Errorf("entry of person %d, shown is %d: %w", e.Person, b.person(), ErrPerson)
	}
	whole := *e // the draft itself stays as it is
	if whole.Start.IsZero() {
		whole.Start = time.Now()
	}
	whole.Normalise()
	whole.SpellUnits()
	if b.keys.Has(record.SectionSensitive) {
		// Nobody forgets a mark; a laboratory and a pharmacy, which have not got
		// the key, write what they do into the section that they have.
		whole.Overrides = slices.Clone(whole.Overrides)
		whole.MarkSensitive()
		whole.Normalise()
	}
	if err := whole.Validate(); err != nil {
		return nil, err
	}
	if err := a.checkAmends(who, subjects, b, &whole); err != nil {
		return nil, err
	}
	if err := a.checkTime(whole.Meta().Start, who.author.KID); err != nil {
		return nil, err
	}
	var out []part
	for _, e := range record.Split(&whole, record.MaxContent) {
		sealed, err := seal(b, who.author, e, most)
		if err != nil {
			return nil, err
		}
		e.ID = envelope.IDOf(sealed)
		out = append(out, part{Pending: cache.Pending{ID: e.ID, Sealed: sealed}, entry: e})
	}
	return out, nil
}

// checkTime refuses a time at which nobody would believe the author's key,
// before it is written where it cannot be taken back.
func (a *Agent) checkTime(start time.Time, author [4]byte) error {
	now := time.Now()
	if a.cfg.Trust.Age(now).Trust < -clockSkew {
		return ErrClock
	}
	if start.After(now.Add(clockSkew)) {
		return fmt.Errorf("encounter of %s: %w", start.Format(time.DateOnly), ErrTime)
	}
	_, err := a.cfg.Trust.Author(author, start)
	if errors.Is(err, trust.ErrKeyExpired) || errors.Is(err, trust.ErrKeyRevoked) {
		return fmt.Errorf("encounter of %s: %w: %w", start.Format(time.DateOnly), ErrTime, err)
	}
	return err
}

// seal signs and seals one entry of at most so many bytes.
func seal(b *book, author envelope.Author, e *record.Entry, most int) ([]byte, error) {
	sections, err := e.Sections()
	if err != nil {
		return nil, err
	}
	for s := range sections {
		if !b.keys.Has(s) {
			return nil, fmt.Errorf("write section %v: %w", s, ErrSectionLocked)
		}
	}
	meta := envelope.Meta{Person: e.Person, Time: e.Meta().Start}
	sealed, err := envelope.Seal(b.subject, b.keys, author, meta, sections, rand.Reader)
	if err != nil {
		return nil, err
	}
	if len(sealed) > most {
		return nil, fmt.Errorf("entry of %d bytes: %w", len(sealed), card.ErrEntryTooLarge)
	}
	return sealed, nil
}

// placeAll puts the parts of one encounter on the card. When the card leaves
// on the way, the parts that were not reached wait for its next tap too, and
// are sent on at once.
func (r *reader) placeAll(ctx context.Context, c *openCard, parts []part) (Written, error) {
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
				if cerr := r.a.cfg.Cache.CommitUnknown(rest.ID, r.audit("append", "card_write_unknown")); cerr != nil {
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
func (r *reader) drop(parts []part) error {
	var errs []error
	for _, p := range parts {
		errs = append(errs, r.a.cfg.Cache.DropPending(p.ID))
	}
	return errors.Join(errs...)
}

// place carries one pending entry to the card: first the summary that follows
// from it, then the entry, then both into the cache in one transaction. Until
// that, the pending write stays; doing all of it again changes nothing, since
// the summary already has what the entry says and the log is looked through
// for the entry. What a lost answer leaves open is settled so at the card's
// next tap; the entry itself is kept and sent on at once.
func (r *reader) place(ctx context.Context, c *openCard, p part) (Written, error) {
	if err := r.placeSummary(ctx, c, p); err != nil {
		if ambiguous(err) {
			return r.unknown(ctx, p, err)
		}
		r.a.fail(r.name, c.visit, fmt.Errorf("%w: %w", ErrSummary, err))
	}
	head, err := r.appendOnce(ctx, c, p.Sealed)
	switch {
	case err == nil:
	case errors.Is(err, card.ErrFull):
		if !p.Unknown {
			r.a.fail(r.name, c.visit, err)
		}
		return Written{ID: p.ID, Where: []string{AtCache, AtOutbox, AtOwed}}, r.a.cfg.Cache.CommitOwed(p.ID, r.audit("append", "card_full"))
	case ambiguous(err):
		return r.unknown(ctx, p, err)
	case p.Unknown:
		return Written{}, err // it stays owed: the next terminal may be allowed to
	default:
		return Written{}, errors.Join(err, r.a.cfg.Cache.DropPending(p.ID))
	}
	c.head = head
	if err := r.commit(c, p, head.Seq); err != nil {
		// The entry is on the card and must not be written again by hand.
		return Written{ID: p.ID, Seq: head.Seq, Where: []string{AtCard}}, err
	}
	return Written{ID: p.ID, Seq: head.Seq, Where: []string{AtCard, AtCache, AtOutbox}}, nil
}

// unknown keeps an entry whose write the card has not confirmed.
func (r *reader) unknown(ctx context.Context, p part, cause error) (Written, error) {
	r.a.cfg.Log.WarnContext(ctx, "card write unknown", logkey.Entry, p.ID.Short(), logkey.Error, cause)
	r.release()
	if err := r.a.cfg.Cache.CommitUnknown(p.ID, r.audit("append", "card_write_unknown")); err != nil {
		return Written{}, errors.Join(ErrWriteUnknown, err)
	}
	return Written{ID: p.ID, Where: []string{AtCache, AtOutbox, AtUnknown}}, ErrWriteUnknown
}

// appendOnce appends at the head that is known. When another terminal wrote in
// between, what it wrote is read first, so that the cache never knows of a
// head without all that lies below it. A card without room frees what it may.
func (r *reader) appendOnce(ctx context.Context, c *openCard, sealed []byte) (card.Head, error) {
	caught := false
	for {
		for len(sealed)+card.LenLength > c.head.Free() {
			if freed, err := r.makeRoom(ctx, c); err != nil {
				return card.Head{}, err
			} else if !freed {
				return card.Head{}, card.ErrFull
			}
		}
		head, err := c.session.Append(ctx, c.head.Seq, sealed)
		if !errors.Is(err, card.ErrSequence) || caught {
			return head, err
		}
		caught = true
		if err := r.catchUp(ctx, c); err != nil {
			return card.Head{}, err
		}
	}
}

// catchUp reads and keeps what has come to the card since c.head.
func (r *reader) catchUp(ctx context.Context, c *openCard) error {
	head, err := c.session.Head(ctx)
	if err != nil {
		return err
	}
	known := c.head
	c.head, c.fresh, c.places = head, nil, nil
	if err := r.readLog(ctx, c, known); err != nil {
		return err
	}
	if head.SummaryVersion != known.SummaryVersion {
		c.sumRaw = nil
		if err := r.readSummary(ctx, c); err != nil {
			return err
		}
	}
	return r.keep(ctx, c)
}

// commit settles a write; seq is the entry's number in the log when it was
// written just now, else 0.
func (r *reader) commit(c *openCard, p part, seq uint32) error {
	head, err := c.head.MarshalBinary()
	if err != nil {
		return err
	}
	placed := cache.Placed{Head: head, Summary: c.sumRaw, Seq: seq, Owed: r.owesSummary(p)}
	return r.a.cfg.Cache.Commit(p.ID, placed, r.audit("append", ""))
}

// owesSummary reports that what an entry says about the summary has to wait for
// a tap by its author or by a physician: whoever settles it now may not write
// the summary, and perhaps not even read the entry.
func (r *reader) owesSummary(p part) bool {
	sealed, err := envelope.Parse(p.Sealed)
	return err == nil && r.who.role != rolePhysician && sealed.KID() != r.who.author.KID
}

// settle frees what the centre holds, and deals with the writes whose outcome
// the last tap of this card left open. It runs after keep, so the cache knows
// all that the card holds.
func (r *reader) settle(ctx context.Context, c *openCard) error {
	if err := r.free(ctx, c); err != nil {
		return err
	}
	pending, err := r.a.cfg.Cache.Pendings(c.info.ID)
	if err != nil {
		return err
	}
	for _, p := range pending {
		opened, err := r.openPending(ctx, c, p.Sealed)
		if err != nil { // its author is not believed any more: nothing to carry on
			r.a.fail(r.name, c.visit, err)
			continue
		}
		err = r.settleOne(ctx, c, part{p, opened.Entry, true})
		if errors.Is(err, ErrWriteUnknown) {
			return err // the card has gone again
		}
		if err != nil { // it stays open; the visit goes on
			r.a.fail(r.name, c.visit, err)
		}
	}
	return nil
}

// openPending opens an entry whose write is not settled, of whichever person.
func (r *reader) openPending(ctx context.Context, c *openCard, sealed []byte) (VisitEntry, error) {
	person, _ := envelope.PersonOf(sealed) // the cache keeps nothing else
	b, err := r.bookOf(ctx, c, person)
	if err != nil {
		return VisitEntry{}, err
	}
	return OpenEntry(r.a.cfg.Trust, sealed, &c.id.Subjects, b.keys)
}

func (r *reader) settleOne(ctx context.Context, c *openCard, p part) error {
	held, ok, err := r.a.cfg.Cache.Entry(p.Patient, p.ID)
	if err != nil {
		return err
	}
	if !ok || held.Flags&cache.OnCard == 0 {
		_, err := r.place(ctx, c, p)
		return err
	}
	if p.Unknown && r.owesSummary(p) {
		return nil
	}
	if err := r.placeSummary(ctx, c, p); ambiguous(err) {
		_, err := r.unknown(ctx, p, err)
		return err
	} else if err != nil {
		r.a.fail(r.name, c.visit, fmt.Errorf("%w: %w", ErrSummary, err))
	}
	r.a.cfg.Log.InfoContext(ctx, "pending write settled", logkey.Reader, r.name, logkey.Entry, p.ID.Short())
	return r.commit(c, p, 0)
}

// ambiguous says that a write may or may not have reached the card.
func ambiguous(err error) bool {
	return slices.ContainsFunc([]error{
		card.ErrRemoved, card.ErrReset, card.ErrSecureMessaging, card.ErrServiceDown, card.ErrMalformed,
		card.ErrNoReader, card.ErrUnpowered, card.ErrTransport, card.ErrBusy, card.ErrSessionEnded,
		card.ErrCardMemory, card.ErrTooSlow, context.Canceled, context.DeadlineExceeded,
	}, func(target error) bool { return errors.Is(err, target) })
}
