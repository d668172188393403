package apitest

import (
	"context"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/card"
)

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
