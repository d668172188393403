package agent

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// syncStore is the cache as the exchange with the centre sees it. It lets the
// agent check a new list before it is kept, and show what has arrived.
type syncStore struct {
	*cache.Cache
	a *Agent
}

var _ client.Store = (*syncStore)(nil)

// PutList keeps a list that the client has taken into use: what it says may
// change how open visits look.
func (s *syncStore) PutList(name string, raw []byte) error {
	if err := s.Cache.PutList(name, raw); err != nil {
		return err
	}
	s.a.reshowAll(true)
	return nil
}

// ApplyChanges keeps what the feed brought and shows it in open visits.
func (s *syncStore) ApplyChanges(items []wire.Envelope, next string) error {
	if err := s.Cache.ApplyChanges(items, next); err != nil {
		return err
	}
	seen := make(map[record.PatientID]bool)
	for _, item := range items {
		if !seen[item.Patient] {
			seen[item.Patient] = true
			s.a.reshow(item.Patient)
		}
	}
	return nil
}

// Acknowledge keeps what the centre confirmed and shows it in open visits.
func (s *syncStore) Acknowledge(results []wire.Result, receipt []byte) error {
	if err := s.Cache.Acknowledge(results, receipt); err != nil {
		return err
	}
	s.a.reshowAll(false)
	s.a.askAllReceipts()
	return nil
}

// missedKept bounds the patients whose comparison with the centre is owed.
const missedKept = 1000

// refresh compares a patient's entries with the centre's, shows what that
// brings, and asks for what was charged and for the receipts that the patient's card wants. It returns at once; the exchange outlives the tap that asked for it.
// While the centre is out of reach, or two clocks differ, the comparison is owed.
func (a *Agent) refresh(patient record.PatientID) {
	a.mu.Lock()
	group, life := a.running, a.ctx
	a.mu.Unlock()
	group.Go(func() error {
		err := a.fetch(life, patient)
		if err == nil { // neither of the two holds up the other
			err = errors.Join(a.fetchStandings(life, patient), a.askReceipts(life, patient))
		}
		switch {
		case err == nil || life.Err() != nil:
		case errors.Is(err, ErrStandingAhead):
			a.cfg.Log.Warn("standing set aside", logkey.Code, Classify(err).Code, logkey.Error, err)
		default:
			a.cfg.Log.Debug("compare with centre", logkey.Code, Classify(err).Code)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		later := errors.Is(err, client.ErrOffline) || errors.Is(err, ErrStandingAhead)
		if delete(a.missed, patient); later && len(a.missed) < missedKept {
			a.missed[patient] = struct{}{}
		}
		return nil
	})
}

// refreshMissed makes up for the comparisons that are owed.
func (a *Agent) refreshMissed() {
	a.mu.Lock()
	owed := slices.Collect(maps.Keys(a.missed))
	a.mu.Unlock()
	for _, patient := range owed {
		a.refresh(patient)
	}
}

// fetch asks the centre for the patient's entries unless it holds the same
// ones, shows them, and puts into the outbox what only the card has carried
// here: another clinic may be without a network for longer than this one.
func (a *Agent) fetch(ctx context.Context, patient record.PatientID) error {
	// What comes to the cache while the centre answers is not in its answer.
	digest, ids, err := a.cfg.Cache.Snapshot(patient)
	if err != nil {
		return err
	}
	held, err := a.centre.Patient(ctx, patient, digest)
	if err != nil {
		return err
	}
	if held == nil { // the centre holds the very same
		err = a.cfg.Cache.MarkAtCentre(patient, ids)
	} else {
		items := make([]wire.Envelope, 0, len(held.Items))
		for _, raw := range held.Items {
			items = append(items, wire.Envelope{Patient: patient, Sealed: raw})
		}
		err = a.cfg.Cache.PutEntries(items)
	}
	if err != nil {
		return err
	}
	a.reshow(patient)
	return a.relay(patient)
}

// relay sends on the entries of a patient with an open visit that the centre
// lacks, those of the whole family. An entry has to pass its checks for that,
// but need not be opened.
func (a *Agent) relay(patient record.PatientID) error {
	open := a.visits.of(patient)
	if len(open) == 0 {
		return nil
	}
	stored, err := a.cfg.Cache.History(patient)
	if err != nil {
		return err
	}
	var ids []record.EntryID
	for _, e := range stored {
		if e.Queued || e.Flags&cache.AtCentre != 0 {
			continue
		}
		if _, _, err := check(a.cfg.Trust, e.Sealed, &open[0].subjects); err == nil {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := a.cfg.Cache.Relay(patient, ids); err != nil {
		return err
	}
	a.centre.Kick()
	a.reshow(patient)
	return nil
}

// reshow brings the open visits of a patient in line with the cache.
func (a *Agent) reshow(patient record.PatientID) {
	for _, h := range a.visits.of(patient) {
		a.fill(h, h.Entries)
	}
}

// fill reads a visit's entries from the cache again, but for those that are
// opened already.
func (a *Agent) fill(h heldVisit, opened []VisitEntry) {
	entries, problems, err := a.record(a.actor(), &h.subjects, h.book(), opened)
	if err != nil {
		a.fail(h.Reader, h.ID, err)
		return
	}
	if a.visits.refill(h.ID, h.Person, entries, problems) {
		a.publish(Event{Kind: KindRecordsChanged, Reader: h.Reader, Visit: h.ID})
	}
}

// reshowAll brings every open visit in line with the cache; anew opens all
// entries again, because the trust list has changed.
func (a *Agent) reshowAll(anew bool) {
	for _, h := range a.visits.ready() {
		opened := h.Entries
		if anew {
			opened = nil
		}
		a.fill(h, opened)
	}
}
