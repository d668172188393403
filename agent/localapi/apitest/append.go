package apitest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
)

// Append implements localapi.Backend: the entry goes to the card and waits in
// the outbox.
func (a *Agent) Append(_ context.Context, visit string, entry *record.Entry) (agent.Written, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.appends++
	if a.refuse != nil {
		return agent.Written{}, a.refuse
	}
	i := slices.IndexFunc(a.visits, func(v agent.Visit) bool { return v.ID == visit })
	if i < 0 {
		return agent.Written{}, agent.ErrNoVisit
	}
	if entry.Person != a.visits[i].Person {
		return agent.Written{}, agent.ErrPerson
	}
	if entry.Start.IsZero() {
		entry.Start = time.Now().UTC().Truncate(time.Minute)
	}
	if err := entry.Validate(); err != nil {
		return agent.Written{}, err
	}
	report, err := a.visits[i].Check(entry, time.Now())
	if err != nil {
		return agent.Written{}, err
	}
	if len(report.Open()) > 0 {
		return agent.Written{}, &agent.AlertsError{Report: report}
	}
	raw, err := json.Marshal(entry)
	if err != nil {
		return agent.Written{}, err
	}
	id := record.EntryID(sha256.Sum256(raw))
	where := []string{agent.AtCard, agent.AtCache, agent.AtOutbox}
	if a.partly != nil {
		where = []string{agent.AtCache, agent.AtOutbox, agent.AtUnknown}
	}
	entries := slices.Insert(slices.Clone(a.visits[i].Entries), 0, agent.VisitEntry{
		ID: id, Author: "apitest", Facility: a.health.Facility, Where: where, Entry: entry, Correctable: true,
	})
	for j := range entries {
		if e := &entries[j]; entry.Amends != nil && e.ID == *entry.Amends {
			e.AmendedBy, e.Correctable = []record.EntryID{id}, false
		}
	}
	a.visits[i].Entries = entries
	if a.visits[i].Checks, err = a.visits[i].Check(nil, time.Now()); err != nil {
		return agent.Written{}, err
	}
	a.sync.Outbox++
	a.publish(agent.Event{Kind: agent.KindEntryWritten, Visit: visit, Entry: id.String()})
	return agent.Written{ID: id, Seq: 1, Where: where}, a.partly
}

// Check implements localapi.Backend on the visits that there are.
func (a *Agent) Check(visit string, draft *record.Entry) (*alerts.Report, error) {
	v, ok := a.Visit(visit)
	if !ok {
		return nil, agent.ErrNoVisit
	}
	return v.Check(draft, time.Now())
}

// Refuse lets the next writes fail: with nothing written (refuse), or kept but
// not confirmed by the card (partly).
func (a *Agent) Refuse(refuse, partly error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refuse, a.partly = refuse, partly
}

// Appends counts the writes that were asked for.
func (a *Agent) Appends() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.appends
}
