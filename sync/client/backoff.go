package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/dhamani-iq/dhamani/internal/wait"
)

// backoff counts failures in a row and says how long to wait after each: a
// random time from zero to a bound that doubles (full jitter), or what the
// centre asked for and a little more.
type backoff struct {
	base, most, retryMost time.Duration
	failures              int
}

func (c *Client) newBackoff() *backoff {
	return &backoff{base: c.tuning.backoffBase, most: c.tuning.backoffMost, retryMost: c.tuning.retryMost}
}

// after notes a failure; asked says that the centre named the time itself.
func (b *backoff) after(err error) (wait time.Duration, asked bool) {
	bound := b.most
	if b.failures < 32 && b.base<<b.failures < b.most && b.base<<b.failures > 0 {
		bound = b.base << b.failures
	}
	b.failures++
	jitter := rand.N(bound) // #nosec G404 -- spreads load, guards nothing
	var server *ServerError
	if errors.As(err, &server) && server.RetryAfter > 0 {
		return min(server.RetryAfter, b.retryMost) + min(jitter, server.RetryAfter/4), true
	}
	return jitter, false
}

func (b *backoff) reset() { b.failures = 0 }

// ease keeps the bound low while batches are being made smaller: each try is
// another request than the one that failed.
func (b *backoff) ease() { b.failures = min(b.failures, 4) }

// pause waits for d. A kick ends it early, though not before the least time;
// a nil kick never does. It returns the context's error.
func pause(ctx context.Context, d, least time.Duration, kick <-chan struct{}) error {
	if kick != nil && least < d {
		if err := wait.For(ctx, least); err != nil {
			return err
		}
		d -= least
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-kick:
	}
	return nil
}
