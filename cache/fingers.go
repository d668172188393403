package cache

import (
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// Notes of fingers are kept for so many persons and so long.
const (
	MaxFingerNotes = 4096
	FingerNoteLife = 365 * 24 * time.Hour
)

// FingerNote says which of a person's enrolled fingers was accepted last, and
// how well it could be seen. It says nothing of what the finger looks like.
type FingerNote struct {
	Ref     uint8 // the card's reference
	Quality uint8 // 0 to 100
}

type fingerRow struct {
	_       struct{} `cbor:",toarray"`
	Ref     uint8
	Quality uint8
	At      int64 // POSIX seconds
}

func (r *fingerRow) check() error {
	if r.Quality > 100 {
		return invalid("finger of quality %d", r.Quality)
	}
	return nil
}

// over tells whether a note's time is over, or lies ahead of the clock.
func (r *fingerRow) over(now time.Time) bool {
	age := now.Sub(fromPOSIX(r.At))
	return age >= FingerNoteLife || age < -24*time.Hour
}

// PutFinger keeps a note of a person's finger in the place of the last one.
// When there are MaxFingerNotes, the oldest goes. It owes ErrInvalid.
func (c *Cache) PutFinger(p record.PatientID, person uint8, n FingerNote) error {
	return c.update("keep note of finger", func(t *tx) error {
		if p.IsZero() {
			return invalid("no patient")
		}
		key := t.box.fingerName(p, person)
		if !t.has(bucketFingers, key) {
			if err := t.makeRoomForFinger(); err != nil {
				return err
			}
		}
		return t.put(bucketFingers, key, &fingerRow{Ref: n.Ref, Quality: n.Quality, At: t.now.Unix()})
	})
}

// makeRoomForFinger drops the oldest note when there are too many.
func (t *tx) makeRoomForFinger() error {
	if t.bucket(bucketFingers).Stats().KeyN < MaxFingerNotes {
		return nil
	}
	var oldest []byte
	var at int64
	if err := t.bucket(bucketFingers).ForEach(func(key, value []byte) error {
		var r fingerRow
		if err := t.decode(bucketFingers, key, value, &r); err != nil {
			return err
		}
		if oldest == nil || r.At < at {
			oldest, at = append(oldest[:0], key...), r.At
		}
		return nil
	}); err != nil {
		return err
	}
	_, err := t.drop(bucketFingers, oldest)
	return err
}

// Finger returns the note of a person's finger; ok is false when there is none,
// or none that is young enough.
func (c *Cache) Finger(p record.PatientID, person uint8, now time.Time) (n FingerNote, ok bool, err error) {
	err = c.view("look up note of finger", func(t *tx) error {
		var r fingerRow
		found, err := t.get(bucketFingers, t.box.fingerName(p, person), &r)
		if err != nil || !found || r.over(now) {
			return err
		}
		n, ok = FingerNote{Ref: r.Ref, Quality: r.Quality}, true
		return nil
	})
	return n, ok, err
}

// fingerName is the key of a note.
func (b *box) fingerName(p record.PatientID, person uint8) []byte {
	return b.name(kindFinger, append(p[:], person))
}
