package extract

import "math/bits"

// skeleton is an image of lines, a byte a pixel, with a margin of one.
type skeleton struct {
	w, h, stride int
	pix          []byte
	around       [8]int // offsets of the neighbours, clockwise from the right
	points       []int  // indexes of the pixels that were set at first, line by line
}

// fill sets the pixels that b has.
func (k *skeleton) fill(b *bitmap) {
	k.w, k.h, k.stride = b.w, b.h, b.w+2
	grow(&k.pix, k.stride*(b.h+2))
	clear(k.pix)
	k.points = k.points[:0]
	for y := range b.h {
		i := k.at(0, y)
		for n, word := range b.row(y) {
			for ; word != 0; word &= word - 1 {
				p := i + 64*n + bits.TrailingZeros64(word)
				k.pix[p] = 1
				k.points = append(k.points, p)
			}
		}
	}
	s := k.stride
	k.around = [8]int{1, s + 1, s, s - 1, -1, -s - 1, -s, -s + 1}
}

func (k *skeleton) at(x, y int) int { return (y+1)*k.stride + x + 1 }

// xy returns the pixel of an index.
func (k *skeleton) xy(i int) (x, y int) { return i%k.stride - 1, i/k.stride - 1 }

// ring returns the neighbours of a pixel as bits, in the order of around.
func (k *skeleton) ring(i int) byte {
	p := k.pix
	s := k.stride
	up, mid, down := p[i-s-1:i-s+2:i-s+2], p[i-1:i+2:i+2], p[i+s-1:i+s+2:i+s+2]
	return mid[2] | down[2]<<1 | down[1]<<2 | down[0]<<3 | mid[0]<<4 | up[0]<<5 | up[1]<<6 | up[2]<<7
}

// crossings is how many lines meet in a pixel, for every ring of neighbours.
var crossings = func() (all [256]uint8) {
	for r := range all {
		next := r>>1 | r&1<<7
		all[r] = uint8(bits.OnesCount8(uint8(next &^ r))) // #nosec G115 -- at most 4
	}
	return all
}()
