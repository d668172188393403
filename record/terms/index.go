package terms

import "slices"

// index finds the place of a code: open addressing with linear probing over a
// power of two of cells, at most half of them taken. It is made for the short
// digits and letters of codes, and every code of an entry is looked up, when it
// is written and when it is read.
type index struct {
	cells []uint32 // number in list plus one, 0 for none
	list  []indexCell
}

type indexCell struct {
	code  Code
	place place
}

func (x *index) get(c Code) (place, bool) {
	if len(x.cells) == 0 {
		return place{}, false
	}
	mask := uint64(len(x.cells) - 1) // #nosec G115 -- at least 64 cells
	for i := hashOf(c) & mask; ; i = (i + 1) & mask {
		n := x.cells[i]
		if n == 0 {
			return place{}, false
		}
		if cell := &x.list[n-1]; cell.code == c {
			return cell.place, true
		}
	}
}

// put adds a code that is not there.
func (x *index) put(c Code, p place) {
	x.list = append(x.list, indexCell{c, p})
	if 2*len(x.list) > len(x.cells) {
		x.cells = make([]uint32, max(64, 2*len(x.cells)))
		for n := range x.list {
			x.set(n)
		}
		return
	}
	x.set(len(x.list) - 1)
}

func (x *index) set(n int) {
	mask := uint64(len(x.cells) - 1) // #nosec G115 -- at least 64 cells
	i := hashOf(x.list[n].code) & mask
	for x.cells[i] != 0 {
		i = (i + 1) & mask
	}
	x.cells[i] = uint32(n) + 1 // #nosec G115 -- at most the rows of all slots
}

func (x *index) clone() index {
	return index{slices.Clone(x.cells), slices.Clone(x.list)}
}

// hashOf mixes eight bytes at a time by an odd factor.
func hashOf(c Code) uint64 {
	const factor = 0x9e3779b97f4a7c15
	s := c.Value
	h := uint64(c.System)<<32 + uint64(len(s))
	for len(s) >= 8 {
		h = (h ^ load(s)) * factor
		h ^= h >> 29
		s = s[8:]
	}
	for i := range len(s) {
		h ^= uint64(s[i]) << (8 * i)
	}
	h *= factor
	return h ^ h>>32
}

func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
