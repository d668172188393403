// Package apitest is an agent without readers, cards or network: a
// localapi.Backend in memory, for the tests of what stands before the agent.
package apitest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/stripe"
	"github.com/dhamani-iq/dhamani/crypto/claim"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/client"
)

// Agent is the backend. Change it with its methods; what it hands out is
// copied.
type Agent struct {
	mu      sync.Mutex
	visits  []agent.Visit
	readers []agent.ReaderState
	sync    client.Status
	health  agent.Health
	events  []agent.Event
	subs    map[chan agent.Event]struct{}
	refuse  error
	partly  error
	appends int
	signed  *agent.OperatorInfo
	listed  []agent.OperatorRef
	secret  string // of those who are listed
	active  int
}

var _ localapi.Backend = (*Agent)(nil)

// New returns a backend of one physician's workstation with one reader.
func New() *Agent {
	return &Agent{
		subs:    make(map[chan agent.Event]struct{}),
		readers: []agent.ReaderState{{Name: "Reader 0"}},
		sync:    client.Status{Online: true, LastSuccess: time.Now()},
		health:  agent.Health{Version: "test", Started: time.Now(), PCSC: "up", Facility: 1207, Role: "physician"},
	}
}

// Visits implements localapi.Backend.
func (a *Agent) Visits() []agent.Visit {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.visits)
}

// Visit implements localapi.Backend.
func (a *Agent) Visit(id string) (agent.Visit, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range a.visits {
		if v.ID == id {
			return v, true
		}
	}
	return agent.Visit{}, false
}

// Readers implements localapi.Backend.
func (a *Agent) Readers() []agent.ReaderState {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.readers)
}

// Sync implements localapi.Backend.
func (a *Agent) Sync() client.Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sync
}

// Health implements localapi.Backend.
func (a *Agent) Health() agent.Health {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.health
}

// ShowPerson implements localapi.Backend: nobody but the holder has entries.
func (a *Agent) ShowPerson(_ context.Context, visit string, person uint8) (agent.Visit, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.visits, func(v agent.Visit) bool { return v.ID == visit })
	if i < 0 {
		return agent.Visit{}, agent.ErrNoVisit
	}
	v := &a.visits[i]
	if !v.Persons.Has(person) {
		return agent.Visit{}, envelope.ErrPerson
	}
	if v.Person != person {
		shown := Patient(v.Opened)
		v.Person, v.Summary, v.Alerts, v.Entries = person, nil, []record.Alert{}, []agent.VisitEntry{}
		if person == 0 {
			v.Summary, v.Alerts, v.Entries = shown.Summary, shown.Alerts, shown.Entries
		}
		var err error
		if v.Checks, err = v.Check(nil, time.Now()); err != nil {
			return agent.Visit{}, err
		}
	}
	v.Eligibility, _ = eligibility(v, agent.CoverQuestion{}) // a visit of now has an answer
	a.publish(agent.Event{Kind: agent.KindPersonShown, Visit: visit})
	return *v, nil
}

// Eligibility implements localapi.Backend, for a private facility without a
// word of the centre.
func (a *Agent) Eligibility(visit string, q agent.CoverQuestion) (*entitle.Answer, error) {
	v, ok := a.Visit(visit)
	if !ok {
		return nil, agent.ErrNoVisit
	}
	return eligibility(&v, q)
}

func eligibility(v *agent.Visit, q agent.CoverQuestion) (*entitle.Answer, error) {
	return entitle.Ask(&entitle.Known{Identity: v.Identity, Cover: v.Cover, Issued: v.Opened.AddDate(0, -1, 0)}, entitle.Question{
		Person: v.Person, At: v.Opened, Place: entitle.PlacePrivate, Facility: 1207,
		Service: q.Service, Class: q.Class, Cost: q.Cost, Newborn: q.Newborn,
	})
}

// Verify implements localapi.Backend: the PIN is 1234.
func (a *Agent) Verify(_ context.Context, visit string, proof agent.Proof) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.visits, func(v agent.Visit) bool { return v.ID == visit })
	switch {
	case i < 0:
		return agent.ErrNoVisit
	case proof.PIN.IsZero():
		return card.ErrNoReference
	case proof.PIN.Reveal() != "1234":
		return &card.VerifyError{Left: 2}
	}
	a.visits[i].Verified = true
	a.publish(agent.Event{Kind: agent.KindRecordsChanged, Visit: visit})
	return nil
}

// Attest implements localapi.Backend.
func (a *Agent) Attest(visit, by, reason string) (agent.Visit, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.visits, func(v agent.Visit) bool { return v.ID == visit })
	ways, reasons := agent.Attestations()
	switch {
	case i < 0:
		return agent.Visit{}, agent.ErrNoVisit
	case !slices.Contains(ways, by) || !slices.Contains(reasons, reason):
		return agent.Visit{}, agent.ErrAttested
	}
	a.visits[i].Attested = &agent.Attested{By: by, Reason: reason, At: time.Now()}
	a.publish(agent.Event{Kind: agent.KindRecordsChanged, Visit: visit})
	return a.visits[i], nil
}

