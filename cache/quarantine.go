package cache

import (
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// Quarantined is an entry that the centre has refused. It stays in the cache
// and, if it got there, on the card.
type Quarantined struct {
	ID      record.EntryID
	Patient record.PatientID
	Code    string // one of the wire.Reject codes
	Since   time.Time
}

// Quarantined returns the refused entries, in the order of identifiers, at
// most the given number; 0 means all.
func (c *Cache) Quarantined(most int) ([]Quarantined, error) {
	var out []Quarantined
	err := c.view("list quarantine", func(t *tx) error {
		cur := t.bucket(bucketQuarantine).Cursor()
		for key, value := cur.First(); key != nil && (most == 0 || len(out) < most); key, value = cur.Next() {
			var r quarantineRow
			if err := t.decode(bucketQuarantine, key, value, &r); err != nil {
				return err
			}
			out = append(out, Quarantined{ID: record.EntryID(key), Patient: r.Patient, Code: r.Code, Since: fromPOSIX(r.Since)})
		}
		return nil
	})
	return out, err
}

// Requeue puts a refused entry back into the outbox, for example after its
// author's key has been enrolled. It owes ErrNotFound.
func (c *Cache) Requeue(id record.EntryID, a Audit) error {
	return c.update("requeue entry", func(t *tx) error {
		var own ownRow
		ok, err := t.get(bucketOwn, id[:], &own)
		switch {
		case err != nil:
			return err
		case !ok:
			return ErrNotFound
		case own.State != ownRefused:
			return nil
		}
		if _, err := t.drop(bucketQuarantine, id[:]); err != nil {
			return err
		}
		t.quarantine--
		if err := t.queue(own.Patient, id); err != nil {
			return err
		}
		return t.audit(a, own.Patient)
	})
}

// Receipt returns the centre's signed receipt for an entry, or nil when it was
// not acknowledged to this workstation.
func (c *Cache) Receipt(id record.EntryID) (raw []byte, err error) {
	err = c.view("look up receipt", func(t *tx) error {
		var own ownRow
		if ok, err := t.get(bucketOwn, id[:], &own); err != nil || !ok || own.State != ownAcknowledged {
			return err
		}
		var r receiptRow
		ok, err := t.get(bucketReceipts, number(own.Number), &r)
		if err == nil && !ok {
			return corrupt("receipt %d is missing", own.Number)
		}
		raw = r.Raw
		return err
	})
	return raw, err
}
