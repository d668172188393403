package extract

import (
	"image"
	"math"
)

// pad is the margin in pixels around a plane: the reach of every filter, so
// that none has to look where the image ends.
const pad = 24

// plane is an image of real numbers with a margin of zeros.
type plane struct {
	w, h, stride int
	pix          []float32
}

func (p *plane) reset(w, h int) {
	p.w, p.h, p.stride = w, h, w+2*pad
	n := p.stride * (h + 2*pad)
	if cap(p.pix) < n {
		p.pix = make([]float32, n)
		return
	}
	p.pix = p.pix[:n]
	clear(p.pix)
}

// at returns the index of pixel x, y.
func (p *plane) at(x, y int) int { return (y+pad)*p.stride + x + pad }

// row returns the pixels of line y without the margin.
func (p *plane) row(y int) []float32 { i := p.at(0, y); return p.pix[i : i+p.w : i+p.w] }

// scaled returns img at about 500 dpi and the scale that was used. Images of
// nearly that resolution stay as they are: the filters follow the ridges.
func scaled(img *image.Gray, dpi float64) (*image.Gray, float64) {
	k := nominalDPI / dpi
	if k > 0.88 && k < 1.13 {
		return img, 1
	}
	b := img.Bounds()
	w, h := max(1, int(math.Round(float64(b.Dx())*k))), max(1, int(math.Round(float64(b.Dy())*k)))
	out := image.NewGray(image.Rect(0, 0, w, h))
	// A box as wide as the step when it shrinks, two lines of neighbours
	// otherwise: neither leaves anything finer than the new pixels.
	xs, ys := taps(w, b.Dx(), k), taps(h, b.Dy(), k)
	for y := range h {
		for x := range w {
			var sum, weight float32
			for _, ty := range ys[y] {
				line := img.Pix[(b.Min.Y-img.Rect.Min.Y+ty.at)*img.Stride+b.Min.X-img.Rect.Min.X:]
				for _, tx := range xs[x] {
					f := tx.weight * ty.weight
					sum += f * float32(line[tx.at])
					weight += f
				}
			}
			out.Pix[y*out.Stride+x] = uint8(sum/weight + 0.5)
		}
	}
	return out, k
}

type tap struct {
	at     int
	weight float32
}

// taps returns for each of n output pixels the input pixels that it is made of.
func taps(n, size int, k float64) [][]tap {
	all := make([][]tap, n)
	reach := max(1, 1/k)
	for i := range all {
		c := (float64(i)+0.5)/k - 0.5
		for j := int(math.Ceil(c - reach)); float64(j) <= c+reach; j++ {
			if f := 1 - math.Abs(float64(j)-c)/reach; f > 0 && j >= 0 && j < size {
				all[i] = append(all[i], tap{j, float32(f)})
			}
		}
		if len(all[i]) == 0 {
			all[i] = []tap{{min(max(int(c), 0), size-1), 1}}
		}
	}
	return all
}

