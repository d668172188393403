package cache

import (
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

func (t *tx) putKeys(r *Read) error {
	if len(r.SectionKeys) == 0 {
		return nil
	}
	row := &keysRow{Expiry: r.KeyExpiry.Unix()}
	for s, key := range r.SectionKeys {
		if !s.Valid() || len(key) != keySize {
			return invalid("key of section %s of %d bytes", s, len(key))
		}
		row.Keys[s] = key
	}
	return t.put(bucketKeys, t.box.name(kindPatient, r.Patient[:]), row)
}

// SectionKeys returns the section keys that the patient's card gave, while
// their time lasts. After that they are removed and the map is empty.
func (c *Cache) SectionKeys(p record.PatientID, now time.Time) (map[record.Section][]byte, error) {
	out := make(map[record.Section][]byte)
	expired := false
	key := c.box.name(kindPatient, p[:])
	err := c.view("look up section keys", func(t *tx) error {
		var r keysRow
		if ok, err := t.get(bucketKeys, key, &r); err != nil || !ok {
			return err
		}
		if expired = r.expired(now); expired {
			return nil
		}
		for i, k := range r.Keys {
			if len(k) > 0 {
				out[record.AllSections()[i]] = k
			}
		}
		return nil
	})
	if err != nil || !expired {
		return out, err
	}
	_, err = c.ExpireKeys(now)
	return out, err
}

func (r *keysRow) expired(now time.Time) bool { return now.Unix() >= r.Expiry }

// ExpireKeys removes the section keys whose time is over and returns how many
// patients' they were.
func (c *Cache) ExpireKeys(now time.Time) (removed int, err error) {
	var over [][]byte
	err = c.view("look for expired keys", func(t *tx) error {
		return t.bucket(bucketKeys).ForEach(func(key, value []byte) error {
			var r keysRow
			if err := t.decode(bucketKeys, key, value, &r); err != nil {
				return err
			}
			if r.expired(now) {
				over = append(over, slices.Clone(key))
			}
			return nil
		})
	})
	if err != nil || len(over) == 0 {
		return 0, err
	}
	err = c.update("remove expired keys", func(t *tx) error {
		removed = 0
		for _, key := range over {
			var r keysRow
			// A tap in the meantime may have renewed them.
			if ok, err := t.get(bucketKeys, key, &r); err != nil || !ok || !r.expired(now) {
				if err != nil {
					return err
				}
				continue
			}
			if _, err := t.drop(bucketKeys, key); err != nil {
				return err
			}
			removed++
		}
		return nil
	})
	return removed, err
}

// ForgetKeys removes a patient's section keys at once, for example when the
// session is locked.
func (c *Cache) ForgetKeys(p record.PatientID) error {
	return c.update("forget section keys", func(t *tx) error {
		_, err := t.drop(bucketKeys, t.box.name(kindPatient, p[:]))
		return err
	})
}
