package extract

import "math/bits"

// skeleton is an image of lines, a byte a pixel, with a margin of one.
type skeleton struct {
	w, h, stride int
	pix          []byte
	around       [8]int // offsets of the neighbours, clockwise from the right
}

func (k *skeleton) reset(w, h int) {
	k.w, k.h, k.stride = w, h, w+2
	grow(&k.pix, k.stride*(h+2))
	clear(k.pix)
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

// For every ring of neighbours: whether the pixel in its middle can go without
// that lines break, join or get shorter; and how many lines meet in it.
var (
	removable [256]bool
	crossings [256]uint8
)

func init() {
	for r := range 256 {
		bit := func(i int) int { return r >> (i & 7) & 1 }
		lines, joined := 0, 0
		for i := range 8 {
			if bit(i) == 0 && bit(i+1) == 1 {
				lines++
			}
		}
		// Yokoi's number of connected parts in the 8-neighbourhood.
		for i := 0; i < 8; i += 2 {
			a, b, c := 1-bit(i), 1-bit(i+1), 1-bit(i+2)
			joined += a - a*b*c
		}
		crossings[r] = uint8(lines) // #nosec G115 -- at most 4
		removable[r] = joined == 1 && bits.OnesCount8(uint8(r)) > 1
	}
}

// thin reduces what is set in k to lines of one pixel: in turns from the four
// sides, only pixels that have nothing on that side.
func (k *skeleton) thin(s *state) {
	border := s.border[:0]
	for y := range k.h {
		i := k.at(0, y)
		for range k.w {
			if k.pix[i] != 0 && (k.pix[i-1]&k.pix[i+1]&k.pix[i-k.stride]&k.pix[i+k.stride]) == 0 {
				border = append(border, i)
			}
			i++
		}
	}
	listed := grow(&s.listed, len(k.pix))
	clear(listed)
	for _, i := range border {
		listed[i] = true
	}
	sides := [4]int{-k.stride, k.stride, -1, 1}
	picked := s.picked[:0]
	for changed := true; changed; {
		changed = false
		for _, side := range sides {
			picked = picked[:0]
			for _, i := range border {
				if k.pix[i+side] == 0 && removable[k.ring(i)] {
					picked = append(picked, i)
				}
			}
			for _, i := range picked {
				if removable[k.ring(i)] {
					k.pix[i] = 0
					changed = true
					for _, d := range [4]int{1, -1, k.stride, -k.stride} {
						if k.pix[i+d] != 0 && !listed[i+d] {
							listed[i+d] = true
							border = append(border, i+d)
						}
					}
				}
			}
			kept := border[:0]
			for _, i := range border {
				if k.pix[i] != 0 {
					kept = append(kept, i)
				}
			}
			border = kept
		}
	}
	s.border, s.picked = border, picked
}
