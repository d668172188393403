package cache

import (
	"bytes"

	"github.com/dhamani-iq/dhamani/record"
)

// PutStanding keeps the centre's word on what was charged for a person, in the
// place of the one before.
func (c *Cache) PutStanding(p record.PatientID, person uint8, sealed []byte) error {
	return c.update("keep standing", func(t *tx) error {
		key := standingKey(t, p, person)
		var old standingRow
		ok, err := t.get(bucketStandings, key, &old)
		if err != nil || ok && bytes.Equal(old.Raw, sealed) {
			return err
		}
		return t.put(bucketStandings, key, &standingRow{Raw: sealed})
	})
}

// Standing returns what PutStanding kept, nil when there is nothing.
func (c *Cache) Standing(p record.PatientID, person uint8) (sealed []byte, err error) {
	err = c.view("look up standing", func(t *tx) error {
		var r standingRow
		_, err := t.get(bucketStandings, standingKey(t, p, person), &r)
		sealed = r.Raw
		return err
	})
	return sealed, err
}

func standingKey(t *tx, p record.PatientID, person uint8) []byte {
	return append(t.box.name(kindPatient, p[:]), person)
}
