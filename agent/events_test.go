package agent

import (
	"testing"
)

func TestBusReplaysWhatIsKept(t *testing.T) {
	b := newBus()
	for range 5 {
		b.publish(Event{Kind: KindReaderAdded})
	}
	ch, cancel := b.subscribe(2)
	defer cancel()
	b.publish(Event{Kind: KindCardInserted})
	for want := uint64(3); want <= 6; want++ {
		if got := (<-ch).Seq; got != want {
			t.Fatalf("event %d came, want %d", got, want)
		}
	}
}

func TestBusBoundsWhatItKeeps(t *testing.T) {
	b := newBus()
	for range 3 * eventsKept {
		b.publish(Event{})
	}
	ch, cancel := b.subscribe(0)
	defer cancel()
	if got, want := (<-ch).Seq, uint64(2*eventsKept+1); got != want {
		t.Fatalf("oldest event kept is %d, want %d", got, want)
	}
}

func TestBusForgetsNumbersOfAnotherLife(t *testing.T) {
	b := newBus()
	b.publish(Event{})
	ch, cancel := b.subscribe(900)
	defer cancel()
	b.publish(Event{Kind: KindSyncStatus})
	if got := (<-ch).Seq; got != 2 {
		t.Fatalf("event %d came, want 2", got)
	}
}

func TestBusCutsOffSlowSubscribers(t *testing.T) {
	b := newBus()
	ch, cancel := b.subscribe(0)
	defer cancel()
	for range subscriberRoom + 1 {
		b.publish(Event{})
	}
	n := 0
	for range ch { // ends: the channel was closed
		n++
	}
	if n != subscriberRoom {
		t.Fatalf("%d events were delivered before the cut, want %d", n, subscriberRoom)
	}
	if len(b.subs) != 0 {
		t.Fatal("the slow subscriber is still held")
	}
}

func TestBusCancelTwice(*testing.T) {
	b := newBus()
	_, cancel := b.subscribe(0)
	cancel()
	cancel()
	b.closeAll()
}
