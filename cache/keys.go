package cache

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// MaxKeysKept is the longest time for which section keys are kept.
const MaxKeysKept = 12 * time.Hour

// PersonKeys are the section keys that a holder was given for one person.
type PersonKeys struct {
	Person uint8
	Keys   map[record.Section][]byte
}

// KeySet is what a holder was given by a card, or by the centre in its place.
type KeySet struct {
	Patient record.PatientID
	Holder  Holder
	Persons []PersonKeys
	Keep    time.Duration // until they are forgotten, at most MaxKeysKept
}

func (s *KeySet) check() error {
	if len(s.Persons) > 0 && (s.Keep <= 0 || s.Keep > MaxKeysKept) {
		return invalid("section keys kept for %s", s.Keep)
	}
	for _, p := range s.Persons {
		for section, key := range p.Keys {
			if !section.Valid() || len(key) != keySize {
				return invalid("key of section %s of %d bytes", section, len(key))
			}
		}
	}
	return nil
}

// PutKeys keeps section keys for their holder. It owes ErrInvalid.
func (c *Cache) PutKeys(s KeySet, a Audit) error {
	return c.update("keep section keys", func(t *tx) error {
		if s.Patient.IsZero() {
			return invalid("no patient")
		}
		if err := s.check(); err != nil {
			return err
		}
		if err := c.putKeys(t, &s); err != nil {
			return err
		}
		return t.audit(a, s.Patient)
	})
}

func (c *Cache) putKeys(t *tx, s *KeySet) error {
	if len(s.Persons) == 0 {
		return nil
	}
	at, _, err := c.tick(t, t.now)
	if err != nil {
		return err
	}
	for _, p := range s.Persons {
		name := t.box.keysName(s.Patient, p.Person, s.Holder.Operator)
		row := &keysRow{Operator: [indexSize]byte(t.box.name(kindOperator, []byte(s.Holder.Operator))), Expiry: at + int64(s.Keep/time.Second)}
		if row.Sealed, err = s.Holder.seal(p.Keys, keysAAD(name, row.Expiry)); err != nil {
			return err
		}
		if err := t.put(bucketKeys, name, row); err != nil {
			return err
		}
	}
	return nil
}

// SectionKeys returns the section keys of a person that were kept for a holder,
// while their time lasts; after that the map is empty. It owes ErrWrongKey for
// a vault that is not the holder's.
func (c *Cache) SectionKeys(p record.PatientID, person uint8, h Holder, now time.Time) (map[record.Section][]byte, error) {
	if _, err := c.ExpireKeys(now); err != nil {
		return nil, err
	}
	out := make(map[record.Section][]byte)
	err := c.view("look up section keys", func(t *tx) error {
		var r keysRow
		name := t.box.keysName(p, person, h.Operator)
		ok, err := t.get(bucketKeys, name, &r)
		if err != nil || !ok {
			return err
		}
		out, err = h.open(r.Sealed, keysAAD(name, r.Expiry))
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ExpireKeys removes the section keys whose time is over, and all of them when
// the clock was set back, and returns how many rows there were. While keys are
// kept it notes the time, so it is to be called every minute or so.
func (c *Cache) ExpireKeys(now time.Time) (removed int, err error) {
	some := false
	if err := c.view("look for section keys", func(t *tx) error {
		first, _ := t.bucket(bucketKeys).Cursor().First()
		some = first != nil
		return nil
	}); err != nil || !some {
		return 0, err
	}
	err = c.update("remove expired keys", func(t *tx) error {
		at, back, err := c.tick(t, now)
		if err != nil {
			return err
		}
		over, err := t.dropKeys(func(r *keysRow) bool { return at >= r.Expiry })
		removed = back + over
		return err
	})
	return removed, err
}

// ForgetKeys removes at once all that is kept for an operator, who signs out.
func (c *Cache) ForgetKeys(operator string) error {
	return c.update("forget section keys", func(t *tx) error {
		name := t.box.name(kindOperator, []byte(operator))
		_, err := t.dropKeys(func(r *keysRow) bool { return bytes.Equal(r.Operator[:], name) })
		return err
	})
}

// dropKeys removes the rows that match.
func (t *tx) dropKeys(match func(*keysRow) bool) (dropped int, err error) {
	var over [][]byte
	err = t.bucket(bucketKeys).ForEach(func(key, value []byte) error {
		var r keysRow
		if err := t.decode(bucketKeys, key, value, &r); err != nil {
			return err
		}
		if match(&r) {
			over = append(over, slices.Clone(key))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, key := range over {
		if _, err := t.drop(bucketKeys, key); err != nil {
			return 0, err
		}
	}
	return len(over), nil
}

// runningClock goes on whatever is done to the machine's clock meanwhile.
type runningClock struct {
	mu    sync.Mutex
	begin time.Time // with a monotonic reading
}

func (r *runningClock) set() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin = time.Now()
}

func (r *runningClock) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begin.Add(time.Since(r.begin))
}

// clockSlack is how far the clock may lie behind the latest time noted before
// it counts as set back: two callers may read it in one order and arrive in
// the other.
const clockSlack = 5 // seconds

// tick returns the time by which section keys end, POSIX seconds, and notes the
// clock's. The two differ when the clock was set back while the program ran. A
// clock before the latest time noted was set back: how long the keys have been
// here is not known any more, so all are removed, and tick tells how many.
func (c *Cache) tick(t *tx, now time.Time) (at int64, dropped int, err error) {
	var noted clockRow
	if _, err := t.get(bucketState, []byte(keyClock), &noted); err != nil {
		return 0, 0, err
	}
	wall := now.Unix()
	back := wall < noted.Latest-clockSlack
	if back {
		if dropped, err = t.dropKeys(func(*keysRow) bool { return true }); err != nil {
			return 0, 0, err
		}
		c.running.set()
	}
	if back || wall > noted.Latest {
		err = t.put(bucketState, []byte(keyClock), &clockRow{Latest: wall})
	}
	return max(wall, c.running.now().Unix()), dropped, err
}
