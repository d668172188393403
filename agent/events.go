package agent

import (
	"sync"
	"time"
)

const (
	eventsKept     = 1024 // a subscriber that was away for longer starts anew
	subscriberRoom = 256  // events that one subscriber may be behind
)

// bus numbers events, keeps the newest and hands them to subscribers. A
// subscriber that does not keep up is cut off (its channel is closed) rather
// than waited for; it comes back with its last number and misses nothing that
// is still kept.
type bus struct {
	mu   sync.Mutex
	next uint64
	kept []Event // a ring: event n stands at n % eventsKept
	subs map[chan Event]struct{}
}

func newBus() *bus {
	return &bus{next: 1, kept: make([]Event, eventsKept), subs: make(map[chan Event]struct{})}
}

func (b *bus) publish(ev Event) Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	ev.Seq = b.next
	if ev.At.IsZero() {
		ev.At = time.Now().UTC()
	}
	b.next++
	b.kept[ev.Seq%eventsKept] = ev
	for ch := range b.subs {
		select {
		case ch <- ev:
		default:
			delete(b.subs, ch)
			close(ch)
		}
	}
	return ev
}

// subscribe returns the events after the given number, first those that are
// kept, then the new ones. The second result ends the subscription.
func (b *bus) subscribe(after uint64) (<-chan Event, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if after >= b.next {
		after = b.next - 1 // a number from an earlier life of the agent
	}
	first := after + 1
	if b.next > eventsKept && first < b.next-eventsKept {
		first = b.next - eventsKept
	}
	ch := make(chan Event, int(b.next-first)+subscriberRoom) // #nosec G115 -- at most eventsKept
	for n := first; n < b.next; n++ {
		ch <- b.kept[n%eventsKept]
	}
	b.subs[ch] = struct{}{}
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if _, ok := b.subs[ch]; ok {
			delete(b.subs, ch)
			close(ch)
		}
	}
}

// closeAll ends every subscription.
func (b *bus) closeAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.subs {
		delete(b.subs, ch)
		close(ch)
	}
}
