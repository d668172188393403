package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// Cursor is a place in the change feed, "epoch.pos" in decimal: everything up
// to and including pos has been seen. The epoch is a random number of the
// centre's database; after a restore it is another one, and the centre answers
// 410 to the old cursor. The empty cursor stands before everything.
type Cursor string

// MakeCursor returns the cursor behind pos.
func MakeCursor(epoch, pos uint64) Cursor {
	return Cursor(strconv.FormatUint(epoch, 10) + "." + strconv.FormatUint(pos, 10))
}

// Split returns the two numbers of a cursor that is not empty. It owes
// ErrMalformed.
func (c Cursor) Split() (epoch, pos uint64, err error) {
	before, after, ok := strings.Cut(string(c), ".")
	if !ok || len(c) > 41 {
		return 0, 0, fmt.Errorf("cursor of %d characters: %w", len(c), ErrMalformed)
	}
	if epoch, err = strconv.ParseUint(before, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("cursor: epoch: %w", ErrMalformed)
	}
	if pos, err = strconv.ParseUint(after, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("cursor: position: %w", ErrMalformed)
	}
	if MakeCursor(epoch, pos) != c {
		return 0, 0, fmt.Errorf("cursor: not in canonical form: %w", ErrMalformed)
	}
	return epoch, pos, nil
}
