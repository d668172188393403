package scanner

import (
	"context"
	"fmt"
	"image"
	"time"
)

// State is what an opened scanner is doing.
type State uint8

// The states, in the order of a capture.
const (
	Closed   State = iota
	Opening        // power-up
	Ready          // nothing asked
	Waiting        // for a finger to be put on
	Scanning       // the image is read
	Lifting        // the image is there; the finger is still on
	Failed         // of no use until it is closed and opened again
)

var stateNames = [...]string{"closed", "opening", "ready", "waiting for a finger", "scanning", "waiting for the finger to leave", "failed"}

func (s State) String() string { return stateNames[s] }

// moves is the table of allowed changes: from the row's state to those listed.
var moves = [...][]State{
	Closed:   {Opening},
	Opening:  {Ready, Failed},
	Ready:    {Waiting, Failed, Closed},
	Waiting:  {Scanning, Ready, Failed},
	Scanning: {Scanning, Waiting, Lifting, Ready, Failed},
	Lifting:  {Ready, Failed},
	Failed:   {Closed},
}

// limits is how long a state may last. Waiting has the caller's.
var limits = [...]time.Duration{
	Opening:  4 * time.Second,
	Scanning: 3 * time.Second,
	Lifting:  4 * time.Second,
}

// DefaultWait is how long a capture waits for a finger.
const DefaultWait = 20 * time.Second

// answerLimit is how long a device may take for an answer that does not wait
// for a finger.
const answerLimit = 2 * time.Second

// restLimit is how long a device may take to be put to rest.
const restLimit = time.Second

// stages leads a driver through the states of one capture: each entry gives a
// context that ends when the state has lasted too long.
type stages interface {
	enter(ctx context.Context, to State) (context.Context, error)
	hint(h Hint)
	preview(img *image.Gray) // an image on the way to the answer
}

// Hint is guidance for the person at the scanner that is no state of its own.
type Hint string

// The hints.
const (
	HintTooShort Hint = "too_short" // swipe or touch longer
	HintTooFast  Hint = "too_fast"  // swipe more slowly
	HintOneWay   Hint = "one_way"   // swipe in one direction, and do not turn back
	HintAgain    Hint = "again"     // the image was not good enough
	HintPreview  Hint = "preview"   // nothing to do: the event has an image on the way to the answer
)

// move is the only place that changes the state.
func (s *Session) move(to State) error {
	s.mu.Lock()
	from := s.state
	allowed := false
	for _, m := range moves[from] {
		allowed = allowed || m == to
	}
	if allowed {
		s.state = to
	}
	s.mu.Unlock()
	if !allowed {
		return fmt.Errorf("scanner %s: cannot go from %q to %q", s.model.Name, from, to)
	}
	if from != to {
		s.tell(Event{State: to})
	}
	return nil
}

// State is what the scanner is doing now.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}
