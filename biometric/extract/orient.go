package extract

import "math"

// tensor sums the products of gradients of src over each block: the energies'
// difference c and product d, which are the cosine and sine of twice the
// gradient's angle, and the energy e.
func (s *state) tensor(src *plane, c, d, e []float32) {
	const base = 2 * zero // of a difference in a lane
	st := src.stride
	for by := range s.gh {
		for bx := range s.gw {
			// Lanes beyond the image are no part of it.
			left, right := ^uint64(0), ^uint64(0)
			if n := s.w - bx*block; n < block {
				left = ^uint64(0) >> (64 - 16*min(n, lanes))
				right = ^uint64(0) >> (64 - 16*max(n-lanes, 0))
			}
			var sc, sd, se int32
			for y := by * block; y < min(by*block+block, s.h); y++ {
				i := src.at(bx*block, y)
				for k, keep := range [2]uint64{left, right} {
					i := i + 2*lanes*k
					dx := load(src.pix, i+2) + base*each - load(src.pix, i-2)
					dy := load(src.pix, i+st) + base*each - load(src.pix, i-st)
					dx = dx&keep | base*each&^keep
					dy = dy&keep | base*each&^keep
					for n := range uint(lanes) {
						gx, gy := lane(dx, n, base), lane(dy, n, base)
						xx, yy := gx*gx, gy*gy
						sc += xx - yy
						sd += gx * gy
						se += xx + yy
					}
				}
			}
			const scale = 1. / (unit * unit)
			i := by*s.gw + bx
			c[i], d[i], e[i] = scale*float32(sc), 2*scale*float32(sd), scale*float32(se)
		}
	}
}

// How far the orientation is smoothed, in blocks: of the image and of what the
// filters made of it, where that is clear and where it is not.
const (
	fineImage    = 2.0
	coarseImage  = 5.0
	fineRidges   = 1.2
	coarseRidges = 2.5
)

var (
	fineOfImage    = newGauss(fineImage)
	coarseOfImage  = newGauss(coarseImage)
	fineOfRidges   = newGauss(fineRidges)
	coarseOfRidges = newGauss(coarseRidges)
)

// orient estimates the ridges' orientation of each block: s.ox, s.oy are the
// cosine and sine of twice its angle (x to the right, y down), as long as the
// estimate is coherent, 0 to 1.
//
// fine is the smoothing where the image is clear, coarse where it is not.
func (s *state) orient(src *plane, fine, coarse gauss) {
	n := s.gw * s.gh
	c, d, e := grow(&s.tmp[0], n), grow(&s.tmp[1], n), grow(&s.tmp[2], n)
	s.tensor(src, c, d, e)
	// Large gradients (the edge of the print, a scar) count with their root.
	for i, v := range e {
		if v > 0 {
			f := 1 / sqrt(v+1)
			c[i], d[i], e[i] = c[i]*f, d[i]*f, v*f
		}
	}
	c2, d2, e2 := append(s.tmp[3][:0], c...), append(s.tmp[4][:0], d...), append(s.tmp[5][:0], e...)
	s.tmp[3], s.tmp[4], s.tmp[5] = c2, d2, e2
	for _, g := range [][]float32{c, d, e} {
		s.smooth(g, fine)
	}
	for _, g := range [][]float32{c2, d2, e2} {
		s.smooth(g, coarse)
	}
	ox, oy := grow(&s.ox, n), grow(&s.oy, n)
	for i := range n {
		// The orientation of ridges is across the gradient: the double angle
		// turns by 180 degrees.
		a, b := over(c[i], d[i], e[i])
		a2, b2 := over(c2[i], d2[i], e2[i])
		w := sqrt(a*a + b*b)
		w = min(1, w*1.6)
		w *= w
		ox[i] = -(w*a + (1-w)*a2)
		oy[i] = -(w*b + (1-w)*b2)
	}
}

func over(c, d, e float32) (float32, float32) {
	if e <= 0 {
		return 0, 0
	}
	return c / e, d / e
}

// orientationAt returns cosine and sine of twice the orientation at a pixel,
// between the blocks around it.
func (s *state) orientationAt(x, y float32) (float32, float32) {
	return s.gridAt(s.ox, x, y), s.gridAt(s.oy, x, y)
}

// gridAt returns the value of a block grid at a pixel.
func (s *state) gridAt(g []float32, x, y float32) float32 {
	fx, fy := max(0, (x+0.5)/block-0.5), max(0, (y+0.5)/block-0.5)
	x0, y0 := min(int(fx), s.gw-1), min(int(fy), s.gh-1)
	x1, y1 := min(x0+1, s.gw-1), min(y0+1, s.gh-1)
	fx, fy = min(fx-float32(x0), 1), min(fy-float32(y0), 1)
	a, b := g[y0*s.gw+x0], g[y0*s.gw+x1]
	c, d := g[y1*s.gw+x0], g[y1*s.gw+x1]
	a += (b - a) * fx
	c += (d - c) * fx
	return a + (c-a)*fy
}