// VerifyFinger implements localapi.Backend: the card takes the right thumb, and
// the host takes nobody's.
func (a *Agent) VerifyFinger(_ context.Context, visit, way string) (agent.Fingered, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.visits, func(v agent.Visit) bool { return v.ID == visit })
	switch {
	case i < 0:
		return agent.Fingered{}, agent.ErrNoVisit
	case way == agent.OnHost:
		return agent.Fingered{}, agent.ErrFingerOther
	case way != "" && way != agent.OnCard:
		return agent.Fingered{}, agent.ErrWay
	}
	done := agent.Fingered{Way: agent.OnCard, Ref: card.FirstFinger, Finger: 1, Quality: 70}
	a.visits[i].Verified, a.visits[i].Finger = true, &done
	a.publish(agent.Event{Kind: agent.KindRecordsChanged, Visit: visit})
	return done, nil
}

// CancelFinger implements localapi.Backend: nothing is ever under way.
func (a *Agent) CancelFinger(string) error { return agent.ErrNoVisit }

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
	a.visits[i].Entries = slices.Insert(slices.Clone(a.visits[i].Entries), 0, agent.VisitEntry{
		ID: id, Author: "apitest", Facility: a.health.Facility, Where: where, Entry: entry,
	})
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

// Lookup implements localapi.Backend on the visits that there are.
func (a *Agent) Lookup(_ context.Context, line string) ([]agent.Found, error) {
	number, err := stripe.Parse(line)
	if err != nil {
		return nil, err
	}
	var found []agent.Found
	for _, v := range a.Visits() {
		if v.Cover != nil && number.Names(v.Cover.Member) {
			id := v.Identity
			found = append(found, agent.Found{
				Patient: v.Patient, Card: v.Card, Names: id.Names, Sex: id.Sex, Born: id.Born, Read: v.Opened,
			})
		}
	}
	return found, nil
}

// Claim implements localapi.Backend with lists that name nobody.
func (a *Agent) Claim(text string) (agent.Claimed, error) {
	_, _, err := claim.Verify(trust.NewStore(nil), text, time.Now())
	return agent.Claimed{}, err
}

// Subscribe implements localapi.Backend.
func (a *Agent) Subscribe(after uint64) (<-chan agent.Event, func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ch := make(chan agent.Event, len(a.events)+64)
	for _, ev := range a.events {
		if ev.Seq > after {
			ch <- ev
		}
	}
	a.subs[ch] = struct{}{}
	return ch, func() { a.mu.Lock(); defer a.mu.Unlock(); a.drop(ch) }
}

func (a *Agent) drop(ch chan agent.Event) {
	if _, ok := a.subs[ch]; ok {
		delete(a.subs, ch)
		close(ch)
	}
}

func (a *Agent) publish(ev agent.Event) {
	ev.Seq, ev.At = uint64(len(a.events)+1), time.Now().UTC()
	a.events = append(a.events, ev)
	for ch := range a.subs {
		select {
		case ch <- ev:
		default:
			a.drop(ch)
		}
	}
}

// Publish tells every subscriber of an event.
func (a *Agent) Publish(ev agent.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.publish(ev)
}

// Tap puts a card with this visit into the reader.
func (a *Agent) Tap(v agent.Visit) {
	v.Eligibility, _ = eligibility(&v, agent.CoverQuestion{}) // a visit of now has an answer
	a.mu.Lock()
	defer a.mu.Unlock()
	a.visits = slices.Insert(slices.DeleteFunc(slices.Clone(a.visits), func(old agent.Visit) bool { return old.ID == v.ID }), 0, v)
	a.readers = []agent.ReaderState{{Name: "Reader 0", Present: true}}
	a.publish(agent.Event{Kind: agent.KindCardInserted, Reader: "Reader 0"})
	a.publish(agent.Event{Kind: agent.KindRecordsReady, Reader: "Reader 0", Visit: v.ID})
}

// Remove takes the card of a visit away.
func (a *Agent) Remove(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.visits {
		if a.visits[i].ID == id {
			a.visits[i].Present = false
		}
	}
	a.readers = []agent.ReaderState{{Name: "Reader 0"}}
	a.publish(agent.Event{Kind: agent.KindCardRemoved, Reader: "Reader 0", Visit: id})
}

// Synced sends every waiting entry to the centre.
func (a *Agent) Synced() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.visits {
		entries := slices.Clone(a.visits[i].Entries)
		for j := range entries {
			where := slices.Clone(entries[j].Where)
			if k := slices.Index(where, agent.AtOutbox); k >= 0 {
				where[k] = agent.AtCentre
			}
			entries[j].Where = where
		}
		a.visits[i].Entries = entries
	}
	a.sync = client.Status{Online: true, LastSuccess: time.Now()}
	a.publish(agent.Event{Kind: agent.KindSyncStatus})
}

// SetSync changes the state of the exchange with the centre.
func (a *Agent) SetSync(s client.Status) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sync = s
	a.publish(agent.Event{Kind: agent.KindSyncStatus})
}

// SetHealth changes the agent's own state and its readers.
func (a *Agent) SetHealth(h agent.Health, readers ...agent.ReaderState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.health, a.readers = h, readers
	a.publish(agent.Event{Kind: agent.KindReaderRemoved})
}

// CutOff ends every subscription, as for a subscriber that fell behind.
func (a *Agent) CutOff() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ch := range a.subs {
		a.drop(ch)
	}
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
