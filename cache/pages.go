package cache

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
)

// The file format of bbolt, version 2, as far as it is needed to check a file
// or to salvage one without mapping it. All numbers are in native byte order.
//
//	page    id u64 | flags u16 | count u16 | overflow u32 | content
//	meta    magic u32 | version u32 | page size u32 | flags u32 |
//	        root u64 | sequence u64 | freelist u64 | high-water mark u64 | txid u64 | FNV-1a u64
//	branch  count * { pos u32 | key length u32 | page u64 } | keys
//	leaf    count * { flags u32 | pos u32 | key length u32 | value length u32 } | keys and values
//	bucket  (value of a leaf element with flag 1) root u64 | sequence u64 | [inline leaf page, when root is 0]
//
// A pos counts from the start of its own element. Keys and values stand in the
// order of their elements, without gaps, from the end of the last element on.
const (
	pageSize    = 4096 // of every cache file, on every platform
	pageHeader  = 16
	metaSize    = 64
	elementSize = 16

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10

	boltMagic   = 0xED0CDAED
	boltVersion = 2

	elementBucket = 0x01

	// maxNode bounds the bytes of one page with its overflow pages: bbolt keeps
	// up to four elements together, however large.
	maxNode = 5 * maxList
	// maxDepth bounds the levels of a tree.
	maxDepth = 32
)

var order = binary.NativeEndian

type meta struct {
	root, freelist, hwm, txid uint64
}

// readMeta reads meta page 0 or 1. It owes ErrCorrupt and the reader's errors.
func readMeta(f io.ReaderAt, index uint64) (meta, error) {
	var m meta
	buf := make([]byte, pageHeader+metaSize)
	if err := readAt(f, buf, index*pageSize); err != nil {
		return m, err
	}
	id, flags := order.Uint64(buf), order.Uint16(buf[8:])
	b := buf[pageHeader:]
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSize-8]) // never fails
	switch {
	case id != index || flags != flagMeta:
		return m, corrupt("meta page %d: bad header", index)
	case order.Uint32(b) != boltMagic || order.Uint32(b[4:]) != boltVersion || order.Uint32(b[8:]) != pageSize:
		return m, corrupt("meta page %d: bad magic, version or page size", index)
	case order.Uint64(b[metaSize-8:]) != sum.Sum64():
		return m, corrupt("meta page %d: bad checksum", index)
	}
	m = meta{root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]), hwm: order.Uint64(b[40:]), txid: order.Uint64(b[48:])}
	if m.txid%2 != index {
		return m, corrupt("meta page %d: transaction in the wrong place", index)
	}
	return m, nil
}

// readAt fills buf; a file that ends too early is ErrCorrupt.
func readAt(f io.ReaderAt, buf []byte, off uint64) error {
	n, err := f.ReadAt(buf, int64(off)) // #nosec G115 -- bounded by the length of the file
	if n == len(buf) {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return corrupt("file ends at page %d", off/pageSize)
	}
	return err
}

// node is one page with its overflow pages, checked so far that flags, count,
// lengths and offsets are sound.
type node struct {
	id    uint64
	flags uint16
	count int
	pages uint64
	data  []byte // the whole, with the header
}

// readNode reads the node at page id; pages is the number of pages in the
// file. It owes ErrCorrupt and the reader's errors.
func readNode(f io.ReaderAt, id, pages uint64) (*node, error) {
	if id < 2 || id >= pages {
		return nil, corrupt("page %d outside the file", id)
	}
	buf := make([]byte, pageSize)
	if err := readAt(f, buf, id*pageSize); err != nil {
		return nil, err
	}
	n := &node{
		id: order.Uint64(buf), flags: order.Uint16(buf[8:]), count: int(order.Uint16(buf[10:])),
		pages: uint64(order.Uint32(buf[12:])) + 1,
	}
	if n.id != id {
		return nil, corrupt("page %d names itself otherwise", id)
	}
	if n.pages > pages-id || n.flags != flagFreelist && n.pages*pageSize > maxNode {
		return nil, corrupt("page %d: %d overflow pages", id, n.pages-1)
	}
	if n.pages > 1 {
		buf = make([]byte, n.pages*pageSize)
		if err := readAt(f, buf, id*pageSize); err != nil {
			return nil, err
		}
	}
	n.data = buf
	return n, n.sound()
}

