package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// enrolled returns the fingers that count for the person whom a visit shows, in
// the order in which they are asked for: the one that was accepted last, then
// the others; after each refusal in this visit the next one. It owes
// card.ErrNoReference and the errors of the card.
func (a *Agent) enrolled(ctx context.Context, v Visit) ([]card.Finger, error) {
	var all []card.Finger
	err := a.atReader(ctx, v.Reader, func(r *reader) (err error) {
		if r.open == nil || r.open.visit != v.ID {
			return fmt.Errorf("read enrolled fingers: %w", card.ErrRemoved)
		}
		all, err = r.open.session.Biometrics(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	own := slices.DeleteFunc(all, func(f card.Finger) bool { return !f.Persons.Has(v.Person) })
	if len(own) == 0 {
		return nil, fmt.Errorf("verify finger: %w", card.ErrNoReference)
	}
	note, known := a.fingerNote(ctx, v)
	if at := slices.IndexFunc(own, func(f card.Finger) bool { return known && f.Ref == note.Ref }); at > 0 {
		best := own[at]
		own = slices.Insert(slices.Delete(own, at, at+1), 0, best)
	}
	turn := v.FingerRefusals % len(own)
	return slices.Concat(own[turn:], own[:turn]), nil
}

// fingerNote is which finger was accepted last. A note that cannot be read is
// none: it only spares a person a try.
func (a *Agent) fingerNote(ctx context.Context, v Visit) (cache.FingerNote, bool) {
	note, known, err := a.cfg.Cache.Finger(v.Patient, v.Person, time.Now())
	if err != nil {
		a.cfg.Log.WarnContext(ctx, "note of finger is not read", logkey.Visit, v.ID, logkey.Error, err)
	}
	return note, known && err == nil
}

// rememberFinger keeps which finger was accepted: the one that can be seen
// best, or the one that had to stand in for a finger that was refused. The
// person is verified whether or not that can be kept.
func (a *Agent) rememberFinger(ctx context.Context, v Visit, done Fingered) {
	note, known := a.fingerNote(ctx, v)
	if known && note.Ref != done.Ref && v.FingerRefusals == 0 && int(note.Quality) > done.Quality {
		return
	}
	quality := uint8(min(max(done.Quality, 0), 100)) // #nosec G115 -- within the range
	if err := a.cfg.Cache.PutFinger(v.Patient, v.Person, cache.FingerNote{Ref: done.Ref, Quality: quality}); err != nil {
		a.cfg.Log.WarnContext(ctx, "note of finger is not kept", logkey.Visit, v.ID, logkey.Error, err)
	}
}

// refusedFinger tells whether an error says that the finger is another one.
func refusedFinger(err error) bool {
	_, wrong := errors.AsType[*card.VerifyError](err)
	return wrong || errors.Is(err, ErrFingerOther)
}

// guideAt is what a scanner's state asks of a person; asked is the finger that
// is put on first.
func guideAt(state scanner.State, asked card.Position) (Guide, bool) {
	g, ok := guides[state]
	if state == scanner.Waiting {
		g.Finger = asked
	}
	return g, ok
}
