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
	note, known, err := a.cfg.Cache.Finger(v.Patient, v.Person, time.Now())
	if err != nil {
		return nil, err
	}
	if at := slices.IndexFunc(own, func(f card.Finger) bool { return known && f.Ref == note.Ref }); at > 0 {
		best := own[at]
		own = slices.Insert(slices.Delete(own, at, at+1), 0, best)
	}
	turn := v.FingerRefusals % len(own)
	return slices.Concat(own[turn:], own[:turn]), nil
}

// rememberFinger keeps which finger was accepted: the one that can be seen
// best, or the one that had to stand in for a finger that was refused.
func (a *Agent) rememberFinger(v Visit, done Fingered) error {
	note, known, err := a.cfg.Cache.Finger(v.Patient, v.Person, time.Now())
	if err != nil || known && note.Ref != done.Ref && v.FingerRefusals == 0 && int(note.Quality) > done.Quality {
		return err
	}
	quality := uint8(min(max(done.Quality, 0), 100)) // #nosec G115 -- within the range
	return a.cfg.Cache.PutFinger(v.Patient, v.Person, cache.FingerNote{Ref: done.Ref, Quality: quality})
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
