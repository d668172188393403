package cache

import (
	"bytes"

	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Cursor returns the place in the centre's change feed, "" for the beginning.
func (c *Cache) Cursor() (cursor string, err error) {
	err = c.view("read cursor", func(t *tx) error {
		var r cursorRow
		_, err := t.get(bucketState, []byte(keyCursor), &r)
		cursor = r.Cursor
		return err
	})
	return cursor, err
}

// ApplyChanges keeps entries from the centre together with the place in the
// change feed that follows them, in one transaction. It owes ErrInvalid when
// one of them is no sealed entry; nothing is kept then.
func (c *Cache) ApplyChanges(items []wire.Envelope, next string) error {
	return c.update("apply changes", func(t *tx) error {
		if err := t.putItems(items); err != nil {
			return err
		}
		return t.setCursor(next)
	})
}

// PutEntries keeps entries that the centre gave for a patient, without moving
// the cursor. It owes ErrInvalid.
func (c *Cache) PutEntries(items []wire.Envelope) error {
	return c.update("keep entries", func(t *tx) error { return t.putItems(items) })
}

func (t *tx) putItems(items []wire.Envelope) error {
	for _, item := range items {
		if _, err := t.putEntry(item.Patient, item.Sealed, AtCentre); err != nil {
			return err
		}
	}
	return nil
}

// ResetCursor goes back to the beginning of the change feed.
func (c *Cache) ResetCursor() error {
	return c.update("reset cursor", func(t *tx) error { return t.setCursor("") })
}

func (t *tx) setCursor(next string) error {
	var r cursorRow
	ok, err := t.get(bucketState, []byte(keyCursor), &r)
	if err != nil || r.Cursor == next && (ok || next == "") {
		return err
	}
	return t.put(bucketState, []byte(keyCursor), &cursorRow{Cursor: next})
}

// List returns a signed list, or nil when there is none yet.
func (c *Cache) List(name string) (raw []byte, err error) {
	err = c.view("read list", func(t *tx) error {
		var r listRow
		_, err := t.get(bucketLists, []byte(name), &r)
		raw = r.Raw
		return err
	})
	return raw, err
}

// PutList keeps a signed list, which the caller has verified. It owes ErrInvalid.
func (c *Cache) PutList(name string, raw []byte) error {
	return c.update("keep list", func(t *tx) error {
		if name == "" || len(name) > maxName {
			return invalid("list name of %d bytes", len(name))
		}
		var r listRow
		ok, err := t.get(bucketLists, []byte(name), &r)
		if err != nil || ok && bytes.Equal(r.Raw, raw) {
			return err
		}
		return t.put(bucketLists, []byte(name), &listRow{Raw: raw})
	})
}
