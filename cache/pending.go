package cache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// Pending is a card write that has begun and is not yet settled.
//
//	Begin --> pending --Commit---------> entry + outbox
//	             |  \---CommitUnknown,
//	             |      CommitOwed-----> entry + outbox, marked, and unknown
//	             |                           |   \--Commit--> entry + outbox
//	             \--DropPending--> nothing   \--DropPending--> entry + outbox, still marked
type Pending struct {
	Card      [8]byte
	Patient   record.PatientID
	ExpectSeq uint32 // the card's seq before the append
	Sealed    []byte

	// Set by the cache.
	ID      record.EntryID
	Since   time.Time
	Unknown bool // CommitUnknown was called: the entry is in the outbox already
}

// Begin notes durably that an entry is about to be written to a card. It does
// nothing if the entry is pending or committed already. It owes ErrInvalid.
func (c *Cache) Begin(p Pending) error {
	return c.update("begin card write", func(t *tx) error {
		if p.Patient.IsZero() || p.Card == [8]byte{} {
			return invalid("no patient or no card")
		}
		if _, err := envelope.Parse(p.Sealed); err != nil {
			return invalid("sealed entry: %v", err)
		}
		id := sha256.Sum256(p.Sealed)
		if t.has(bucketPending, id[:]) || t.has(bucketOwn, id[:]) {
			return nil
		}
		return t.put(bucketPending, id[:], &pendingRow{
			Card: p.Card, Patient: p.Patient, ExpectSeq: p.ExpectSeq, Sealed: p.Sealed,
			Number: t.gen, Since: t.now.Unix(),
		})
	})
}

// Placed is what a card holds once a write to it is settled.
type Placed struct {
	Head    []byte // nil leaves what is known of the head
	Summary []byte // sealed; nil leaves what is known of the summary
	Seq     uint32 // of the entry in the card's log; 0 when a reading has shown it
	Owed    bool   // the summary does not say yet what the entry changes in it
}

// Commit settles a pending write that is on the card, or one of unknown
// outcome: the entry is kept and put into the outbox, what is known of its card
// is brought up to date, and the pending write is gone, all in one transaction.
// While the summary is owed the pending write stays instead, as one of unknown
// outcome does, with its entry marked OnCard. A second Commit does nothing. It owes ErrNotFound for an entry that is
// neither pending nor committed.
func (c *Cache) Commit(id record.EntryID, placed Placed, a Audit) error {
	return c.update("commit card write", func(t *tx) error {
		p, err := t.take(id)
		if err != nil || p == nil {
			return err
		}
		if placed.Owed {
			if err := t.put(bucketUnknown, id[:], p); err != nil {
				return err
			}
		}
		if _, err := t.putEntry(p.Patient, p.Sealed, OnCard); err != nil {
			return err
		}
		if err := t.enqueue(p.Patient, id); err != nil {
			return err
		}
		if err := t.place(p.Card, placed); err != nil {
			return err
		}
		if placed.Seq > 0 {
			if err := t.putLog(p.Card, []LogEntry{{placed.Seq, id}}); err != nil {
				return err
			}
		}
		return t.audit(a, p.Patient)
	})
}

// CommitUnknown settles a pending write of which it is not known whether it
// reached the card: the entry is kept and put into the outbox, marked
// CardUnknown. Pendings goes on listing it, with Unknown set and in its old
// place, until Commit or DropPending.
func (c *Cache) CommitUnknown(id record.EntryID, a Audit) error {
	return c.update("commit card write of unknown outcome", func(t *tx) error { return t.commitOpen(id, CardUnknown, a) })
}

// CommitOwed settles a pending write for which the card has no room: as
// CommitUnknown, but marked CardOwed, since the entry is known not to be there.
func (c *Cache) CommitOwed(id record.EntryID, a Audit) error {
	return c.update("commit card write that waits for room", func(t *tx) error { return t.commitOpen(id, CardOwed, a) })
}