// inlineNode reads the page inside the value of a bucket.
func inlineNode(value []byte) (*node, error) {
	if len(value) < 16+pageHeader {
		return nil, corrupt("inline bucket of %d bytes", len(value))
	}
	b := value[16:]
	n := &node{flags: order.Uint16(b[8:]), count: int(order.Uint16(b[10:])), data: b}
	if order.Uint64(b) != 0 || n.flags != flagLeaf || order.Uint32(b[12:]) != 0 {
		return nil, corrupt("inline bucket: bad header")
	}
	end, err := n.elements()
	if err != nil {
		return nil, err
	}
	if end != len(b) {
		return nil, corrupt("inline bucket: %d bytes behind the last value", len(b)-end)
	}
	return n, nil
}

func (n *node) sound() error {
	switch n.flags {
	case flagBranch, flagLeaf:
		if n.count == 0 {
			return corrupt("page %d: no elements", n.id)
		}
		_, err := n.elements()
		return err
	case flagFreelist:
		return nil
	default:
		return corrupt("page %d: flags %#x", n.id, n.flags)
	}
}

// elements checks every element's place and returns the end of the last one.
func (n *node) elements() (int, error) {
	end := pageHeader + n.count*elementSize
	if end > len(n.data) {
		return 0, corrupt("page %d: %d elements", n.id, n.count)
	}
	for i := range n.count {
		pos, size, keyLen := n.extent(i)
		if uint64(end) != pos || keyLen == 0 || keyLen > size || size > uint64(len(n.data)-end) { // #nosec G115 -- end is inside data
			return 0, corrupt("page %d: element %d out of place", n.id, i)
		}
		end += int(size) // #nosec G115 -- at most the length of data
	}
	return end, nil
}

// extent returns where element i's key begins, the length of key and value
// together, and of the key.
func (n *node) extent(i int) (pos, size, keyLen uint64) {
	at := uint64(pageHeader + i*elementSize) // #nosec G115 -- i is an index
	e := n.data[at : at+elementSize]
	if n.flags == flagBranch {
		keyLen = uint64(order.Uint32(e[4:]))
		return at + uint64(order.Uint32(e)), keyLen, keyLen
	}
	keyLen = uint64(order.Uint32(e[8:]))
	return at + uint64(order.Uint32(e[4:])), keyLen + uint64(order.Uint32(e[12:])), keyLen
}

func (n *node) key(i int) []byte {
	pos, _, keyLen := n.extent(i)
	return n.data[pos : pos+keyLen : pos+keyLen]
}

func (n *node) value(i int) []byte {
	pos, size, keyLen := n.extent(i)
	return n.data[pos+keyLen : pos+size : pos+size]
}

// child returns the page that branch element i leads to.
func (n *node) child(i int) uint64 {
	return order.Uint64(n.data[pageHeader+i*elementSize+8:])
}

// elementFlags returns the flags of leaf element i.
func (n *node) elementFlags(i int) uint32 {
	return order.Uint32(n.data[pageHeader+i*elementSize:])
}

// free returns the page numbers of a freelist node.
func (n *node) free() ([]uint64, error) {
	if n.flags != flagFreelist {
		return nil, corrupt("page %d: not a freelist", n.id)
	}
	body, count := n.data[pageHeader:], uint64(n.count) // #nosec G115 -- at most 65535
	if count == 0xFFFF {
		count = order.Uint64(body)
		body = body[8:]
	}
	if count > uint64(len(body)/8) {
		return nil, corrupt("freelist of %d pages", count)
	}
	ids := make([]uint64, count)
	for i := range ids {
		ids[i] = order.Uint64(body[8*i:])
	}
	return ids, nil
}
