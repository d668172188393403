package cache

import (
	"errors"
	"os"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/dhamani-iq/dhamani/record"
)

// What is written at once at most: values, and bytes but for the last value.
const (
	salvageBatch = 512
	salvageBytes = 4 << 20
)

// salvager searches every page of a broken file for values that authenticate.
type salvager struct {
	f   *os.File
	box *box
	db  *bbolt.DB
	gen uint64

	batch []salvaged
	bytes int
}

type salvaged struct {
	bucket     bucket
	key, value []byte
}

// notSalvaged are the buckets that are built anew, or are better left behind.
var notSalvaged = map[bucket]bool{
	bucketKeys: true, bucketOutbox: true, bucketQuarantine: true, bucketState: true,
	bucketLogs: true, bucketFreeing: true, bucketFingers: true,
}

// scan reads the file from front to back with ordinary reads. A page that
// cannot be read is passed over; only the new file's errors stop it.
func (s *salvager) scan() error {
	info, err := s.f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	for at := int64(2 * pageSize); at < size; at += pageSize {
		n := s.readLeaf(at, size)
		if n == nil {
			continue
		}
		if err := s.leaf(n); err != nil {
			return err
		}
	}
	return s.flush()
}

// readLeaf reads a page as a leaf if two of the three header fields that tell
// say that it is one. How many elements it has and how long it is, is taken
// from the elements, so that no single field has to be right.
func (s *salvager) readLeaf(at, size int64) *node {
	page := make([]byte, pageSize)
	if got, _ := s.f.ReadAt(page, at); got < pageHeader+elementSize {
		return nil
	}
	signs := 0
	for _, sign := range []bool{
		order.Uint64(page) == uint64(at/pageSize), // #nosec G115 -- a file's length
		order.Uint16(page[8:]) == flagLeaf,
		order.Uint32(page[12:]) < maxNode/pageSize,
	} {
		if sign {
			signs++
		}
	}
	if signs < 2 {
		return nil
	}
	n := &node{flags: flagLeaf, data: page}
	n.guessCount()
	end := uint64(pageSize)
	for i := range n.count {
		pos, length, _ := n.extent(i)
		if pos+length <= min(maxNode, uint64(size-at)) { // #nosec G115 -- at < size
			end = max(end, pos+length)
		}
	}
	if end > pageSize {
		n.data = make([]byte, end)
		if got, _ := s.f.ReadAt(n.data, at); got < pageSize {
			return nil
		}
	}
	return n
}

// guessCount takes the number of elements from the header, or from where the
// first key begins if that is more; it keeps within what one page holds.
func (n *node) guessCount() {
	n.count = int(order.Uint16(n.data[10:]))
	first := int(order.Uint32(n.data[pageHeader+4:])) / elementSize
	n.count = min(max(n.count, first), (min(len(n.data), pageSize)-pageHeader)/elementSize)
}

