package agent

import (
	"context"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
)

// mute is a transport that never answers one command, or takes its time over
// each; who waits may give up.
type mute struct {
	card.Transport
	at    *int // commands until it falls silent; below zero: never
	pause *time.Duration
}

func (m *mute) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	pause := *m.pause
	if *m.at == 0 {
		pause = time.Hour
	}
	*m.at--
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return m.Transport.Transmit(ctx, cmd)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestSlowCard: a card that falls silent at any command of a tap, or is slow all
// along, is named as such, and the reader reads the next card.
func TestSlowCard(t *testing.T) {
	n := newNation(t)
	p := n.issue(6, softcard.Options{})
	at, pause := never(), new(time.Duration)
	d := n.desk(deskOptions{wrap: func(tr card.Transport) card.Transport { return &mute{Transport: tr, at: at, pause: pause} }})
	var known Visit
	for range 2 { // the reader is tried out, and the card known
		var failure *Failure
		if known, failure = d.tap(t, p); failure != nil {
			t.Fatal(failure.Code)
		}
	}
	d.agent.patience = 200 * time.Millisecond
	for cut := 0; cut < known.Stats.APDUs; cut += 2 {
		*at = cut
		if _, failure := d.tap(t, p); failure == nil || failure.Code != "card_slow" {
			t.Fatalf("silent at command %d: %v", cut, failure)
		}
	}
	*at, *pause = -1, 60*time.Millisecond
	if _, failure := d.tap(t, p); failure == nil || failure.Code != "card_slow" {
		t.Fatalf("slow all along: %v", failure)
	}
	*at, *pause = -1, 0
	d.agent.patience = tapLimit
	v, failure := d.tap(t, p)
	if failure != nil || len(v.Entries) != 6 {
		t.Fatalf("the next card: %d entries, %v", len(v.Entries), failure)
	}
	// Silent in the middle of a write: kept, sent on, settled by the next tap.
	d.agent.patience = 200 * time.Millisecond
	*at = 0
	w, err := d.agent.Append(t.Context(), v.ID, visit(60))
	if err == nil || Classify(err).Code != "card_write_unknown" {
		t.Fatalf("written %+v, %v", w, err)
	}
	*at, d.agent.patience = -1, tapLimit
	if v, failure = d.tap(t, p); failure != nil || len(v.Entries) != 7 {
		t.Fatalf("after the write: %d entries, %v", len(v.Entries), failure)
	}
}
