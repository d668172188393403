package authority

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// TestWords: a word is given out again for a while, of the same state only, and
// no more are kept than there is room for.
func TestWords(t *testing.T) {
	var w words
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	name := func(i int) (n wordName) {
		binary.BigEndian.PutUint32(n.patient[:], uint32(i)) // #nosec G115 -- small
		return n
	}
	state, other := sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b"))
	w.keep(name(1), word{state, now, []byte("first")}, now)
	for what, tt := range map[string]struct {
		name  wordName
		state [sha256.Size]byte
		at    time.Duration
		want  bool
	}{
		"the same":         {name(1), state, wordLife - 1, true},
		"another state":    {name(1), other, 0, false},
		"another person":   {wordName{name(1).patient, 1}, state, 0, false},
		"too old":          {name(1), state, wordLife, false},
		"a clock set back": {name(1), state, -1, false},
	} {
		if sealed, ok := w.find(tt.name, tt.state, now.Add(tt.at)); ok != tt.want || ok && string(sealed) != "first" {
			t.Errorf("%s: %q, %t", what, sealed, ok)
		}
	}
	for i := range wordsKept + 10 {
		at := now.Add(time.Duration(i) * time.Millisecond)
		w.keep(name(2+i), word{state, at, nil}, at)
	}
	if _, ok := w.find(name(1), state, now); ok || len(w.kept) != wordsKept {
		t.Errorf("%d are kept, the oldest one: %t", len(w.kept), ok)
	}
	w.keep(wordName{patient: record.PatientID{0xFF}}, word{state, now.Add(time.Hour), nil}, now.Add(time.Hour))
	if len(w.kept) != 1 {
		t.Errorf("%d are kept after all but one are too old", len(w.kept))
	}
}
