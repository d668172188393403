package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Errors of a visit without a card.
var (
	// ErrNoOperator is returned for what only a person may do while nobody is
	// signed in.
	ErrNoOperator = errors.New("nobody is signed in")
	// ErrReason is returned for a visit without a card that lacks a reason or a
	// proof of the list.
	ErrReason = errors.New("visit without a card needs a reason and a proof")
	// ErrReleaseRefused is returned for an operator, or a clock, that the centre
	// does not accept.
	ErrReleaseRefused = errors.New("centre does not take the operator's order")
	// ErrReleaseLimit is returned for an operator who has asked too often.
	ErrReleaseLimit = errors.New("too many visits without a card")
	// ErrReleaseUnknown is returned for a patient, or a person on the patient's
	// cards, whom the centre does not know.
	ErrReleaseUnknown = errors.New("centre does not know the patient or person")
)

// releaseRefusals says what the centre's refusals of an order mean.
var releaseRefusals = map[string]error{
	wire.CodeForbidden:   ErrReleaseRefused,
	wire.CodeRateLimited: ErrReleaseLimit,
	wire.CodeNoPatient:   ErrReleaseUnknown,
}

// releaseError names a refusal of the centre; other errors stay as they are.
func releaseError(err error) error {
	if refused, ok := errors.AsType[*client.ServerError](err); ok && releaseRefusals[refused.Code] != nil {
		return fmt.Errorf("%w: %w", releaseRefusals[refused.Code], err)
	}
	return err
}

// Cardless asks for a visit of a patient whose card is not there.
type Cardless struct {
	Patient record.PatientID `json:"patient"`
	Person  uint8            `json:"person"`
	Proof   string           `json:"proof"`  // wire.ProofPhoto: the operator has compared the photo
	Reason  string           `json:"reason"` // wire.ReasonForgotten and so on
}

// OpenCardless opens a visit without a card. The centre gives the keys that the
// operator's role may have, for this one visit, and writes down who asked and
// why; what it holds of the patient is read and shown as from a card. It owes
// ErrNoOperator, ErrReason, ErrReleaseRefused, ErrReleaseLimit,
// ErrReleaseUnknown, client.ErrOffline, *client.ServerError and the errors of
// the cache.
func (a *Agent) OpenCardless(ctx context.Context, ask Cardless) (string, error) {
	who := a.actor()
	if !who.signed {
		return "", ErrNoOperator
	}
	if ask.Proof != wire.ProofPhoto || !wire.CheckReason(ask.Reason) {
		return "", ErrReason
	}
	release, role, until, err := a.askRelease(ctx, who, ask)
	if err != nil {
		return "", err
	}
	v, subjects, b, err := cardlessVisit(ask, release)
	if err != nil {
		return "", err
	}
	line := who.audit(a.cfg.Facility, "cardless", ask.Reason)
	if err := a.cfg.Cache.AppendAudit(line, ask.Patient); err != nil {
		return "", err
	}
	v.Role, v.Until = role, until
	if !a.visits.open(v, subjects, v.Opened, map[uint8]*book{b.person(): b}, who.gen) {
		return "", ErrNoVisit
	}
	a.publish(Event{Kind: KindIdentityReady, Visit: v.ID})
	if err := a.fetch(ctx, ask.Patient); err != nil {
		a.cfg.Log.WarnContext(ctx, "records of a visit without a card", logkey.Visit, v.ID, logkey.Code, Classify(err).Code)
	}
	if err := a.showCardless(v.ID, &subjects, b); err != nil {
		return "", err
	}
	a.publish(Event{Kind: KindRecordsReady, Visit: v.ID})
	a.refresh(ask.Patient) //nolint:contextcheck // lives as long as Run, not as the request
	return v.ID, nil
}

// askRelease has the operator's key sign the order and opens the answer: what
// was released, for which role and until when.
func (a *Agent) askRelease(ctx context.Context, who actor, ask Cardless) (*wire.Release, string, time.Time, error) {
	request, key, err := wire.SignRelease(who.author.Signer, who.author.KID, wire.ReleaseOrder{
		Patient: ask.Patient, Person: ask.Person, Proof: ask.Proof, Reason: ask.Reason,
		At: uint64(max(time.Now().Unix(), 0)), Facility: a.cfg.Facility, // #nosec G115 -- not negative
	})
	if err != nil {
		return nil, "", time.Time{}, err
	}
	answer, err := a.centre.Release(ctx, request)
	if err != nil {
		return nil, "", time.Time{}, releaseError(err)
	}
	release, err := key.Open(request, answer)
	if err != nil {
		return nil, "", time.Time{}, fmt.Errorf("%w: %w", client.ErrProtocol, err)
	}
	until := time.Unix(int64(min(answer.Until, 1<<40)), 0).UTC() // #nosec G115 -- bounded
	if most := time.Now().Add(visitCardless); until.After(most) {
		until = most.UTC()
	}
	return release, answer.Role, until, nil
}

