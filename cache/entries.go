package cache

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// Kinds of identifiers that are hidden behind keyed hashes.
const (
	kindPatient  = "patient"
	kindCard     = "card"
	kindKeys     = "keys"
	kindOperator = "operator"
	kindFinger   = "finger"
)

// Flags say what is known of an entry.
type Flags uint8

// The flags of an entry.
const (
	// OnCard: it was read from the patient's card, or written to it.
	OnCard Flags = 1 << iota
	// AtCentre: the centre gave it or acknowledged it.
	AtCentre
	// CardUnknown: it was being written when the card was taken away, and the
	// card has not been seen since.
	CardUnknown
	// CardOwed: the card has no room for it; its next tap with room writes it.
	CardOwed
)

// Entry is a sealed entry as the cache keeps it.
type Entry struct {
	ID      record.EntryID
	Time    time.Time // as the entry's author gives it; minute precision
	Kept    time.Time // when it came here first, by this machine's clock
	Sealed  []byte
	Flags   Flags
	Queued  bool // waits in the outbox
	Refused bool // stands in the quarantine
}

func entryKey(pid []byte, id record.EntryID) []byte {
	return slices.Concat(pid, id[:])
}

// putEntry keeps a sealed entry, or adds flags to one that is there. It owes
// ErrInvalid for bytes that are no sealed entry.
func (t *tx) putEntry(p record.PatientID, sealed []byte, flags Flags) (entryRow, error) {
	var r entryRow
	parsed, err := envelope.Parse(sealed)
	if err != nil {
		return r, invalid("sealed entry: %v", err)
	}
	key := entryKey(t.box.name(kindPatient, p[:]), sha256.Sum256(sealed))
	ok, err := t.get(bucketEntries, key, &r)
	if err != nil {
		return r, err
	}
	next := entryRow{Flags: r.Flags, Time: parsed.Time().Unix(), Sealed: sealed, Kept: t.now.Unix()}
	if ok {
		next.Kept = r.Kept
	}
	if flags&(OnCard|CardUnknown|CardOwed) != 0 {
		next.Flags &^= CardUnknown | CardOwed
	}
	next.Flags |= flags
	if ok && next.Flags == r.Flags {
		return r, nil
	}
	return next, t.put(bucketEntries, key, &next)
}

// entryRow reads an entry's row; an empty one when it is not kept.
func (t *tx) entryRow(p record.PatientID, id record.EntryID) (r entryRow, err error) {
	_, err = t.get(bucketEntries, entryKey(t.box.name(kindPatient, p[:]), id), &r)
	return r, err
}

// each calls fn for every entry of a patient, in the order of identifiers. The
// value is only valid during the call.
func (t *tx) each(p record.PatientID, fn func(key, value []byte) error) error {
	prefix := t.box.name(kindPatient, p[:])
	cur := t.bucket(bucketEntries).Cursor()
	for key, value := cur.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = cur.Next() {
		if len(key) != indexSize+len(record.EntryID{}) {
			return corrupt("key of %d bytes in %s", len(key), bucketEntries)
		}
		if err := fn(key, value); err != nil {
			return err
		}
	}
	return nil
}

// entry joins a row of the entries with what became of the entry.
func (t *tx) entry(id record.EntryID, r *entryRow) (Entry, error) {
	var own ownRow
	ok, err := t.get(bucketOwn, id[:], &own)
	return Entry{
		ID: id, Time: fromPOSIX(r.Time), Kept: fromPOSIX(r.Kept), Sealed: r.Sealed, Flags: r.Flags,
		Queued: ok && own.State == ownQueued, Refused: ok && own.State == ownRefused,
	}, err
}

// Entry returns one entry of a patient; ok is false when it is not kept.
func (c *Cache) Entry(p record.PatientID, id record.EntryID) (e Entry, ok bool, err error) {
	err = c.view("look up entry", func(t *tx) error {
		var r entryRow
		if ok, err = t.get(bucketEntries, entryKey(t.box.name(kindPatient, p[:]), id), &r); err != nil || !ok {
			return err
		}
		e, err = t.entry(id, &r)
		return err
	})
	return e, ok && err == nil, err
}

// History returns all entries of a patient, newest first.
func (c *Cache) History(p record.PatientID) ([]Entry, error) {
	var out []Entry
	err := c.view("read history", func(t *tx) error {
		return t.each(p, func(key, value []byte) error {
			var r entryRow
			if err := t.decode(bucketEntries, key, value, &r); err != nil {
				return err
			}
			e, err := t.entry(record.EntryID(key[indexSize:]), &r)
			out = append(out, e)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return b.Time.Compare(a.Time) })
	return out, nil
}

// Entries returns the sealed entries of a patient, newest first.
func (c *Cache) Entries(p record.PatientID) ([][]byte, error) {
	all, err := c.History(p)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(all))
	for i, e := range all {
		out[i] = e.Sealed
	}
	return out, nil
}

// Snapshot returns the identifiers of a patient's entries in ascending order,
// and their digest as clinic and centre compare it: the first 16 bytes of the
// SHA-256 over the identifiers in that order.
func (c *Cache) Snapshot(p record.PatientID) (digest [16]byte, ids []record.EntryID, err error) {
	err = c.view("read identifiers", func(t *tx) error {
		return t.each(p, func(key, _ []byte) error {
			ids = append(ids, record.EntryID(key[indexSize:]))
			return nil
		})
	})
	if err != nil {
		return digest, nil, err
	}
	h := sha256.New()
	for _, id := range ids {
		h.Write(id[:])
	}
	return [16]byte(h.Sum(nil)), ids, nil
}

// MarkAtCentre notes that the centre holds entries of a patient, in one
// transaction. Those that are not kept here are passed over.
func (c *Cache) MarkAtCentre(p record.PatientID, ids []record.EntryID) error {
	return c.update("mark entries at the centre", func(t *tx) error {
		index := t.box.name(kindPatient, p[:])
		for _, id := range ids {
			var r entryRow
			key := entryKey(index, id)
			ok, err := t.get(bucketEntries, key, &r)
			if err != nil {
				return err
			}
			if !ok || r.Flags&AtCentre != 0 {
				continue
			}
			r.Flags |= AtCentre
			if err := t.put(bucketEntries, key, &r); err != nil {
				return err
			}
		}
		return nil
	})
}