// normalise subtracts the local mean and divides by the local deviation, so
// that ridges have one height everywhere, and smooths a little. It fills
// s.contrast, the deviation of each block in grey levels.
func (s *state) normalise(img *image.Gray) {
	w, h := s.w, s.h
	n := s.gw * s.gh
	mean, power, gain := grow(&s.tmp[0], n), grow(&s.tmp[1], n), grow(&s.tmp[2], n)
	for by := range s.gh {
		for bx := range s.gw {
			var sum, square, count int
			for y := by * block; y < min(by*block+block, h); y++ {
				line := img.Pix[y*img.Stride+bx*block : y*img.Stride+min(bx*block+block, w)]
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
	s.contrast = append(s.contrast[:0], power...)
	for i, m := range mean {
		s.contrast[i] = sqrt(max(0, s.contrast[i]-m*m))
	}
	s.smooth(mean, 1.2)
	s.smooth(power, 1.2)
	for i, m := range mean {
		gain[i] = 1 / (sqrt(max(0, power[i]-m*m)) + 3)
	}
	raw := &s.scratch
	raw.reset(w, h)
	means, gains := grow(&s.rows[0], w), grow(&s.rows[1], w)
	for y := range h {
		s.interpolate(mean, y, means)
		s.interpolate(gain, y, gains)
		line := img.Pix[y*img.Stride : y*img.Stride+w]
		out := raw.row(y)
		for x, v := range line {
			out[x] = min(max((float32(v)-means[x])*gains[x], -2.5), 2.5)
		}
	}
	s.flat.reset(w, h)
	blur(raw, &s.flat, grow(&s.rows[0], raw.stride))
}

// interpolate fills line y with the values of a block grid between the blocks'
// middles.
func (s *state) interpolate(grid []float32, y int, line []float32) {
	fy := (float32(y)+0.5)/block - 0.5
	y0 := min(max(int(math.Floor(float64(fy))), 0), s.gh-1)
	y1 := min(y0+1, s.gh-1)
	fy = min(max(fy-float32(y0), 0), 1)
	col := grow(&s.rows[2], s.gw+1)
	for i := range s.gw {
		a, b := grid[y0*s.gw+i], grid[y1*s.gw+i]
		col[i] = a + (b-a)*fy
	}
	col[s.gw] = col[s.gw-1]
	const half = block / 2
	for x := range min(half, len(line)) {
		line[x] = col[0]
	}
	for i := range s.gw {
		v, d := col[i], (col[i+1]-col[i])/block
		v += d / 2
		x0 := i*block + half
		for x := x0; x < min(x0+block, len(line)); x++ {
			line[x] = v
			v += d
		}
	}
}

// blur convolves src with 1 4 6 4 1 in both directions; the lines above, below,
// left and right of the image count as zeros.
func blur(src, dst *plane, column []float32) {
	st := src.stride
	for y := range src.h {
		i := src.at(0, y) - 2
		n := src.w + 4
		a, b, c := src.pix[i-2*st:][:n], src.pix[i-st:][:n], src.pix[i:][:n]
		d, e := src.pix[i+st:][:n], src.pix[i+2*st:][:n]
		col := column[:n]
		for x := range col {
			col[x] = a[x] + e[x] + 4*(b[x]+d[x]) + 6*c[x]
		}
		out := dst.row(y)
		for x := range out {
			k := col[x : x+5 : x+5]
			out[x] = (k[0] + k[4] + 4*(k[1]+k[3]) + 6*k[2]) * (1. / 256)
		}
	}
}

// smooth convolves a block grid with a Gaussian of sigma blocks; beyond the
// edge the grid goes on as its mirror would.
func (s *state) smooth(grid []float32, sigma float64) {
	r := int(math.Ceil(2.5 * sigma))
	k := make([]float32, 2*r+1)
	var sum float32
	for i := range k {
		d := float64(i-r) / sigma
		k[i] = float32(math.Exp(-d * d / 2))
		sum += k[i]
	}
	for i := range k {
		k[i] /= sum
	}
	line := make([]float32, max(s.gw, s.gh)+2*r)
	pass := func(n, count, step, next int) {
		for c := range count {
			for i := range n {
				line[r+i] = grid[c*next+i*step]
			}
			for i := 1; i <= r; i++ {
				line[r-i] = line[r+min(i-1, n-1)]
				line[r+n-1+i] = line[r+max(n-i, 0)]
			}
			for i := range n {
				var v float32
				for j, f := range k {
					v += f * line[i+j]
				}
				grid[c*next+i*step] = v
			}
		}
	}
	pass(s.gw, s.gh, 1, s.gw)
	pass(s.gh, s.gw, s.gw, 1)
}

// grow returns *b with n elements of any value.
func grow[T any](b *[]T, n int) []T {
	if cap(*b) < n {
		*b = make([]T, n)
	}
	*b = (*b)[:n]
	return *b
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
