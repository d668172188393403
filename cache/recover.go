package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dhamani-iq/dhamani/internal/durable"
)

// Recovered tells what Recover found.
type Recovered struct {
	Broken  string // where the broken file was moved
	Pending int    // unsettled card writes
	Outbox  int    // entries that wait to be sent
	Refused int    // entries in quarantine
	Entries int    // entries in all
	Audit   uint64 // audit records kept; the rest is in the broken file only
	Lost    int    // entries that were in the outbox and are not readable
}

// Recover makes a new cache file out of what can still be read of a broken
// one, which is moved aside to path.broken-<time>. Every page of the file is
// searched, whether or not a tree still leads to it, and whatever authenticates
// is kept in its newest version: unsettled card writes, the outbox, all
// entries, what is known of cards and patients, lists and receipts. Section
// keys are left behind, since the next tap brings them again, and the cursor
// too, so that the change feed is read anew. What a card held when it was last
// read (head and summary) is also left behind: entries below that head may be
// lost here, and a card whose head is not known is read from its first entry on.
// An entry of which it is no longer
// known that the centre has it is sent again, which does no harm. The audit
// chain is kept up to its first bad link and goes on with a record of the
// recovery.
//
// It owes ErrLocked, ErrFull, and ErrWrongKey when the file's header shows
// another key; the file stays where it is then.
func Recover(path string, key [32]byte) (Recovered, error) {
	got, err := recoverFile(path, key)
	if err != nil {
		return got, fmt.Errorf("recover cache: %w", full(err))
	}
	return got, nil
}

func recoverFile(path string, key [32]byte) (got Recovered, err error) {
	b, err := newBox(key)
	if err != nil {
		return got, err
	}
	old, err := openLocked(path)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	tmp, err := tempFile(path)
	if err != nil {
		return got, err
	}
	defer os.Remove(tmp) //nolint:errcheck // gone already when it was renamed
	if got, err = salvage(old, tmp, b); err != nil {
		return got, err
	}
	got.Broken, err = replace(path, tmp)
	return got, err
}

// salvage fills the file at tmp from the broken one.
func salvage(old *os.File, tmp string, b *box) (got Recovered, err error) {
	db, err := boltOpen(tmp, nil)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.NoSync = true // until the end; a crash before that leaves the broken file in place
	if err := db.Update(func(t *bbolt.Tx) error { return lay(t, b) }); err != nil {
		return got, err
	}
	s := &salvager{f: old, box: b, db: db}
	if err := s.scan(); err != nil {
		return got, err
	}
	err = db.Update(func(bt *bbolt.Tx) error {
		t := &tx{bolt: bt, box: b, gen: s.gen + 1, now: time.Now()}
		got, err = t.mend()
		return err
	})
	if err != nil {
		return got, err
	}
	return got, db.Sync()
}

// replace moves tmp to path and what was there aside. At no moment is there
// nothing at path, where the file system has links.
func replace(path, tmp string) (string, error) {
	broken := path + ".broken-" + time.Now().UTC().Format("20060102T150405.000000000Z")
	if err := os.Link(path, broken); err != nil {
		if err := os.Rename(path, broken); err != nil { // #nosec G703 -- the configured path
			return "", err
		}
	}
	if err := os.Rename(tmp, path); err != nil { // #nosec G703 -- the configured path
		return "", err
	}
	return broken, durable.SyncDir(filepath.Dir(path))
}

// mend makes a salvaged file agree with itself again.
func (t *tx) mend() (got Recovered, err error) {
	for _, step := range []func(*Recovered) error{t.mendCards, t.mendUnknown, t.mendPending, t.mendOwn, t.mendEntries, t.mendAudit} {
		if err := step(&got); err != nil {
			return got, err
		}
	}
	return got, nil
}

// mendCards forgets what cards held, so that the next tap reads them whole.
func (t *tx) mendCards(*Recovered) error {
	return t.rewrite(bucketCards, func(key, value []byte) error {
		var r cardRow
		if err := t.decode(bucketCards, key, value, &r); err != nil {
			return err
		}
		r.Head, r.Summary = nil, nil
		return t.put(bucketCards, key, &r)
	})
}

// mendUnknown gives every write of unknown outcome its entry back. One whose
// entry is on the card stays too: the summary may be owed what it says, and to
// settle what was settled changes nothing.
func (t *tx) mendUnknown(got *Recovered) error {
	return t.rewrite(bucketUnknown, func(key, value []byte) error {
		var p pendingRow
		if err := t.decode(bucketUnknown, key, value, &p); err != nil {
			return err
		}
		got.Pending++
		row, err := t.putEntry(p.Patient, p.Sealed, 0)
		if err == nil && row.Flags&OnCard == 0 {
			_, err = t.putEntry(p.Patient, p.Sealed, CardUnknown)
		}
		if err != nil {
			return err
		}
		return t.mendQueue(p.Patient, key)
	})
}

// mendPending drops the pending writes that were committed since. If the
// committed entry itself is not readable any more, the pending write has it.
func (t *tx) mendPending(got *Recovered) error {
	return t.rewrite(bucketPending, func(key, value []byte) error {
		if !t.has(bucketOwn, key) {
			got.Pending++
			return nil
		}
		var p pendingRow
		if err := t.decode(bucketPending, key, value, &p); err != nil {
			return err
		}
		if !t.has(bucketEntries, entryKey(t.box.name(kindPatient, p.Patient[:]), [32]byte(key))) {
			if _, err := t.putEntry(p.Patient, p.Sealed, CardUnknown); err != nil {
				return err
			}
		}
		_, err := t.drop(bucketPending, key)
		return err
	})
}

// mendOwn builds outbox and quarantine anew from what became of each entry.
func (t *tx) mendOwn(got *Recovered) error {
	return t.rewrite(bucketOwn, func(key, value []byte) error {
		var own ownRow
		if err := t.decode(bucketOwn, key, value, &own); err != nil {
			return err
		}
		if !t.has(bucketEntries, entryKey(t.box.name(kindPatient, own.Patient[:]), [32]byte(key))) {
			if own.State == ownQueued {
				got.Lost++
			}
			_, err := t.drop(bucketOwn, key)
			return err
		}
		switch own.State {
		case ownQueued:
			got.Outbox++
			return t.queue(own.Patient, [32]byte(key))
		case ownRefused:
			got.Refused++
			return t.put(bucketQuarantine, key, &quarantineRow{Patient: own.Patient, Code: own.Code, Since: own.Since})
		case ownAcknowledged:
			if !t.has(bucketReceipts, number(own.Number)) { // the centre still has it, and gives a new one
				got.Outbox++
				return t.queue(own.Patient, [32]byte(key))
			}
		}
		return nil
	})
}

// mendEntries queues the entries of which nothing says that the centre has
// them. Their patient is known from what is known of patients and cards.
func (t *tx) mendEntries(got *Recovered) error {
	patients, err := t.knownPatients()
	if err != nil {
		return err
	}
	return t.rewrite(bucketEntries, func(key, value []byte) error {
		got.Entries++
		var r entryRow
		if err := t.decode(bucketEntries, key, value, &r); err != nil {
			return err
		}
		id := key[indexSize:]
		p, known := patients[[indexSize]byte(key)]
		if !known || r.Flags&AtCentre != 0 || t.has(bucketOwn, id) || t.has(bucketPending, id) {
			return nil
		}
		got.Outbox++
		return t.queue(p, [32]byte(id))
	})
}