// visitCardless is the longest that keys without a card are used.
const visitCardless = 30 * time.Minute

// cardlessVisit makes the visit of what was released. It owes
// client.ErrProtocol.
func cardlessVisit(ask Cardless, release *wire.Release) (*Visit, envelope.Subjects, *book, error) {
	subjects, err := envelope.ParseSubjects(release.Subjects)
	if err != nil || subjects.Patient != ask.Patient {
		return nil, subjects, nil, fmt.Errorf("release of another patient: %w", client.ErrProtocol)
	}
	subject, err := subjects.Of(ask.Person)
	if err != nil {
		return nil, subjects, nil, err
	}
	given := release.Keys.Map()
	defer wipe(given)
	for s, key := range given {
		if len(key) == 0 {
			delete(given, s)
		}
	}
	keys, err := envelope.KeysFromMap(given, subject)
	if err != nil {
		return nil, subjects, nil, fmt.Errorf("%w: %w", client.ErrProtocol, err)
	}
	identity, err := record.DecodeIdentity(release.Identity)
	if err != nil {
		return nil, subjects, nil, fmt.Errorf("identity: %w", err)
	}
	var cover *record.Cover
	if len(release.Cover) > 0 {
		if cover, err = record.DecodeCover(release.Cover); err != nil {
			return nil, subjects, nil, fmt.Errorf("cover: %w", err)
		}
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return &Visit{
		ID: hex.EncodeToString(id[:]), Card: release.Card, Patient: ask.Patient, Opened: time.Now().UTC(),
		Cardless: true, Identity: identity, Cover: cover, Persons: identity.Persons(), Person: ask.Person,
		Alerts: []record.Alert{}, Entries: []VisitEntry{}, Steps: []Step{},
	}, subjects, &book{subject: subject, keys: keys}, nil
}

// showCardless fills the visit with what the cache now holds. The summary of
// the card is not here: what the entries say stands in its place.
func (a *Agent) showCardless(id string, subjects *envelope.Subjects, b *book) error {
	entries, problems, err := a.record(a.actor(), subjects, b, nil)
	if err != nil {
		return err
	}
	if b.keys.Has(record.SectionSummary) {
		said := make([]*record.Entry, 0, len(entries))
		for _, e := range slices.Backward(entries) { // oldest first
			said = append(said, e.Entry)
		}
		b.summary = record.Summarise(nil, said, time.Now())
	}
	a.visits.update(id, func(v *Visit) {
		v.Entries, v.Problems, v.Ready = entries, problems, true
		v.turn(b)
	})
	return nil
}

// appendCardless writes an encounter of a visit without a card: into the cache
// and the outbox, and onto the card at its next tap here when the centre has
// named one.
func (a *Agent) appendCardless(visit string, draft *record.Entry) (Written, error) {
	who := a.actor()
	h, ok := a.visits.cardless(visit, who.gen, time.Now())
	if !ok {
		return Written{}, ErrNoVisit
	}
	b := h.book()
	draft, err := a.answered(visit, draft)
	if err != nil {
		return Written{}, err
	}
	parts, err := a.drafts(who, &h.subjects, b, draft, card.MaxEntry)
	if err != nil {
		return Written{}, err
	}
	written := Written{Where: []string{AtCache, AtOutbox}}
	for i, p := range parts {
		p.Card, p.Patient = h.Card, h.Patient
		if err := a.keepCardless(p, who); err != nil {
			return written, err
		}
		if i == 0 {
			written.ID = p.ID
		}
	}
	if h.Card != (card.ID{}) {
		written.Where = append(written.Where, AtUnknown)
	}
	a.publish(Event{Kind: KindEntryWritten, Visit: h.ID, Entry: written.ID.String()})
	a.centre.Kick()
	return written, a.showCardless(h.ID, &h.subjects, b)
}

func (a *Agent) keepCardless(p part, who actor) error {
	if p.Card == (card.ID{}) {
		if err := a.cfg.Cache.PutEntries([]wire.Envelope{{Patient: p.Patient, Sealed: p.Sealed}}); err != nil {
			return err
		}
		if err := a.cfg.Cache.Relay(p.Patient, []record.EntryID{p.ID}); err != nil {
			return err
		}
		return a.cfg.Cache.AppendAudit(who.audit(a.cfg.Facility, "append", "cardless"), p.Patient)
	}
	if err := a.cfg.Cache.Begin(p.Pending); err != nil {
		return err
	}
	if err := a.cfg.Cache.CommitUnknown(p.ID, who.audit(a.cfg.Facility, "append", "cardless")); err != nil {
		return errors.Join(err, a.cfg.Cache.DropPending(p.ID))
	}
	return nil
}
