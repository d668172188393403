package trust

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"sort"
)

// rows is a table of fixed-width rows in ascending order of a key at their
// start, kept as it stood in the signed list. The keys are hashes or random
// numbers, so a lookup by their first bits meets one or two rows; a table
// made to cluster costs a binary search and no more.
type rows struct {
	data    []byte
	width   int
	keyLen  int      // at least 4
	shift   int      // 32 less the bits that choose a bucket
	buckets []uint32 // first row of each bucket, and the end
}

// newRows takes over data. It owes ErrFormat, and ErrDuplicateKey for keys
// that are not strictly ascending.
func newRows(data []byte, width, keyLen int) (*rows, error) {
	if len(data)%width != 0 {
		return nil, fmt.Errorf("table of %d bytes: %w", len(data), ErrFormat)
	}
	n := len(data) / width
	r := &rows{data: data, width: width, keyLen: keyLen}
	depth := min(bits.Len(uint(n)), 16)
	r.shift = 32 - depth
	r.buckets = make([]uint32, 1<<depth+1)
	next := 0
	for i := range n {
		if i > 0 && bytes.Compare(r.key(i-1), r.key(i)) >= 0 {
			return nil, fmt.Errorf("row %d: %w: %w", i, ErrFormat, ErrDuplicateKey)
		}
		for b := r.bucket(r.key(i)); next <= b; next++ {
			r.buckets[next] = uint32(i) // #nosec G115 -- bounded by the size of a message
		}
	}
	for ; next < len(r.buckets); next++ {
		r.buckets[next] = uint32(n) // #nosec G115 -- bounded by the size of a message
	}
	return r, nil
}

func (r *rows) len() int { return len(r.data) / r.width }

func (r *rows) row(i int) []byte { return r.data[i*r.width : (i+1)*r.width] }

func (r *rows) key(i int) []byte { return r.data[i*r.width : i*r.width+r.keyLen] }

func (r *rows) bucket(key []byte) int {
	first := uint64(key[0])<<24 | uint64(key[1])<<16 | uint64(key[2])<<8 | uint64(key[3])
	return int(first >> r.shift) // #nosec G115 -- at most 16 bits
}

// find returns the row that begins with key.
func (r *rows) find(key []byte) ([]byte, bool) {
	b := r.bucket(key)
	lo, hi := int(r.buckets[b]), int(r.buckets[b+1])
	i := lo + sort.Search(hi-lo, func(i int) bool { return bytes.Compare(r.key(lo+i), key) >= 0 })
	if i == hi || !bytes.Equal(r.key(i), key) {
		return nil, false
	}
	return r.row(i), true
}

// sortRows joins rows in ascending order.
func sortRows(list [][]byte) []byte {
	slices.SortFunc(list, bytes.Compare)
	return slices.Concat(list...)
}
