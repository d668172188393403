package cache

import (
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// enqueue puts an entry of the entries bucket at the end of the outbox, once
// and for all: an entry that was sent, or refused, is not queued again.
func (t *tx) enqueue(p record.PatientID, id record.EntryID) error {
	if t.has(bucketOwn, id[:]) {
		return nil
	}
	return t.queue(p, id)
}

func (t *tx) queue(p record.PatientID, id record.EntryID) error {
	n, err := t.next(bucketOutbox)
	if err != nil {
		return err
	}
	if err := t.put(bucketOwn, id[:], &ownRow{Patient: p, State: ownQueued, Number: n, Since: t.now.Unix()}); err != nil {
		return err
	}
	t.outbox++
	return t.put(bucketOutbox, number(n), &outboxRow{ID: id})
}

// unqueue takes a queued entry out of the outbox.
func (t *tx) unqueue(own *ownRow) error {
	gone, err := t.drop(bucketOutbox, number(own.Number))
	if gone {
		t.outbox--
	}
	return err
}

// sealedOf reads an entry of the entries bucket. It owes ErrCorrupt when there
// is none, because an entry in the outbox always has one.
func (t *tx) sealedOf(p record.PatientID, id record.EntryID) (entryRow, error) {
	var r entryRow
	ok, err := t.get(bucketEntries, entryKey(t.box.name(kindPatient, p[:]), id), &r)
	if err == nil && !ok {
		err = corrupt("entry %s is in the outbox but not kept", id.Short())
	}
	return r, err
}

// OutboxBatch returns the entries at the head of the outbox: at most count,
// and at most size bytes of them, but always one if there is one.
func (c *Cache) OutboxBatch(count, size int) ([]wire.Envelope, error) {
	var out []wire.Envelope
	err := c.view("read outbox", func(t *tx) error {
		cur := t.bucket(bucketOutbox).Cursor()
		for key, value := cur.First(); key != nil && len(out) < count; key, value = cur.Next() {
			var r outboxRow
			if err := t.decode(bucketOutbox, key, value, &r); err != nil {
				return err
			}
			var own ownRow
			if ok, err := t.get(bucketOwn, r.ID[:], &own); err != nil || !ok {
				if err == nil {
					err = corrupt("entry %s in the outbox has no state", r.ID.Short())
				}
				return err
			}
			entry, err := t.sealedOf(own.Patient, r.ID)
			if err != nil {
				return err
			}
			size -= len(entry.Sealed) + envelopeOverhead
			if size < 0 && len(out) > 0 {
				return nil
			}
			out = append(out, wire.Envelope{Patient: own.Patient, Sealed: entry.Sealed})
		}
		return nil
	})
	return out, err
}

// envelopeOverhead is what an entry takes on the wire beside its sealed bytes.
const envelopeOverhead = 16

// Acknowledge notes what the centre answered to entries, in one transaction:
// new and known ones leave the outbox against the centre's receipt, which is
// kept; rejected ones go to the quarantine. Entries that are not in the outbox
// are passed over. The receipt must have been verified by the caller.
func (c *Cache) Acknowledge(results []wire.Result, receipt []byte) error {
	return c.update("acknowledge entries", func(t *tx) error {
		n, err := t.next(bucketReceipts)
		if err != nil {
			return err
		}
		accepted := false
		for _, r := range results {
			var own ownRow
			if ok, err := t.get(bucketOwn, r.ID[:], &own); err != nil {
				return err
			} else if !ok || own.State != ownQueued {
				continue
			}
			if r.Status == wire.StatusRejected {
				err = t.refuse(&own, r)
			} else {
				accepted = true
				err = t.accept(&own, r.ID, n)
			}
			if err != nil {
				return err
			}
		}
		if !accepted {
			return nil
		}
		if len(receipt) == 0 {
			return invalid("acknowledgement without a receipt")
		}
		return t.put(bucketReceipts, number(n), &receiptRow{Raw: receipt, At: t.now.Unix()})
	})
}

func (t *tx) accept(own *ownRow, id record.EntryID, receipt uint64) error {
	if err := t.unqueue(own); err != nil {
		return err
	}
	entry, err := t.sealedOf(own.Patient, id)
	if err != nil {
		return err
	}
	if _, err := t.putEntry(own.Patient, entry.Sealed, AtCentre); err != nil {
		return err
	}
	own.State, own.Number, own.Since = ownAcknowledged, receipt, t.now.Unix()
	return t.put(bucketOwn, id[:], own)
}

func (t *tx) refuse(own *ownRow, r wire.Result) error {
	if err := t.unqueue(own); err != nil {
		return err
	}
	code := r.Code
	if len(code) > maxCode {
		code = code[:maxCode]
	}
	own.State, own.Number, own.Code, own.Since = ownRefused, 0, code, t.now.Unix()
	t.quarantine++
	if err := t.put(bucketQuarantine, r.ID[:], &quarantineRow{Patient: own.Patient, Code: code, Since: own.Since}); err != nil {
		return err
	}
	return t.put(bucketOwn, r.ID[:], own)
}

// Postpone moves entries from wherever they stand to the end of the outbox, so
// that one which always fails does not hold up the others.
func (c *Cache) Postpone(ids []record.EntryID) error {
	return c.update("postpone entries", func(t *tx) error {
		for _, id := range ids {
			var own ownRow
			ok, err := t.get(bucketOwn, id[:], &own)
			if err != nil {
				return err
			}
			end, err := t.next(bucketOutbox)
			if err != nil {
				return err
			}
			if !ok || own.State != ownQueued || own.Number+1 == end {
				continue
			}
			if err := t.unqueue(&own); err != nil {
				return err
			}
			if err := t.queue(own.Patient, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Relay puts entries of a patient into the outbox that a card has carried
// here and that the centre does not have. It passes over entries that are not
// kept, that the centre gave or acknowledged, or that were sent on before.
func (c *Cache) Relay(p record.PatientID, ids []record.EntryID) error {
	return c.update("relay entries", func(t *tx) error {
		for _, id := range ids {
			var r entryRow
			ok, err := t.get(bucketEntries, entryKey(t.box.name(kindPatient, p[:]), id), &r)
			if err != nil {
				return err
			}
			if !ok || r.Flags&AtCentre != 0 || t.has(bucketPending, id[:]) {
				continue
			}
			if err := t.enqueue(p, id); err != nil {
				return err
			}
		}
		return nil
	})
}
