package apitest

import (
	"context"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/crypto/operator"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

// SetOperators sets who may sign in, all with one passphrase.
func (a *Agent) SetOperators(passphrase string, list ...agent.OperatorRef) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secret, a.listed = passphrase, list
}

// ActiveCalls counts the calls of Active.
func (a *Agent) ActiveCalls() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.active
}

// ListOperators implements localapi.Backend.
func (a *Agent) ListOperators() ([]agent.OperatorRef, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.listed), nil
}

// Operator implements localapi.Backend.
func (a *Agent) Operator() (agent.OperatorInfo, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.signed == nil {
		return agent.OperatorInfo{}, false
	}
	return *a.signed, true
}

// Prove implements localapi.Backend.
func (a *Agent) Prove(_ context.Context, id string, secret redact.String) (agent.OperatorInfo, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.listed, func(r agent.OperatorRef) bool { return r.ID == id })
	switch {
	case i < 0:
		return agent.OperatorInfo{}, operator.ErrUnknown
	case a.listed[i].Role == "":
		return agent.OperatorInfo{}, operator.ErrNotGranted
	case secret.Reveal() == "too often":
		return agent.OperatorInfo{}, &operator.WaitError{Wait: time.Minute}
	case secret.Reveal() != a.secret:
		return agent.OperatorInfo{}, operator.ErrSecret
	}
	r := a.listed[i]
	a.signed = &agent.OperatorInfo{ID: r.ID, Name: r.Name, Role: r.Role, Since: time.Now().UTC(), Expires: r.Expires}
	a.health.Operator = a.signed
	a.publish(agent.Event{Kind: agent.KindSignedIn})
	return *a.signed, nil
}

// OpenCardless implements localapi.Backend on the visits that there are.
func (a *Agent) OpenCardless(_ context.Context, ask agent.Cardless) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.signed == nil {
		return "", agent.ErrNoOperator
	}
	if ask.Reason == "" || ask.Proof == "" {
		return "", agent.ErrReason
	}
	i := slices.IndexFunc(a.visits, func(v agent.Visit) bool { return v.Patient == ask.Patient })
	if i < 0 {
		return "", agent.ErrNoVisit
	}
	return a.visits[i].ID, nil
}

// SignOut implements localapi.Backend.
func (a *Agent) SignOut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.signed == nil {
		return
	}
	a.signed, a.health.Operator, a.visits = nil, nil, nil
	a.publish(agent.Event{Kind: agent.KindSignedOut})
}

// Active implements localapi.Backend.
func (a *Agent) Active() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active++
}
