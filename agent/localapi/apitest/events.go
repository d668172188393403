package apitest

import (
	"time"

	"github.com/dhamani-iq/dhamani/agent"
)

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

// CutOff ends every subscription, as for a subscriber that fell behind.
func (a *Agent) CutOff() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ch := range a.subs {
		a.drop(ch)
	}
}
