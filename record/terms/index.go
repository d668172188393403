package terms

import "slices"

// index finds the place of a code: open addressing with linear probing over a
// power of two of cells, at most half of them taken. It is made for the short
// digits and letters of codes, and every code of an entry is looked up, when it
// is written and when it is read.
type index struct {
	cells []indexCell
	list  []listed
}

type indexCell struct {
	tag uint32 // of the code's hash what does not choose the cell
	n   uint32 // number in list plus one, 0 for none
}

type listed struct {
	code  Code
	word  uint64 // the value, when it has four to eight bytes: then nothing else needs to be compared
	place place
}

func (x *index) get(c Code) (place, bool) {
	if len(x.cells) == 0 {
		return place{}, false
	}
	h, word := hashOf(&c)
	for i := int(h); ; i++ { // #nosec G115 -- only its low bits count
		cell := x.cells[i&(len(x.cells)-1)]
		if cell.n == 0 {
			return place{}, false
		}
		if cell.tag != uint32(h>>32) {
			continue
		}
		found := &x.list[cell.n-1]
		if found.word == word && found.code.System == c.System && len(found.code.Value) == len(c.Value) &&
			(word != 0 || found.code.Value == c.Value) {
			return found.place, true
		}
	}
}

// put adds a code that is not there.
func (x *index) put(c Code, p place) {
	_, word := hashOf(&c)
	x.list = append(x.list, listed{c, word, p})
	if 2*len(x.list) > len(x.cells) {
		x.cells = make([]indexCell, max(64, 2*len(x.cells)))
		for n := range x.list {
			x.set(n)
		}
		return
	}
	x.set(len(x.list) - 1)
}

func (x *index) set(n int) {
	h, _ := hashOf(&x.list[n].code)
	mask := len(x.cells) - 1
	i := int(h) & mask // #nosec G115 -- only its low bits count
	for x.cells[i].n != 0 {
		i = (i + 1) & mask
	}
	x.cells[i] = indexCell{uint32(h >> 32), uint32(n) + 1} // #nosec G115 -- at most the rows of all slots
}

func (x *index) clone() index {
	return index{slices.Clone(x.cells), slices.Clone(x.list)}
}

// hashOf mixes eight bytes at a time by an odd factor. The last two words of four
// or eight bytes overlap where the length is no multiple of theirs. A value of
// four to eight bytes is one word.
func hashOf(c *Code) (h, word uint64) {
	const factor = 0x9e3779b97f4a7c15
	s := c.Value
	h = uint64(c.System)<<32 + uint64(len(s))
	switch {
	case len(s) > 8:
		for t := s; len(t) > 8; t = t[8:] {
			h = (h ^ load(t)) * factor
			h ^= h >> 29
		}
		h ^= load(s[len(s)-8:])
	case len(s) >= 4:
		word = half(s) | half(s[len(s)-4:])<<32
		h ^= word
	default:
		for i := range len(s) {
			h ^= uint64(s[i]) << (8 * i)
		}
	}
	h *= factor
	return h ^ h>>32, word
}

func load(s string) uint64 { return half(s) | half(s[4:])<<32 }

func half(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}
