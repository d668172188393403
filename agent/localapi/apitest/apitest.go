// Package apitest is an agent without readers, cards or network: a
// localapi.Backend in memory, for the tests of what stands before the agent.
package apitest

import (
	"slices"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
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

// List implements localapi.Backend: a signed list is its name, and the rules of
// entitlement were never fetched.
func (a *Agent) List(name string) ([]byte, error) {
	if name == wire.ListCover {
		return nil, nil
	}
	return []byte(name), nil
}

// Health implements localapi.Backend.
func (a *Agent) Health() agent.Health {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.health
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
