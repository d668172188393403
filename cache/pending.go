package cache

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// Pending is a card write that has begun and is not yet settled.
//
//	Begin --> pending --Commit---------> entry + outbox
//	             |  \---CommitUnknown--> entry + outbox, marked, and unknown
//	             |                           |   \--Commit or a read that shows it--> entry + outbox
//	             \--DropPending--> nothing   \--DropPending--> entry + outbox, still marked
type Pending struct {
	Card          [8]byte
	Patient       record.PatientID
	ExpectSeq     uint32 // the card's seq before the append
	Sealed        []byte
	SummaryExpect uint32 // the card's summary version before the write
	SummarySealed []byte // nil when the summary is not written

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
			SummaryExpect: p.SummaryExpect, Summary: p.SummarySealed, Since: t.now.Unix(),
		})
	})
}

// Commit settles a pending write that is on the card: the entry is kept and
// put into the outbox, the card's head is updated (nil leaves it), and the
// pending write is gone, all in one transaction. A second Commit does nothing.
// It owes ErrNotFound for an entry that is neither pending nor committed.
func (c *Cache) Commit(id record.EntryID, newHead []byte, a Audit) error {
	return c.update("commit card write", func(t *tx) error {
		p, err := t.take(id, true)
		if err != nil || p == nil {
			return err
		}
		if _, err := t.putEntry(p.Patient, p.Sealed, OnCard); err != nil {
			return err
		}
		if err := t.enqueue(p.Patient, id); err != nil {
			return err
		}
		if newHead != nil {
			if err := t.moveHead(p, newHead); err != nil {
				return err
			}
		}
		return t.audit(a, p.Patient)
	})
}

// CommitUnknown settles a pending write of which it is not known whether it
// reached the card: the entry is kept and put into the outbox, marked
// CardUnknown. Pendings goes on listing it, with Unknown set, until Commit, a
// read of the card that shows it, or DropPending.
func (c *Cache) CommitUnknown(id record.EntryID, a Audit) error {
	return c.update("commit card write of unknown outcome", func(t *tx) error {
		p, err := t.take(id, false)
		if err != nil || p == nil {
			return err
		}
		if _, err := t.putEntry(p.Patient, p.Sealed, CardUnknown); err != nil {
			return err
		}
		if err := t.enqueue(p.Patient, id); err != nil {
			return err
		}
		if err := t.put(bucketUnknown, id[:], p); err != nil {
			return err
		}
		return t.audit(a, p.Patient)
	})
}

// take removes and returns a pending write, also one of unknown outcome when
// that is asked for. It returns nil for an entry that was committed before.
func (t *tx) take(id record.EntryID, unknown bool) (*pendingRow, error) {
	buckets := []bucket{bucketPending, bucketUnknown}
	if !unknown {
		buckets = buckets[:1]
	}
	for _, b := range buckets {
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

// moveHead updates the head of a pending write's card.
func (t *tx) moveHead(p *pendingRow, head []byte) error {
	if !t.has(bucketCards, t.box.name(kindCard, p.Card[:])) {
		return nil
	}
	return t.changeCard(p.Card, func(r *cardRow) { r.Head = head })
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

// Pendings returns the writes to a card that are not settled, oldest first.
func (c *Cache) Pendings(card [8]byte) ([]Pending, error) {
	return c.pendings(func(p *pendingRow) bool { return p.Card == card })
}

// AllPendings returns the unsettled writes to all cards, oldest first.
func (c *Cache) AllPendings() ([]Pending, error) {
	return c.pendings(func(*pendingRow) bool { return true })
}

func (c *Cache) pendings(want func(*pendingRow) bool) ([]Pending, error) {
	var out []Pending
	err := c.view("list pending card writes", func(t *tx) error {
		for _, b := range []bucket{bucketPending, bucketUnknown} {
			err := t.bucket(b).ForEach(func(key, value []byte) error {
				var r pendingRow
				if err := t.decode(b, key, value, &r); err != nil || !want(&r) {
					return err
				}
				p := Pending{
					Card: r.Card, Patient: r.Patient, ExpectSeq: r.ExpectSeq, Sealed: r.Sealed, SummaryExpect: r.SummaryExpect,
					ID: record.EntryID(key), Since: fromPOSIX(r.Since), Unknown: b == bucketUnknown,
				}
				if len(r.Summary) > 0 {
					p.SummarySealed = r.Summary
				}
				out = append(out, p)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b Pending) int { return a.Since.Compare(b.Since) })
	return out, err
}
