package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/standing"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// CoverQuestion asks what the cover pays for a service to the person whom a
// visit shows, here and now.
type CoverQuestion struct {
	Service record.Service `json:"service"`
	Class   record.Class   `json:"class"`
	Place   *entitle.Place `json:"place,omitempty"` // nil: the workstation's own
	Cost    *int64         `json:"cost,omitempty"`  // whole dinars; nil: not known yet
	Newborn record.Moment  `json:"newborn,omitzero"`
}

// Eligibility answers a question about the cover of the person whom a visit
// shows. It owes ErrNoVisit and entitle.ErrQuestion.
func (a *Agent) Eligibility(visitID string, q CoverQuestion) (*entitle.Answer, error) {
	h, ok := a.visits.held(visitID)
	if !ok {
		return nil, ErrNoVisit
	}
	return a.eligibility(&h, q, time.Now())
}

func (a *Agent) eligibility(h *heldVisit, q CoverQuestion, now time.Time) (*entitle.Answer, error) {
	place := a.cfg.Place
	if q.Place != nil {
		place = *q.Place
	}
	k := entitle.Known{
		Rules: a.coverRules(), Identity: h.Identity, Cover: h.Cover, Issued: h.issued, Blocked: a.cfg.Trust.Blocked(h.Card),
		Standing: a.standingOf(h), Entries: make([]entitle.Seen, 0, len(h.Entries)),
	}
	for _, e := range h.Entries {
		k.Entries = append(k.Entries, entitle.Seen{ID: e.ID, Facility: e.Facility, Entry: e.Entry})
		k.Locked = k.Locked || slices.Contains(e.Locked, record.SectionCoverage.String())
	}
	return entitle.Ask(&k, entitle.Question{
		Person: h.Person, At: now, Place: place, Facility: a.cfg.Facility,
		Service: q.Service, Class: q.Class, Cost: q.Cost, Newborn: q.Newborn,
	})
}

// coverRules returns the rules of entitlement in use; nil: the program's own.
func (a *Agent) coverRules() *entitle.Schedule {
	if a.cfg.CoverRules == nil {
		return nil
	}
	return a.cfg.CoverRules()
}

// covered is a visit with the answer to what everybody asks first: whether a
// visit here and now is covered. While entries are still being read there is
// none: it would change under the eyes of who reads it.
func (a *Agent) covered(h *heldVisit) Visit {
	v := h.Visit
	if !v.Ready {
		return v
	}
	answer, err := a.eligibility(h, CoverQuestion{}, time.Now())
	if err != nil { // a clock that is out of range
		a.cfg.Log.Warn("no answer about cover", logkey.Visit, v.ID, logkey.Error, err)
		return v
	}
	v.Eligibility = answer
	return v
}

// standingOf opens what the centre last said of the person whom a visit shows,
// nil when that is nothing, or nothing that holds.
func (a *Agent) standingOf(h *heldVisit) *entitle.Standing {
	b := h.book()
	if b == nil {
		return nil
	}
	raw, err := a.cfg.Cache.Standing(h.Patient, h.Person)
	if err != nil || raw == nil {
		return nil // a cache that fails shows itself elsewhere
	}
	s, err := standing.Open(a.cfg.Trust, b.subject, b.keys, raw)
	if err != nil {
		a.cfg.Log.Debug("standing set aside", logkey.Visit, h.ID, logkey.Error, err)
		return nil
	}
	return s
}

// ErrStandingAhead says that the centre's word on what was charged is dated
// further ahead than two clocks may differ: this clock or the centre's is wrong.
// Kept, it would keep every later word out.
var ErrStandingAhead = errors.New("standing is dated in the future")

// standingAhead is how far two clocks may differ.
const standingAhead = 10 * time.Minute

// fetchStandings asks the centre what was charged for the persons whom the
// open visits of a patient show, and keeps what keepStanding lets pass. It owes
// what that owes and the errors of the centre.
func (a *Agent) fetchStandings(ctx context.Context, patient record.PatientID) error {
	var errs []error
	for _, h := range a.visits.of(patient) {
		raw, err := a.centre.Standing(ctx, patient, h.Person)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if err := a.keepStanding(&h, raw, time.Now()); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// keepStanding keeps a word of the centre about the person whom a visit shows,
// when it passes its checks and is not older than the one that is kept. It owes
// ErrStandingAhead, what standing.Open owes and the errors of the cache.
func (a *Agent) keepStanding(h *heldVisit, raw []byte, now time.Time) error {
	b := h.book()
	s, err := standing.Open(a.cfg.Trust, b.subject, b.keys, raw)
	if err != nil {
		return err
	}
	latest := now.Add(standingAhead)
	if s.At.After(latest) {
		return fmt.Errorf("standing of %s: %w", s.At.UTC().Format(time.RFC3339), ErrStandingAhead)
	}
	if had := a.standingOf(h); had != nil && s.At.Before(had.At) && !had.At.After(latest) {
		return nil
	}
	if err := a.cfg.Cache.PutStanding(h.Patient, h.Person, raw); err != nil {
		return err
	}
	a.publish(Event{Kind: KindRecordsChanged, Reader: h.Reader, Visit: h.ID})
	return nil
}

// share adds to a draft's cost what the patient pays of it, by the cover, when
// the draft leaves that open; a correction's by what is left without the entry
// that it replaces. It changes nothing where the kind of this facility is not
// known, and nothing of a cost in another money or with a fraction of a dinar.
func (a *Agent) share(h *heldVisit, draft *record.Entry) *record.Entry {
	cost := draft.Cost
	if cost == nil || cost.Patient != nil || cost.Currency != "" || cost.Total.Scale != 0 || cost.Total.Mantissa < 0 ||
		a.cfg.Place == entitle.PlaceUnknown || draft.Person != h.Person {
		return draft
	}
	at := draft.Start
	if at.IsZero() {
		at = time.Now()
	}
	if draft.Amends != nil {
		without := *h
		without.Entries = append(slices.Clip(h.Entries), VisitEntry{
			Facility: a.cfg.Facility, Entry: &record.Entry{Person: draft.Person, Start: at, Amends: draft.Amends, EnteredInError: true},
		})
		h = &without
	}
	total := cost.Total.Mantissa
	answer, err := a.eligibility(h, CoverQuestion{Service: cost.Service, Class: draft.Class, Cost: &total}, at)
	if err != nil || answer.Patient == nil || answer.Outcome == entitle.Approval {
		return draft
	}
	paid := record.Int(*answer.Patient)
	out, filled := *draft, *cost
	filled.Patient = &paid
	out.Cost = &filled
	return &out
}
