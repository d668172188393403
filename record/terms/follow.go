package terms

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// Errors of an edition that is not the next one.
var (
	// ErrRollback: the edition is older than the one at hand.
	ErrRollback = errors.New("edition of the terminology table is older than the one at hand")
	// ErrOrder: an edition between the one at hand and this one is missing.
	ErrOrder = errors.New("edition of the terminology table is out of order")
	// ErrFork: the edition follows, or is, another table with the same number.
	ErrFork = errors.New("edition of the terminology table is of another line")
)

// Step is a verified step from one edition to the next.
type Step struct {
	Edition       uint32
	Before, After [32]byte // digests
	Rows          []uint32 // of the table that it makes, by slot
	Text          string
}

// Step describes how next follows t by a text.
func (t *Table) Step(next *Table, text string) Step {
	s := Step{Edition: next.Edition, Before: t.Digest, After: next.Digest, Text: text}
	for slot := range NumSlots {
		s.Rows = append(s.Rows, uint32(next.Len(slot))) // #nosec G115 -- at most MaxRows
	}
	return s
}

// Follow returns the edition that a step makes of t; t itself when it has been
// made already. It owes ErrRollback, ErrOrder, ErrFork, and ErrTable for a text
// that is malformed or does not make what the step says.
func (t *Table) Follow(s Step) (*Table, error) {
	switch {
	case s.Edition == t.Edition && s.After == t.Digest:
		return t, nil
	case s.Edition < t.Edition:
		return nil, fmt.Errorf("edition %d under %d: %w", s.Edition, t.Edition, ErrRollback)
	case s.Edition > t.Edition+1:
		return nil, fmt.Errorf("edition %d over %d: %w", s.Edition, t.Edition, ErrOrder)
	case s.Edition == t.Edition || s.Before != t.Digest:
		return nil, fmt.Errorf("edition %d: %w", s.Edition, ErrFork)
	}
	next, err := t.Extend(s.Text)
	if err != nil {
		return nil, err
	}
	if made := t.Step(next, s.Text); made.After != s.After || !slices.Equal(made.Rows, s.Rows) {
		return nil, fmt.Errorf("edition %d makes another table than it says: %w", s.Edition, ErrTable)
	}
	return next, nil
}

var settled atomic.Uint32

// Settle says that readers everywhere have an edition by now: from here on its
// rows may be named by number, where until then codes were written out, which
// whoever has an older table understands.
func Settle(edition uint32) {
	for {
		old := settled.Load()
		if old >= edition || settled.CompareAndSwap(old, edition) {
			return
		}
	}
}

// Settled returns the last edition whose rows are named by number.
func Settled() uint32 { return max(settled.Load(), 1) }
