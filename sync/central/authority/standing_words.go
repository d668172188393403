package authority

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// A standing is given out again for so long when nothing has changed, and so
// many of them are kept. A patient's history is opened once for all who ask.
const (
	wordLife  = 10 * time.Minute
	wordsKept = 4096
)

// words are the standings that were given out last; what they say is sealed.
type words struct {
	mu   sync.Mutex
	kept map[wordName]word
}

type wordName struct {
	patient record.PatientID
	person  uint8
}

type word struct {
	state  [sha256.Size]byte // what it was made of
	at     time.Time
	sealed []byte
}

func (w *word) over(now time.Time) bool {
	age := now.Sub(w.at)
	return age < 0 || age >= wordLife
}

// find returns a word that was made of the same state and is young enough.
func (w *words) find(name wordName, state [sha256.Size]byte, now time.Time) ([]byte, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	found, ok := w.kept[name]
	if !ok || found.state != state || found.over(now) {
		return nil, false
	}
	return found.sealed, true
}

// keep keeps a word in the place of the last one. When there are too many,
// those whose time is over go, and else the oldest.
func (w *words) keep(name wordName, fresh word, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kept == nil {
		w.kept = make(map[wordName]word)
	}
	if _, same := w.kept[name]; !same && len(w.kept) >= wordsKept {
		var oldest wordName
		var at time.Time
		for n, x := range w.kept {
			if x.over(now) {
				delete(w.kept, n)
			} else if at.IsZero() || x.at.Before(at) {
				oldest, at = n, x.at
			}
		}
		if len(w.kept) >= wordsKept {
			delete(w.kept, oldest)
		}
	}
	w.kept[name] = fresh
}

// stateOf sums up what a standing is made of: the patient as registered, the
// cover, which entries there are, the trust list that says whose count, and the
// year. Nothing is opened for it.
func (a *Authority) stateOf(ctx context.Context, p *openedPatient, cover []byte, year int) (state [sha256.Size]byte, err error) {
	ids, err := a.store.IDs(ctx, p.ID)
	if err != nil {
		return state, err
	}
	trusted, _ := a.trust.Versions()
	h := sha256.New()
	if err := binary.Write(h, binary.BigEndian, []int64{
		p.Updated.UnixNano(), int64(trusted), int64(year), int64(len(p.Subjects)), int64(len(cover)), // #nosec G115 -- only compared
	}); err != nil {
		return state, fmt.Errorf("sum up patient: %w", err)
	}
	_, _ = h.Write(p.Subjects) // a hash takes everything
	_, _ = h.Write(cover)
	for _, id := range ids {
		_, _ = h.Write(id[:])
	}
	h.Sum(state[:0])
	return state, nil
}
