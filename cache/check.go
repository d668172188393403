package cache

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
)

const (
	keyHeader  = "header"
	headerName = "dhamani cache\x00"
	headerSize = len(headerName) + 4 + 16 + 4

	schemaVersion = 1
)

// found is what a check learned on its way.
type found struct {
	gen                uint64 // the highest generation
	outbox, quarantine int64
}

// checker walks all pages of a file without mapping it.
type checker struct {
	f       io.ReaderAt
	box     *box
	hwm     uint64
	seen    []uint64 // one bit a page
	buckets map[bucket]bool
	found   found
}

// checkFile reads a whole file of the given length and authenticates every
// value. It owes ErrCorrupt, ErrWrongKey, ErrSchema and the reader's errors.
func checkFile(f io.ReaderAt, size int64, b *box) (found, error) {
	var none found
	m0, err := readMeta(f, 0)
	if err != nil {
		return none, err
	}
	m1, err := readMeta(f, 1)
	if err != nil {
		return none, err
	}
	m := m0
	if m1.txid > m0.txid {
		m = m1
	}
	pages := uint64(size) / pageSize // #nosec G115 -- a file's length
	switch {
	case m0.txid+1 != m1.txid && m1.txid+1 != m0.txid:
		return none, corrupt("meta pages are not of neighbouring transactions")
	case m0.hwm > pages || m1.hwm > pages:
		return none, corrupt("file of %d pages, %d in use", pages, m.hwm)
	}
	c := &checker{
		f: f, box: b, hwm: m.hwm, seen: make([]uint64, m.hwm/64+1),
		buckets: make(map[bucket]bool),
	}
	if err := c.root(m.root); err != nil {
		return none, err
	}
	return c.found, c.free(m.freelist)
}

// mark notes the use of a node's pages; each may be used once.
func (c *checker) mark(first, count uint64) error {
	for id := first; id < first+count; id++ {
		if id < 2 || id >= c.hwm {
			return corrupt("page %d outside the file", id)
		}
		if c.seen[id/64]&(1<<(id%64)) != 0 {
			return corrupt("page %d used twice", id)
		}
		c.seen[id/64] |= 1 << (id % 64)
	}
	return nil
}

// root reads the tree of buckets. The header's bucket is read first, so that
// another key or schema is told apart from damage.
func (c *checker) root(page uint64) error {
	type top struct {
		name  bucket
		value []byte
	}
	var tops []top
	err := c.walk(page, nil, nil, 0, func(n *node, i int) error {
		if n.elementFlags(i) != elementBucket || len(tops) > len(keyLengths) {
			return corrupt("unexpected element among the buckets")
		}
		tops = append(tops, top{bucket(n.key(i)), bytes.Clone(n.value(i))})
		return nil
	})
	if err != nil {
		return err
	}
	for _, meta := range []bool{true, false} {
		for _, t := range tops {
			if (t.name == bucketMeta) != meta {
				continue
			}
			if err := c.bucket(t.name, t.value); err != nil {
				return err
			}
		}
		if meta && !c.buckets[bucketMeta] {
			return corrupt("no header")
		}
	}
	if want := len(keyLengths) + 1; len(c.buckets) != want {
		return corrupt("%d buckets, want %d", len(c.buckets), want)
	}
	return nil
}

// bucket reads one bucket from its value in the root tree.
func (c *checker) bucket(name bucket, value []byte) error {
	if _, known := keyLengths[name]; !known && name != bucketMeta {
		return corrupt("unknown bucket")
	}
	if len(value) < 16 || order.Uint64(value[8:]) != 0 { // no bucket has a sequence
		return corrupt("bucket %s: bad header", name)
	}
	c.buckets[name] = true
	visit := func(n *node, i int) error {
		if n.elementFlags(i) != 0 {
			return corrupt("bucket %s: nested bucket", name)
		}
		return c.value(name, n.key(i), n.value(i))
	}
	root := order.Uint64(value)
	if root != 0 {
		if len(value) != 16 {
			return corrupt("bucket %s: bad header", name)
		}
		return c.walk(root, nil, nil, 0, visit)
	}
	n, err := inlineNode(value)
	if err != nil {
		return err
	}
	return leaf(n, nil, nil, visit)
}

