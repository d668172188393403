//go:build cgo || windows

package pcsc

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ebfe/scard"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/wait"
)

const (
	// pnpReader is the pseudo reader whose state changes when readers come
	// and go; the number of readers is in the upper half of its state.
	pnpReader = `\\?PnP?\Notification`

	waitLimit   = 3 * time.Second       // one wait: bounds how late a reader missed by pnpReader is seen
	pollLimit   = time.Second           // one wait where pnpReader is not known
	cancelEvery = 50 * time.Millisecond // a cancel before the wait began is lost, so it is repeated
	idlePause   = 50 * time.Millisecond // after a wait that returned for nothing
	firstPause  = 100 * time.Millisecond
	longestWait = 2 * time.Second // between two tries to reach a service that is down
)

// waitContext is the part of a scard.Context that waiting needs.
type waitContext interface {
	ListReaders() ([]string, error)
	GetStatusChange(states []scard.ReaderState, timeout time.Duration) error
	Cancel() error
	Release() error
}

// waiting holds the process's one right to wait for a status change. The
// binding pins reader names by name, and a second wait would unpin the first's.
var waiting = make(chan struct{}, 1)

// Watch reports readers and cards until ctx ends, and returns ctx's error; it
// never gives up by itself. First comes ServiceUp or ServiceDown, then the
// readers and cards that are there already. When the service goes away, cards
// and readers are reported as removed before ServiceDown; it is tried again
// after 0.1 s, doubling up to 2 s. emit is called from Watch's own goroutine.
// Errors: ErrWatching at once, ctx.Err().
func (s *Service) Watch(ctx context.Context, emit func(card.Event)) error {
	select {
	case waiting <- struct{}{}:
		defer func() { <-waiting }()
	default:
		return ErrWatching
	}
	t := &tracker{emit: func(ev card.Event) {
		if ev.Kind == card.CardRemoved {
			s.forget(ev.Reader)
		}
		emit(ev)
	}}
	pause := firstPause
	for {
		err := s.follow(ctx, t, &pause)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if t.serviceDown() {
			s.log.LogAttrs(ctx, slog.LevelWarn, "card service is not there", slog.Any("error", err))
		}
		if err := wait.For(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, longestWait)
	}
}

// follow watches with one fresh context until that context fails or ctx ends.
func (s *Service) follow(ctx context.Context, t *tracker, pause *time.Duration) error {
	sc, err := s.establish()
	if err != nil {
		return fail("reach the card service", err)
	}
	defer func() { _ = sc.Release() }()
	defer cancelWith(ctx, sc)()

	pnp := true
	for ctx.Err() == nil {
		names, err := listReaders(sc)
		if err != nil {
			return err
		}
		t.serviceUp()
		t.readers(names)
		*pause = firstPause

		states, limit := t.states(pnp), waitLimit
		if !pnp {
			limit = pollLimit
		}
		if len(states) == 0 {
			if err := wait.For(ctx, limit); err != nil {
				return err
			}
			continue
		}
		err = waitChange(sc, states, limit)
		switch {
		case err == nil:
			// A wait that brought no news, as pnpReader's may on Windows,
			// must not become a busy loop.
			if t.apply(states) {
				continue
			}
		case errors.Is(err, scard.ErrTimeout), errors.Is(err, scard.ErrCancelled):
			continue
		case errors.Is(err, scard.ErrUnknownReader), errors.Is(err, scard.ErrReaderUnavailable):
			// A reader left between the list and the wait, or pnpReader is
			// not known: look again, and poll if the readers are the same.
			again, err := listReaders(sc)
			if err != nil {
				return err
			}
			pnp = pnp && !t.same(again)
		default:
			return fail("wait for readers", err)
		}
		if err := wait.For(ctx, idlePause); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// waitChange waits until a state differs from what states say it is.
// The binding panics on an empty list.
func waitChange(sc waitContext, states []scard.ReaderState, limit time.Duration) (err error) {
	defer guard("wait for readers", &err)
	if len(states) == 0 {
		return scard.ErrTimeout
	}
	return sc.GetStatusChange(states, limit)
}

// cancelWith cancels sc's waits from ctx's end on, until stop is called; stop
// returns when no cancel is under way any more.
func cancelWith(ctx context.Context, sc waitContext) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		tick := time.NewTicker(cancelEvery)
		defer tick.Stop()
		for {
			_ = sc.Cancel()
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