// leaf takes the elements of a leaf page that lie inside it.
func (s *salvager) leaf(n *node) error {
	for i := range n.count {
		if !n.inside(i) {
			continue
		}
		var err error
		if n.elementFlags(i) == elementBucket {
			err = s.inline(n.value(i))
		} else {
			err = s.value(n.key(i), n.value(i))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inside reports whether element i lies inside the node, wherever the others are.
func (n *node) inside(i int) bool {
	if pageHeader+(i+1)*elementSize > len(n.data) {
		return false
	}
	pos, size, keyLen := n.extent(i)
	return keyLen > 0 && pos+size <= uint64(len(n.data))
}

// inline searches the page inside a bucket's value.
func (s *salvager) inline(value []byte) error {
	if len(value) < 16+pageHeader || order.Uint64(value) != 0 {
		return nil
	}
	n := &node{flags: flagLeaf, data: value[16:]}
	if len(n.data) < pageHeader+elementSize {
		return nil
	}
	n.guessCount()
	return s.leaf(n)
}

// value keeps a value if it authenticates in a bucket that its key fits.
func (s *salvager) value(key, value []byte) error {
	if string(key) == keyHeader {
		if err := checkHeader(value, s.box); errors.Is(err, ErrWrongKey) || errors.Is(err, ErrSchema) {
			return err
		}
	}
	for b, length := range keyLengths {
		if notSalvaged[b] || length != 0 && length != len(key) || length == 0 && len(key) > maxName {
			continue
		}
		if gen, ok := s.good(b, key, value); ok {
			return s.keep(salvaged{b, slices.Clone(key), slices.Clone(value)}, gen)
		}
	}
	return nil
}

// good reports whether a value authenticates in a bucket and is sound, and
// gives its generation.
func (s *salvager) good(b bucket, key, value []byte) (gen uint64, ok bool) {
	raw, err := s.box.open(b, key, value)
	if err != nil {
		return 0, false
	}
	r := newRow(b, key)
	if r == nil || decodeRow(raw, r) != nil {
		return 0, false
	}
	gen, err = generation(b, value)
	return gen, err == nil
}

func (s *salvager) keep(v salvaged, gen uint64) error {
	s.gen = max(s.gen, gen)
	s.batch = append(s.batch, v)
	if s.bytes += len(v.value); len(s.batch) >= salvageBatch || s.bytes >= salvageBytes {
		return s.flush()
	}
	return nil
}

// flush writes the batch; of two versions of a value the newer one stays.
func (s *salvager) flush() error {
	err := s.db.Update(func(t *bbolt.Tx) error {
		for _, v := range s.batch {
			bk := t.Bucket([]byte(v.bucket))
			if old := bk.Get(v.key); old != nil {
				had, err := generation(v.bucket, old)
				if err != nil {
					return err
				}
				if got, err := generation(v.bucket, v.value); err != nil || got <= had {
					continue
				}
			}
			if err := bk.Put(v.key, v.value); err != nil {
				return err
			}
		}
		return nil
	})
	s.batch, s.bytes = s.batch[:0], 0
	return err
}

// rewrite calls fn for every value that is in a bucket at the start; fn may
// change any bucket.
func (t *tx) rewrite(b bucket, fn func(key, value []byte) error) error {
	bk := t.bucket(b)
	var key []byte
	for {
		// bbolt's cursors do not outlive a change, so seek anew for each key.
		cur := bk.Cursor()
		next, value := cur.First()
		if key != nil {
			if next, value = cur.Seek(key); next != nil && slices.Equal(next, key) {
				next, value = cur.Next()
			}
		}
		if next == nil {
			return nil
		}
		key = slices.Clone(next)
		if err := fn(key, slices.Clone(value)); err != nil {
			return err
		}
	}
}

// mendQueue gives an entry a state of its own if it has none; mendOwn puts it
// into the outbox.
func (t *tx) mendQueue(p record.PatientID, id []byte) error {
	if t.has(bucketOwn, id) {
		return nil
	}
	return t.put(bucketOwn, id, &ownRow{Patient: p, State: ownQueued, Since: t.now.Unix()})
}

// knownPatients maps keyed hashes back to patients, as far as the cache knows them.
func (t *tx) knownPatients() (map[[indexSize]byte]record.PatientID, error) {
	known := make(map[[indexSize]byte]record.PatientID)
	add := func(p record.PatientID) { known[[indexSize]byte(t.box.name(kindPatient, p[:]))] = p }
	err := t.bucket(bucketPatients).ForEach(func(key, value []byte) error {
		var r patientRow
		if err := t.decode(bucketPatients, key, value, &r); err != nil {
			return err
		}
		add(r.Patient)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = t.bucket(bucketCards).ForEach(func(key, value []byte) error {
		var r cardRow
		if err := t.decode(bucketCards, key, value, &r); err != nil {
			return err
		}
		add(r.Patient)
		return nil
	})
	return known, err
}

// mendAudit cuts the audit chain before its first bad link and goes on with a
// record of the recovery.
func (t *tx) mendAudit(got *Recovered) error {
	end, err := t.auditChain(func(AuditRecord) error { return nil })
	var bad *AuditError
	if err != nil && !errors.As(err, &bad) {
		return err
	}
	got.Audit = end.Seq
	err = t.rewrite(bucketAudit, func(key, _ []byte) error {
		if slices.Compare(key, number(end.Seq)) <= 0 {
			return nil
		}
		_, err := t.drop(bucketAudit, key)
		return err
	})
	if err != nil {
		return err
	}
	if err := t.put(bucketState, []byte(keyAuditHead), &auditHeadRow{Seq: end.Seq, Hash: end.Hash}); err != nil {
		return err
	}
	return t.audit(Audit{Actor: "cache", Action: "recover"}, record.PatientID{})
}