// commitOpen keeps and queues an entry whose card write stays open, with one of
// the two flags that say why.
func (t *tx) commitOpen(id record.EntryID, why Flags, a Audit) error {
	var open pendingRow
	if ok, err := t.get(bucketUnknown, id[:], &open); err != nil {
		return err
	} else if ok {
		if had, err := t.entryRow(open.Patient, id); err != nil || had.Flags&(why|OnCard) != 0 {
			return err // nothing new
		}
	}
	p, err := t.take(id)
	if err != nil || p == nil {
		return err
	}
	if err := t.put(bucketUnknown, id[:], p); err != nil {
		return err
	}
	if _, err := t.putEntry(p.Patient, p.Sealed, why); err != nil {
		return err
	}
	if err := t.enqueue(p.Patient, id); err != nil {
		return err
	}
	return t.audit(a, p.Patient)
}

// take removes and returns a pending write, also one that was left open. It
// returns nil for an entry that was committed before.
func (t *tx) take(id record.EntryID) (*pendingRow, error) {
	for _, b := range []bucket{bucketPending, bucketUnknown} {
		p := new(pendingRow)
		ok, err := t.get(b, id[:], p)
		if err != nil {
			return nil, err
		}
		if ok {
			_, err := t.drop(b, id[:])
			return p, err
		}
	}
	if t.has(bucketOwn, id[:]) {
		return nil, nil
	}
	return nil, ErrNotFound
}

// place notes what a card holds now, if the card is known and that is news.
func (t *tx) place(card [8]byte, placed Placed) error {
	var r cardRow
	key := t.box.name(kindCard, card[:])
	ok, err := t.get(bucketCards, key, &r)
	if err != nil || !ok {
		return err
	}
	next := r
	if placed.Head != nil {
		next.Head = placed.Head
	}
	if placed.Summary != nil {
		next.Summary = placed.Summary
	}
	if bytes.Equal(next.Head, r.Head) && bytes.Equal(next.Summary, r.Summary) {
		return nil
	}
	return t.put(bucketCards, key, &next)
}

// DropPending gives a pending write up: the entry is not on the card, and it
// is known that it never will be. An entry of unknown outcome stays in the
// cache and in the outbox; only the wish to settle it is dropped.
func (c *Cache) DropPending(id record.EntryID) error {
	return c.update("drop pending card write", func(t *tx) error {
		for _, b := range []bucket{bucketPending, bucketUnknown} {
			if _, err := t.drop(b, id[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Pendings returns the writes to a card that are not settled, in the order of
// their Begin.
func (c *Cache) Pendings(card [8]byte) ([]Pending, error) {
	return c.pendings(func(p *pendingRow) bool { return p.Card == card })
}

// AllPendings returns the unsettled writes to all cards, in the order of their
// Begin.
func (c *Cache) AllPendings() ([]Pending, error) {
	return c.pendings(func(*pendingRow) bool { return true })
}

func (c *Cache) pendings(want func(*pendingRow) bool) ([]Pending, error) {
	type numbered struct {
		Pending
		number uint64
	}
	var found []numbered
	err := c.view("list pending card writes", func(t *tx) error {
		for _, b := range []bucket{bucketPending, bucketUnknown} {
			err := t.bucket(b).ForEach(func(key, value []byte) error {
				var r pendingRow
				if err := t.decode(b, key, value, &r); err != nil || !want(&r) {
					return err
				}
				found = append(found, numbered{Pending{
					Card: r.Card, Patient: r.Patient, ExpectSeq: r.ExpectSeq, Sealed: r.Sealed,
					ID: record.EntryID(key), Since: fromPOSIX(r.Since), Unknown: b == bucketUnknown,
				}, r.Number})
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	out := make([]Pending, len(found))
	for i, p := range found {
		out[i] = p.Pending
	}
	return out, nil
}
