package card_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// slow is a transport that takes its time over every answer.
type slow struct {
	card.Transport
	took func(n int) time.Duration
	n    int
}

func (s *slow) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	timer := time.NewTimer(s.took(s.n))
	defer timer.Stop()
	s.n++
	select {
	case <-timer.C:
		return s.Transport.Transmit(ctx, cmd)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A card may take its time, but not for ever: neither over one answer, at
// whichever command, nor over all of them together.
func TestSlowCard(t *testing.T) {
	p := newProgramme(t)
	image := p.issue(t, 1, 700, 300).Image()
	desk := p.terminal(t, cvc.RolePhysician, cvc.RightAppend)
	entry := marked(1, 100)
	n := counted(t, reload(t, image), desk, entry)
	always := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	run := func(t *testing.T, took func(int) time.Duration, limit time.Duration) (spent time.Duration, err error) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if limit > 0 {
				ctx, cancel = context.WithTimeoutCause(ctx, limit, card.ErrTooSlow)
			}
			defer cancel()
			begin := time.Now()
			_, err = tap(ctx, &slow{Transport: reload(t, image).Transport(), took: took}, desk, entry)
			spent = time.Since(begin)
		})
		return spent, err
	}
	if _, err := run(t, always(9*time.Second), 0); err != nil {
		t.Errorf("nine seconds over every answer: %v", err)
	}
	for at := range n {
		took := func(n int) time.Duration {
			if n == at {
				return time.Hour
			}
			return time.Millisecond
		}
		if spent, err := run(t, took, 0); !errors.Is(err, card.ErrTooSlow) || spent > 12*time.Second {
			t.Errorf("an hour over answer %d: %v after %v", at, err, spent)
		}
	}
	if spent, err := run(t, always(9*time.Second), 30*time.Second); !errors.Is(err, card.ErrTooSlow) || spent != 30*time.Second {
		t.Errorf("nine seconds over every answer of a tap of thirty: %v after %v", err, spent)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tap(cancelled, reload(t, image).Transport(), desk, nil); !errors.Is(err, context.Canceled) || errors.Is(err, card.ErrTooSlow) {
		t.Errorf("cancelled: %v", err)
	}
}
