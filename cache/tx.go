package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// tx is a transaction that seals and opens rows. A write transaction that
// changed nothing is rolled back, so that a repeated step costs no fsync.
type tx struct {
	bolt  *bbolt.Tx
	box   *box
	gen   uint64 // of the values that it writes
	now   time.Time
	dirty bool
	// Changes of the counters, applied after the commit.
	outbox, quarantine int64
}

func (t *tx) bucket(b bucket) *bbolt.Bucket { return t.bolt.Bucket([]byte(b)) }

// get reads a row; ok is false when there is none. It owes ErrCorrupt.
func (t *tx) get(b bucket, key []byte, r row) (ok bool, err error) {
	value := t.bucket(b).Get(key)
	if value == nil {
		return false, nil
	}
	return true, t.decode(b, key, value, r)
}

func (t *tx) decode(b bucket, key, value []byte, r row) error {
	raw, err := t.box.open(b, key, value)
	if err != nil {
		return err
	}
	if err := decodeRow(raw, r); err != nil {
		return fmt.Errorf("value in %s: %w", b, err)
	}
	return nil
}

func (t *tx) put(b bucket, key []byte, r row) error {
	raw, err := encodeRow(r)
	if err != nil {
		return err
	}
	t.dirty = true
	return t.bucket(b).Put(key, t.box.seal(b, key, t.gen, raw))
}

// drop deletes a key and reports whether it was there.
func (t *tx) drop(b bucket, key []byte) (bool, error) {
	bk := t.bucket(b)
	if bk.Get(key) == nil {
		return false, nil
	}
	t.dirty = true
	return true, bk.Delete(key)
}

// has reports whether a key is there.
func (t *tx) has(b bucket, key []byte) bool { return t.bucket(b).Get(key) != nil }

// next returns the number after the last one of a numbered bucket.
func (t *tx) next(b bucket) (uint64, error) {
	last, _ := t.bucket(b).Cursor().Last()
	if last == nil {
		return 1, nil
	}
	if len(last) != 8 {
		return 0, corrupt("number of %d bytes in %s", len(last), b)
	}
	return binary.BigEndian.Uint64(last) + 1, nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// view runs fn in a read transaction.
func (c *Cache) view(what string, fn func(*tx) error) error {
	return c.guard(what, func() error {
		return c.db.View(func(b *bbolt.Tx) error { return fn(&tx{bolt: b, box: c.box}) })
	})
}

var errUnchanged = errors.New("nothing to write")

// update runs fn in a write transaction and commits it durably. It owes
// ErrFull.
func (c *Cache) update(what string, fn func(*tx) error) error {
	return c.guard(what, func() error {
		c.writing.Lock()
		defer c.writing.Unlock()
		t := &tx{box: c.box, gen: c.gen + 1, now: time.Now()}
		committing := false
		err := c.db.Update(func(b *bbolt.Tx) error {
			t.bolt = b
			if err := fn(t); err != nil {
				return err
			}
			if !t.dirty {
				return errUnchanged
			}
			committing = true
			return nil
		})
		switch {
		case errors.Is(err, errUnchanged):
			return nil
		case err == nil:
			c.outboxLen.Add(t.outbox)
			c.quarantineLen.Add(t.quarantine)
		case committing:
			// The disk may hold the transaction all the same, when only its
			// last flush failed.
			err = errors.Join(full(err), c.recount())
		default:
			return err
		}
		c.gen = t.gen // never used twice
		return err
	})
}

// recount sets the counters to what the file holds.
func (c *Cache) recount() error {
	return c.db.View(func(b *bbolt.Tx) error {
		c.outboxLen.Store(int64(b.Bucket([]byte(bucketOutbox)).Stats().KeyN))
		c.quarantineLen.Store(int64(b.Bucket([]byte(bucketQuarantine)).Stats().KeyN))
		return nil
	})
}

// guard runs fn so that a fault in the mapped file, or bbolt finding a broken
// page, becomes ErrCorrupt. After that the cache refuses all further work,
// because bbolt may be left with its locks held.
func (c *Cache) guard(what string, fn func() error) (err error) {
	switch {
	case c.broken.Load():
		return fmt.Errorf("%s: %w", what, ErrCorrupt)
	case c.closed.Load():
		return fmt.Errorf("%s: %w", what, ErrClosed)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			c.broken.Store(true)
			c.log.Error("cache file broke while open", logkey.Step, what)
			err = fmt.Errorf("%s: %v: %w", what, r, ErrCorrupt)
		}
	}()
	if err := fn(); err != nil {
		if errors.Is(err, bbolt.ErrDatabaseNotOpen) { //nolint:staticcheck // the same value as in bbolt/errors
			err = ErrClosed
		}
		var chain *AuditError // says no more than that
		if errors.Is(err, ErrCorrupt) && !errors.As(err, &chain) {
			c.damaged.Store(true)
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
