package extract

import "slices"

// Limits of the foreground.
const (
	floorShare = 0.30 // of the contrast that the print's clear parts have
	leastGrey  = 2.5  // grey levels of deviation of what may hold ridges
	hopeful    = 0.22 // clearness of a block that may be foreground
)

// candidates marks the blocks that may hold ridges, by their contrast, with
// one block around them.
func (s *state) candidates() {
	n := s.gw * s.gh
	sorted := append(grow(&s.tmp[0], n)[:0], s.contrast...)
	slices.Sort(sorted)
	s.floor = max(leastGrey, floorShare*sorted[n*8/10])
	fore := grow(&s.fore, n)
	smooth := append(grow(&s.tmp[1], n)[:0], s.contrast...)
	s.smooth(smooth, gauss10)
	for i, v := range smooth {
		fore[i] = v >= s.floor
	}
	s.spread(fore, true)
}

// spread sets every block that has a neighbour of value v to v.
func (s *state) spread(mask []bool, v bool) {
	old := append(s.bools[:0], mask...)
	s.bools = old
	for y := range s.gh {
		for x := range s.gw {
			i := y*s.gw + x
			if old[i] != v &&
				(x > 0 && old[i-1] == v || x < s.gw-1 && old[i+1] == v || y > 0 && old[i-s.gw] == v || y < s.gh-1 && old[i+s.gw] == v) {
				mask[i] = v
			}
		}
	}
}

// judge fills s.clear, how much of each block's image the filters kept, times
// how coherent its orientation is: 1 is a perfect wave, noise is near 0. The
// foreground is what is clear, without holes and islands.
func (s *state) judge(ridges *plane) {
	n := s.gw * s.gh
	in, out := grow(&s.tmp[0], n), grow(&s.tmp[1], n)
	for by := range s.gh {
		for bx := range s.gw {
			var a, b int32
			for y := by * block; y < min(by*block+block, s.h); y++ {
				i := s.flat.at(bx*block, y)
				for k := 0; k < 2*block; k += 2 * lanes {
					f, r := load(s.flat.pix, i+k), load(ridges.pix, i+k)
					for n := range uint(lanes) {
						v, u := lane(f, n, zero), lane(r, n, zero)
						a += v * v
						b += u * u
					}
				}
			}
			const scale = 1. / (unit * unit)
			in[by*s.gw+bx], out[by*s.gw+bx] = scale*float32(a), scale*float32(b)
		}
	}
	s.smooth(in, gauss10)
	s.smooth(out, gauss10)
	kept := grow(&s.clear, n)
	for i := range n {
		coherence := sqrt(s.ox[i]*s.ox[i] + s.oy[i]*s.oy[i])
		kept[i] = 0
		if s.fore[i] {
			kept[i] = min(1, out[i]/(in[i]+0.5)*1.3) * min(1, coherence*1.2)
		}
	}
	s.smooth(kept, gauss10)
	for i, v := range kept {
		s.fore[i] = v >= hopeful
	}
	s.spread(s.fore, false)
	s.components(false, n/12)
	s.components(true, 24)
	s.spread(s.fore, true)
}

// components turns the connected parts of s.fore of value v that have fewer
// than least blocks into their opposite.
func (s *state) components(v bool, least int) {
	seen := make([]bool, len(s.fore))
	var part []int
	for start := range s.fore {
		if seen[start] || s.fore[start] != v {
			continue
		}
		part = append(part[:0], start)
		seen[start] = true
		edge := false
		for k := 0; k < len(part); k++ {
			i := part[k]
			x, y := i%s.gw, i/s.gw
			edge = edge || x == 0 || y == 0 || x == s.gw-1 || y == s.gh-1
			for _, d := range [4][2]int{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
				if x+d[0] < 0 || x+d[0] >= s.gw || y+d[1] < 0 || y+d[1] >= s.gh {
					continue
				}
				if j := i + d[0] + d[1]*s.gw; !seen[j] && s.fore[j] == v {
					seen[j] = true
					part = append(part, j)
				}
			}
		}
		// Background that reaches the edge of the image is no hole.
		if len(part) < least && (v || !edge) {
			for _, i := range part {
				s.fore[i] = !v
			}
		}
	}
}

// inside reports whether a pixel lies in the foreground.
func (s *state) inside(x, y int) bool {
	return x >= 0 && y >= 0 && x < s.w && y < s.h && s.fore[y/block*s.gw+x/block]
}
