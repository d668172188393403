package record

import (
	"bytes"
	"fmt"
	"math"
)

// encode runs f into a map and checks the length. It names codes by the rows of
// the code table's given edition, or of the one in use for 0.
func encode(what string, err error, limit int, edition uint32, f func(m *mapWriter)) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, err)
	}
	w := newWriter(Epoch)
	if edition != 0 {
		w.limit = edition
	}
	w.attrs(f)
	if needed := w.edition; needed > 1 {
		w.b = w.b[:0]
		w.attrs(func(m *mapWriter) {
			m.optUint(keyEdition, uint64(needed))
			f(m)
		})
	}
	if len(w.b) > limit {
		return nil, fmt.Errorf("encode %s: %d bytes, %d at most: %w", what, len(w.b), limit, ErrInvalid)
	}
	return w.b, nil
}

// decode reads a map with f and demands that again gives the same bytes.
func decode(what string, b []byte, limit int, f func(r *reader, key uint64) bool, again func(edition uint32) ([]byte, error)) error {
	if len(b) > limit {
		return fmt.Errorf("decode %s: %w", what, &SyntaxError{What: "too long"})
	}
	r := newReader(b, Epoch)
	r.attrs(func(key uint64) bool {
		if key == keyEdition {
			r.edition = uint32(r.uint(math.MaxUint32)) // #nosec G115 -- bounded
			return true
		}
		return f(&r, key)
	})
	if err := r.end(); err != nil {
		return fmt.Errorf("decode %s: %w", what, err)
	}
	switch same, err := again(max(1, r.edition)); {
	case err != nil:
		return fmt.Errorf("%w: %w", &SyntaxError{What: "values out of range"}, err)
	case !bytes.Equal(same, b):
		return fmt.Errorf("decode %s: %w", what, &SyntaxError{What: "not in canonical form"})
	}
	return nil
}
