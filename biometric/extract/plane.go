package extract

import "encoding/binary"

// pad is the margin in pixels around a plane: the reach of every filter, so
// that none has to look where the image ends.
const pad = 24

// plane is an image of numbers with a margin of zeros. A pixel takes two bytes,
// little-endian, and is not negative: its value plus zero. So four of them in a
// word are added, and multiplied by whole numbers of either sign, at once, as
// long as each result fits its lane.
type plane struct {
	w, h   int
	stride int // bytes of a line
	pix    []byte
}

const (
	unit = 27  // what the deviation of a clear print is in a plane
	zero = 256 // what stands for 0; values reach from -zero to zero-1

	each  = 0x0001_0001_0001_0001 // times a number: the number in every lane
	lanes = 4                     // pixels of a word
)

// reset makes a plane of w times h pixels, all of which are the number level.
func (p *plane) reset(w, h int, level uint64) {
	p.w, p.h, p.stride = w, h, 2*(w+2*pad)
	n := p.stride * (h + 2*pad)
	grow(&p.pix, n)
	store(p.pix, 0, each*level)
	for k := 8; k < n; k *= 2 {
		copy(p.pix[k:], p.pix[:k])
	}
}

// at returns the index of pixel x, y.
func (p *plane) at(x, y int) int { return (y+pad)*p.stride + 2*(x+pad) }

// value returns the value at an index.
func (p *plane) value(i int) int { return int(binary.LittleEndian.Uint16(p.pix[i:])) - zero }

// load returns the four pixels from index i on.
func load(pix []byte, i int) uint64 { return binary.LittleEndian.Uint64(pix[i : i+8 : i+8]) }

// store sets the four pixels from index i on.
func store(pix []byte, i int, word uint64) { binary.LittleEndian.PutUint64(pix[i:i+8:i+8], word) }

// lane returns a pixel of a word, less base.
func lane(word uint64, n uint, base int32) int32 {
	return int32(uint16(word>>(16*n&63))) - base // #nosec G115 -- a lane is cut out
}

// darkOf tells of each pixel of a word, in the lowest bits, whether its value is
// below 0.
func darkOf(word uint64) uint64 {
	return (^word >> 8 & each) * (1<<48 | 1<<33 | 1<<18 | 1<<3) >> 48 & 0xF
}

// grow returns *b with n elements of any value.
func grow[T any](b *[]T, n int) []T {
	if cap(*b) < n {
		*b = make([]T, n)
	}
	*b = (*b)[:n]
	return *b
}
