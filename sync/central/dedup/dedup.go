// Package dedup looks for people who are enrolled twice: it keeps an index of
// all patients' fingers in memory, looks for each new patient's, and raises a
// review for people to decide. It never refuses anything, and nobody waits for
// it: what is still to be looked for is marked in the store, where the card's
// issue has written it, and is worked off when there is time, after a restart
// too.
package dedup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/identify"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

const (
	// lookEvery is how long a patient whom another process has enrolled may stay
	// unnoticed.
	lookEvery = 2 * time.Second
	// againAfter is how long it takes until fingers that could not be looked for
	// are tried again.
	againAfter = time.Hour
	// page is how many patients' fingers are read at once, at most 16 KB each.
	page = 128
	// mostHits bounds the reviews that one patient's fingers raise.
	mostHits = 8
)

// Finder looks for people who are enrolled twice. New makes one; it does
// nothing until Run.
type Finder struct {
	auth *authority.Authority
	st   store.Store
	log  *slog.Logger
	wake chan struct{}

	// What follows is Run's alone.
	index *identify.Index // nil until there is a finger
	at    uint64          // number of the last change that the index has taken over
	tried uint64          // number of the last fingers that were looked for, or tried to
	since time.Time       // when tried was zero
	told  int             // people in the index when the log was last told
}

// New returns a finder over a store and the authority that seals its fingers.
func New(auth *authority.Authority, st store.Store, log *slog.Logger) *Finder {
	return &Finder{auth: auth, st: st, log: log, wake: make(chan struct{}, 1)}
}

// Wake says that there is something to look for. It never waits.
func (f *Finder) Wake() {
	select {
	case f.wake <- struct{}{}:
	default: // it is awake, or will be
	}
}

// Run works until ctx ends, one at a time. An error of the store is logged,
// and the work tried again.
func (f *Finder) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := f.work(ctx); err != nil && ctx.Err() == nil {
			f.log.ErrorContext(ctx, "search for people enrolled twice failed", logkey.Error, err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-tick.C:
		}
	}
}

// work brings the index up to date and looks for all that are marked.
func (f *Finder) work(ctx context.Context) error {
	if time.Since(f.since) > againAfter {
		f.tried, f.since = 0, time.Now()
	}
	for {
		if err := f.follow(ctx); err != nil {
			return fmt.Errorf("follow fingers: %w", err)
		}
		var pending []store.Fingers
		err := f.st.View(ctx, func(r store.Reader) (err error) {
			pending, err = r.FingersPending(f.tried, page)
			return err
		})
		if err != nil || len(pending) == 0 {
			return err
		}
		for _, one := range pending {
			if one.Number > f.at {
				break // came since; the index has to know it first, and whoever came before
			}
			if err := f.look(ctx, one); err != nil {
				return fmt.Errorf("look for fingers: %w", err)
			}
			f.tried = one.Number
		}
	}
}

// look looks for one patient's fingers and raises what it finds. Fingers that
// cannot be read stay marked, for the next time. It owes the store's errors.
func (f *Finder) look(ctx context.Context, one store.Fingers) error {
	templates, err := f.auth.OpenFingers(one)
	if err == nil && len(templates) == 0 {
		return nil // deleted since
	}
	var hits []identify.Hit
	people := f.index.Len()
	if err == nil {
		hits, err = f.index.Search(ctx, mostHits+1, templates...)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		f.log.ErrorContext(ctx, "fingers cannot be looked for", logkey.Error, err.Error())
		return nil
	}
	found := doubles(one, templates, hits, people)
	raised, err := f.auth.Raise(ctx, one, found)
	if raised > 0 {
		f.log.WarnContext(ctx, "patients may be one person: review raised", logkey.Count, raised)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// share is how many processors the finder may use: half, because clinics wait
// for the other half and not for it.
func share() int { return max(1, runtime.GOMAXPROCS(0)/2) }