// The periods, in pixels, at which the ridges' spectrum is looked at, from
// narrow to wide, each a step wider than the one before.
const (
	periods    = 15
	firstRidge = 4.6
	ridgeStep  = 1.095
)

// signature is half the length in pixels of the line across the ridges whose
// spectrum is taken.
const signature = 16

// waves[k] are the cosines and sines of period k under a Hann window.
var waves = func() (t [periods][2][2*signature + 1]float32) {
	for k := range periods {
		period := periodOf(float32(k))
		var window, mean [2]float64
		for i := -signature; i <= signature; i++ {
			hann := 0.5 + 0.5*math.Cos(math.Pi*float64(i)/(signature+1))
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(period))
			t[k][0][i+signature], t[k][1][i+signature] = float32(cos*hann), float32(sin*hann)
			window[0] += hann
			mean[0] += cos * hann
		}
		for i := -signature; i <= signature; i++ {
			hann := 0.5 + 0.5*math.Cos(math.Pi*float64(i)/(signature+1))
			t[k][0][i+signature] -= float32(mean[0] / window[0] * hann)
		}
	}
	return t
}()

func periodOf(k float32) float32 { return float32(firstRidge * math.Pow(ridgeStep, float64(k))) }

// ridgePeriods estimates the distance of ridges in pixels in each block, from
// the spectra of lines across them, summed over the neighbourhood: one spectrum
// for every two by two blocks.
func (s *state) ridgePeriods() {
	w, h := (s.gw+1)/2, (s.gh+1)/2
	n := w * h
	spectra := grow(&s.spectra, periods*n)
	clear(spectra)
	var sig [2*signature + 1]float32
	for cy := range h {
		for cx := range w {
			if s.contrast[2*cy*s.gw+2*cx] < s.floor || !s.signature(min(cx*2*block+block, s.w-1), min(cy*2*block+block, s.h-1), &sig) {
				continue
			}
			var all [periods]float32
			var sum float32
			for k := range periods {
				var re, im float32
				for j, v := range sig {
					re += v * waves[k][0][j]
					im += v * waves[k][1][j]
				}
				all[k] = re*re + im*im
				sum += all[k]
			}
			if sum == 0 {
				continue
			}
			// Each point counts the same, whatever its contrast.
			for k, v := range all {
				spectra[k*n+cy*w+cx] = v / sum
			}
		}
	}
	for k := range periods {
		s.smoothed(spectra[k*n:(k+1)*n], w, h, gauss15)
	}
	coarse := grow(&s.tmp[0], n)
	for i := range n {
		best := 1
		for k := 2; k < periods-1; k++ {
			if spectra[k*n+i] > spectra[best*n+i] {
				best = k
			}
		}
		a, b, c := spectra[(best-1)*n+i], spectra[best*n+i], spectra[(best+1)*n+i]
		at := float32(best)
		if d := a - 2*b + c; d < 0 {
			at += min(max(0.5*(a-c)/d, -1), 1)
		}
		coarse[i] = periodOf(at)
		if b == 0 {
			coarse[i] = 9
		}
	}
	s.smoothed(coarse, w, h, gauss08)
	period := grow(&s.period, s.gw*s.gh)
	for y := range s.gh {
		for x := range s.gw {
			period[y*s.gw+x] = coarse[y/2*w+x/2]
		}
	}
	s.smooth(period, gauss08)
}

// signature samples flat on a line across the ridges through x, y, each sample
// the mean of five along the ridge. It reports false where there is no
// orientation.
func (s *state) signature(x, y int, sig *[2*signature + 1]float32) bool {
	c, d := s.orientationAt(float32(x), float32(y))
	m := sqrt(c*c + d*d)
	if m < 0.02 {
		return false
	}
	theta := 0.5 * math.Atan2(float64(d), float64(c))
	sin, cos := math.Sincos(theta)
	dx, dy := float32(cos), float32(sin)
	for i := range sig {
		t := float32(i - signature)
		fx, fy := float32(x)-t*dy+0.5, float32(y)+t*dx+0.5
		v := 0
		for j := float32(-6); j <= 6; j += 3 {
			v += s.flat.value(s.flat.at(floor(fx+j*dx), floor(fy+j*dy)))
		}
		sig[i] = float32(v)
	}
	return true
}

// floor rounds a coordinate down that is not below the margin.
func floor(x float32) int { return int(x+pad) - pad }