// walk reads the tree under a page, whose keys lie in low <= key < high; a nil
// bound is none.
func (c *checker) walk(page uint64, low, high []byte, depth int, visit func(*node, int) error) error {
	if depth > maxDepth {
		return corrupt("tree of more than %d levels", maxDepth)
	}
	n, err := readNode(c.f, page, c.hwm)
	if err != nil {
		return err
	}
	if err := c.mark(page, n.pages); err != nil {
		return err
	}
	switch n.flags {
	case flagLeaf:
		return leaf(n, low, high, visit)
	case flagBranch:
		for i := range n.count {
			key, next := n.key(i), high
			if i+1 < n.count {
				next = n.key(i + 1)
			}
			if !between(key, low, high) || i+1 < n.count && bytes.Compare(key, next) >= 0 {
				return corrupt("page %d: key %d out of order", page, i)
			}
			if err := c.walk(n.child(i), key, next, depth+1, visit); err != nil {
				return err
			}
		}
		return nil
	default:
		return corrupt("page %d: not part of a tree", page)
	}
}

func leaf(n *node, low, high []byte, visit func(*node, int) error) error {
	for i := range n.count {
		key := n.key(i)
		if !between(key, low, high) || i > 0 && bytes.Compare(n.key(i-1), key) >= 0 {
			return corrupt("page %d: key %d out of order", n.id, i)
		}
		if err := visit(n, i); err != nil {
			return err
		}
	}
	return nil
}

func between(key, low, high []byte) bool {
	return bytes.Compare(key, low) >= 0 && (high == nil || bytes.Compare(key, high) < 0)
}

// value checks one key and value of a bucket.
func (c *checker) value(b bucket, key, value []byte) error {
	if b == bucketMeta {
		if string(key) != keyHeader {
			return corrupt("unknown key in meta")
		}
		return checkHeader(value, c.box)
	}
	if want := keyLengths[b]; want != 0 && len(key) != want || want == 0 && len(key) > maxName {
		return corrupt("key of %d bytes in %s", len(key), b)
	}
	gen, err := generation(b, value)
	if err != nil {
		return err
	}
	c.found.gen = max(c.found.gen, gen)
	if b == bucketOutbox {
		c.found.outbox++
	}
	if b == bucketQuarantine {
		c.found.quarantine++
	}
	raw, err := c.box.open(b, key, value)
	if err != nil || b == bucketEntries { // what authenticates was encoded here
		return err
	}
	r := newRow(b, key)
	if r == nil {
		return corrupt("unknown key in %s", b)
	}
	return decodeRow(raw, r)
}

// free checks that the freelist holds exactly the pages that no tree uses.
func (c *checker) free(page uint64) error {
	n, err := readNode(c.f, page, c.hwm)
	if err != nil {
		return err
	}
	if err := c.mark(page, n.pages); err != nil {
		return err
	}
	ids, err := n.free()
	if err != nil {
		return err
	}
	for i, id := range ids {
		if i > 0 && id <= ids[i-1] {
			return corrupt("freelist not in order")
		}
		if err := c.mark(id, 1); err != nil {
			return err
		}
	}
	for id := uint64(2); id < c.hwm; id++ {
		if c.seen[id/64]&(1<<(id%64)) == 0 {
			return corrupt("page %d neither used nor free", id)
		}
	}
	return nil
}

// header returns the plain value that says what the file is.
//
//	name (14) | schema u32 BE | key check (16) | CRC-32 of all that u32 BE
func header(b *box) []byte {
	out := append(make([]byte, 0, headerSize), headerName...)
	out = binary.BigEndian.AppendUint32(out, schemaVersion)
	out = append(out, b.keyID[:]...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
}

// checkHeader owes ErrCorrupt, ErrSchema and ErrWrongKey.
func checkHeader(value []byte, b *box) error {
	if len(value) != headerSize || string(value[:len(headerName)]) != headerName {
		return corrupt("header")
	}
	body, sum := value[:headerSize-4], binary.BigEndian.Uint32(value[headerSize-4:])
	switch {
	case crc32.ChecksumIEEE(body) != sum:
		return corrupt("header: bad checksum")
	case binary.BigEndian.Uint32(body[len(headerName):]) != schemaVersion:
		return ErrSchema
	case !bytes.Equal(body[len(headerName)+4:], b.keyID[:]):
		return ErrWrongKey
	}
	return nil
}
