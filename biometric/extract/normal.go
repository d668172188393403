package extract

import (
	"encoding/binary"
	"image"
)

// Values of the plane that is made even before it is blurred: so much lower, so
// that the sums of the blur fit their lanes.
const (
	rawZero = 128
	rawMost = 5 * unit / 2
)

// normalise subtracts the local mean and divides by the local deviation, so
// that ridges have one height everywhere, and smooths a little. It fills
// s.contrast, the deviation of each block in grey levels.
func (s *state) normalise(img *image.Gray) {
	n := s.gw * s.gh
	mean, power := grow(&s.tmp[0], n), grow(&s.tmp[1], n)
	for by := range s.gh {
		for bx := range s.gw {
			var sum, square, count int
			for y := by * block; y < min(by*block+block, s.h); y++ {
				line := img.Pix[y*img.Stride+bx*block : y*img.Stride+min(bx*block+block, s.w)]
				for _, v := range line {
					sum += int(v)
					square += int(v) * int(v)
				}
				count += len(line)
			}
			i := by*s.gw + bx
			mean[i] = float32(sum) / float32(count)
			power[i] = float32(square) / float32(count)
		}
	}
	contrast := grow(&s.contrast, n)
	for i, m := range mean {
		contrast[i] = sqrt(max(0, power[i]-m*m))
	}
	s.smooth(mean, gauss12)
	s.smooth(power, gauss12)
	// Whole numbers: grey levels in 256ths, units of a grey level in 1024ths.
	means, gains := grow(&s.fixed[0], n), grow(&s.fixed[1], n)
	for i, m := range mean {
		means[i] = int32(m * 256)
		gains[i] = int32(unit * 1024 / (sqrt(max(0, power[i]-m*m)) + 3))
	}
	s.scratch.reset(s.w, s.h, rawZero)
	for y := range s.h {
		s.even(img.Pix[y*img.Stride:y*img.Stride+s.w], y, means, gains)
	}
	s.blur(&s.scratch, &s.flat)
}

// even fills line y of s.scratch from a line of the image, with means and gains
// between the blocks' middles.
func (s *state) even(line []byte, y int, means, gains []int32) {
	// Sixteenths of the way from the middle of one block to the next.
	at := max(2*y+1-block, 0)
	y0 := min(at/(2*block), s.gh-1)
	y1 := min(y0+1, s.gh-1)
	part := int32(at % (2 * block)) // #nosec G115 -- less than 16
	ms, gs := grow(&s.fixed[2], s.gw+1), grow(&s.fixed[3], s.gw+1)
	for i := range s.gw {
		ms[i] = 16*means[y0*s.gw+i] + part*(means[y1*s.gw+i]-means[y0*s.gw+i])
		gs[i] = 16*gains[y0*s.gw+i] + part*(gains[y1*s.gw+i]-gains[y0*s.gw+i])
	}
	ms[s.gw], gs[s.gw] = ms[s.gw-1], gs[s.gw-1]
	out := s.scratch.pix[s.scratch.at(0, y):][:2*len(line)]
	for x, i := 0, -1; x < len(line); i++ {
		// From the middle of block i to that of the next one.
		m, g := ms[max(i, 0)], gs[max(i, 0)]
		dm, dg := (ms[i+1]-m)/block, (gs[i+1]-g)/block
		m += dm / 2
		g += dg / 2
		for end := min(i*block+block+block/2, len(line)); x < end; x++ {
			d := int32(line[x])<<8 - m>>4
			v := min(max((d*(g>>4)+1<<17)>>18, -rawMost), rawMost)
			binary.LittleEndian.PutUint16(out[2*x:], uint16(rawZero+v)) // #nosec G115 -- positive
			m += dm
			g += dg
		}
	}
}

// blur convolves src with 1 4 6 4 1 in both directions; the lines above, below,
// left and right of the image count as zeros. The level of src is rawZero.
func (s *state) blur(src, dst *plane) {
	dst.reset(s.w, s.h, zero)
	words := (s.w+lanes-1)/lanes + 2 // one more on either side
	column := grow(&s.column, 8*words)
	st := src.stride
	for y := range s.h {
		i := src.at(-lanes, y)
		for k := 0; k < 8*words; k += 8 {
			v := load(src.pix, i+k-2*st) + load(src.pix, i+k+2*st) + 4*(load(src.pix, i+k-st)+load(src.pix, i+k+st)) + 6*load(src.pix, i+k)
			store(column, k, v)
		}
		o := dst.at(0, y)
		for k := 8; k < 8*words-8; k += 8 {
			v := load(column, k-4) + load(column, k+4) + 4*(load(column, k-2)+load(column, k+2)) + 6*load(column, k)
			store(dst.pix, o+k-8, (v+128*each)>>8&(0xFF*each)+(zero-rawZero)*each)
		}
		store(dst.pix, dst.at(s.w, y), zero*each)
	}
}
