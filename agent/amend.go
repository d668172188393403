package agent

import (
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// Errors of amending.
var (
	// ErrAmends is returned for a draft that amends an entry which is not among
	// the person's entries here, and for one that was entered in error and says
	// not which entry that is about.
	ErrAmends = errors.New("entry to amend is not here")
	// ErrAmended is returned for a draft that amends an entry which another
	// amends already: the newest one is to be amended.
	ErrAmended = errors.New("entry is amended already")
	// ErrAmendAuthor is returned for a draft that amends what somebody else
	// has written, by anybody but a physician.
	ErrAmendAuthor = errors.New("entry is somebody else's")
)

// link notes at every entry which others amend it.
func link(entries []VisitEntry) {
	plain := make([]*record.Entry, len(entries))
	for i := range entries {
		plain[i] = entries[i].Entry
	}
	by := record.Amended(plain)
	for i := range entries {
		entries[i].AmendedBy = by[entries[i].ID]
	}
}

// checkAmends says whether an actor may amend what a draft amends: an entry of
// the same person that is here, that nobody has amended, that the actor may
// read whole, and that the same key has signed unless the actor is a physician.
// It owes ErrAmends, ErrAmended, ErrAmendAuthor and ErrSectionLocked.
func (a *Agent) checkAmends(who actor, subjects *envelope.Subjects, b *book, draft *record.Entry) error {
	if draft.Amends == nil {
		if draft.EnteredInError {
			return fmt.Errorf("entered in error, without what: %w", ErrAmends)
		}
		return nil
	}
	entries, _, err := a.record(who, subjects, b, nil)
	if err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		if e.ID != *draft.Amends {
			continue
		}
		return who.mayAmend(e)
	}
	return fmt.Errorf("amend %s: %w", draft.Amends.Short(), ErrAmends)
}

// mayAmend says whether an actor may amend an entry of the person who is shown.
func (w actor) mayAmend(e *VisitEntry) error {
	switch {
	case len(e.AmendedBy) > 0:
		return fmt.Errorf("amend %s, which %s amends: %w", e.ID.Short(), e.AmendedBy[0].Short(), ErrAmended)
	case len(e.Locked) > 0:
		return fmt.Errorf("amend %s: %w", e.ID.Short(), ErrSectionLocked)
	case e.kid != w.author.KID && w.role != rolePhysician:
		return fmt.Errorf("amend %s: %w", e.ID.Short(), ErrAmendAuthor)
	}
	return nil
}

// markCorrectable notes at every entry whether a desk should offer to correct
// it: its own facility's, where a charge can be set right too, by somebody who
// may amend it and may write a note that says why.
func (a *Agent) markCorrectable(who actor, b *book, entries []VisitEntry) {
	reasons := b.keys.Has(record.SectionClinical)
	for i := range entries {
		e := &entries[i]
		e.Correctable = reasons && e.Facility == a.cfg.Facility && who.mayAmend(e) == nil
	}
}

// revise brings a book's summary up to date with an entry. Entries that began
// later are looked up, since one that is filed late must not undo what they
// say; and all of the person's when the entry amends another, or is not written
// just now, so that others may have amended it meanwhile (late).
func (r *reader) revise(c *openCard, b *book, e *record.Entry, late bool) (*record.Summary, error) {
	stored, err := r.a.cfg.Cache.History(c.id.Subjects.Patient)
	if err != nil {
		return nil, err
	}
	if c.revised == nil {
		c.revised = make(map[record.EntryID]*record.Entry)
	}
	var history []*record.Entry
	for _, s := range stored {
		sealed, err := envelope.Parse(s.Sealed)
		if err != nil || sealed.Person() != e.Person || e.Amends == nil && !late && !sealed.Time().After(e.Start) {
			continue
		}
		if known := c.revised[s.ID]; known != nil {
			history = append(history, known)
		} else if opened, err := OpenEntry(r.a.cfg.Trust, s.Sealed, &c.id.Subjects, b.keys); err == nil { // else the visit tells of it
			c.revised[s.ID] = opened.Entry
			history = append(history, opened.Entry)
		}
	}
	return record.Revise(b.summary, e, history, time.Now()), nil
}
