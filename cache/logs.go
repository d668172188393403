package cache

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// LogEntry says which entry has a number in a card's log, counted from 1.
type LogEntry struct {
	Seq uint32
	ID  record.EntryID
}

// LogReceipt is a receipt of the centre for a card's log.
type LogReceipt struct {
	wire.LogReceipt
	Offset uint32 // at which the log begins once it is freed
}

func logKey(card []byte, seq uint32) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(card), seq)
}

// putLog notes the places of entries in a card's log.
func (t *tx) putLog(card [8]byte, log []LogEntry) error {
	index := t.box.name(kindCard, card[:])
	for _, e := range log {
		var old logRow
		key := logKey(index, e.Seq)
		ok, err := t.get(bucketLogs, key, &old)
		if err != nil {
			return err
		}
		if ok && old.ID == e.ID {
			continue
		}
		if err := t.put(bucketLogs, key, &logRow{ID: e.ID}); err != nil {
			return err
		}
	}
	return nil
}

// eachNumbered calls fn for the values of a card in a bucket whose keys end in
// a number, in rising order. The value is only valid during the call.
func (t *tx) eachNumbered(b bucket, card [8]byte, fn func(seq uint32, key, value []byte) error) error {
	index := t.box.name(kindCard, card[:])
	cur := t.bucket(b).Cursor()
	for key, value := cur.Seek(index); bytes.HasPrefix(key, index); key, value = cur.Next() {
		if len(key) != indexSize+4 {
			return corrupt("key of %d bytes in %s", len(key), b)
		}
		if err := fn(binary.BigEndian.Uint32(key[indexSize:]), key, value); err != nil {
			return err
		}
	}
	return nil
}

// LogIDs returns the entries after+1 .. upTo of a card's log, as far as they
// are known without a gap; whoever needs all of them compares the length.
func (c *Cache) LogIDs(card [8]byte, after, upTo uint32) (ids []record.EntryID, err error) {
	err = c.view("read log", func(t *tx) error {
		next := after
		return t.eachNumbered(bucketLogs, card, func(seq uint32, key, value []byte) error {
			if seq != next+1 || seq > upTo {
				return nil
			}
			var r logRow
			if err := t.decode(bucketLogs, key, value, &r); err != nil {
				return err
			}
			ids, next = append(ids, r.ID), seq
			return nil
		})
	})
	return ids, err
}

// LogReceipts returns the receipts that are kept for a card, oldest first.
func (c *Cache) LogReceipts(card [8]byte) (out []LogReceipt, err error) {
	err = c.view("read log receipts", func(t *tx) error {
		return t.eachNumbered(bucketFreeing, card, func(seq uint32, key, value []byte) error {
			var r freeingRow
			if err := t.decode(bucketFreeing, key, value, &r); err != nil {
				return err
			}
			out = append(out, LogReceipt{wire.LogReceipt{Seq: seq, Chain: r.Chain, Signature: r.Signature, Certificates: r.Certificates}, r.Offset})
			return nil
		})
	})
	return out, err
}

// PutLogReceipt keeps a receipt of the centre until the card has seen it.
func (c *Cache) PutLogReceipt(card [8]byte, r LogReceipt) error {
	return c.update("keep log receipt", func(t *tx) error {
		key := logKey(t.box.name(kindCard, card[:]), r.Seq)
		next := &freeingRow{Offset: r.Offset, Chain: r.Chain, Signature: r.Signature, Certificates: r.Certificates}
		var old freeingRow
		ok, err := t.get(bucketFreeing, key, &old)
		if err != nil || ok && old.Offset == r.Offset && old.Chain == r.Chain && old.Signature == r.Signature && slices.EqualFunc(old.Certificates, r.Certificates, bytes.Equal) {
			return err
		}
		return t.put(bucketFreeing, key, next)
	})
}

// Freed notes, in one transaction, that a card has freed its log up to an
// entry: the places of what was freed are forgotten, and so are the receipts
// that have done their work. Entries themselves stay. The audit record is
// written when there was something to forget.
func (c *Cache) Freed(card [8]byte, patient record.PatientID, upTo uint32, placed Placed, a Audit) error {
	return c.update("note freed log", func(t *tx) error {
		if err := t.place(card, placed); err != nil {
			return err
		}
		gone, err := t.dropNumbered(card, upTo, bucketLogs, bucketFreeing)
		if err != nil || gone == 0 {
			return err
		}
		return t.audit(a, patient)
	})
}

// ForgetLog forgets receipts and places of a card whose log is not the one
// that they were for: it is read anew.
func (c *Cache) ForgetLog(card [8]byte) error {
	return c.update("forget log", func(t *tx) error {
		_, err := t.dropNumbered(card, 1<<32-1, bucketLogs, bucketFreeing)
		return err
	})
}

// dropNumbered drops a card's values up to a number and counts them.
func (t *tx) dropNumbered(card [8]byte, upTo uint32, buckets ...bucket) (gone int, err error) {
	for _, b := range buckets {
		var keys [][]byte
		err := t.eachNumbered(b, card, func(seq uint32, key, _ []byte) error {
			if seq <= upTo {
				keys = append(keys, bytes.Clone(key))
			}
			return nil
		})
		if err != nil {
			return gone, err
		}
		for _, key := range keys {
			if _, err := t.drop(b, key); err != nil {
				return gone, err
			}
			gone++
		}
	}
	return gone, nil
}
