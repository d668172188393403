// Package synth makes fingerprints of nobody: ridge patterns grown along a
// model of the ridges' orientation, and impressions of them with pose,
// pressure, dryness, distortion and noise. The same seed makes the same finger.
//
// Orientation follows the zero-pole model of Sherlock and Monro (1993), the
// ridges grow out of noise by repeated filtering along it as in SFinGe
// (Cappelli, 2003); where growing waves meet out of step, minutiae arise.
package synth

import "math"

// The master print, at 500 dpi.
const (
	masterDPI    = 500
	masterWidth  = 448
	masterHeight = 576
)

// Class is the pattern of a finger.
type Class uint8

// The patterns.
const (
	Arch Class = iota
	TentedArch
	LeftLoop
	RightLoop
	Whorl
)

// String returns the pattern's name.
func (c Class) String() string {
	return [...]string{"arch", "tented arch", "left loop", "right loop", "whorl"}[min(c, Whorl)]
}

// Finger is a finger of nobody. It does not change; many goroutines may use it.
type Finger struct {
	Class  Class
	seed   uint64
	cores  []complex128 // pixels from the middle, y up
	deltas []complex128
	lean   float64
	bend   float64
	period float64
	ridges []float32 // the master print, 1 is a ridge, -1 a valley
}

// New makes the finger of a seed.
func New(seed uint64) *Finger {
	r := random(mix(seed + 1))
	f := &Finger{seed: seed, period: r.between(8.2, 9.8), lean: r.between(-0.12, 0.12), bend: r.between(0.5, 0.9)}
	f.pattern(&r)
	f.grow(&r)
	return f
}

// pattern chooses the class and where its cores and deltas lie.
func (f *Finger) pattern(r *random) {
	top := r.between(10, 70)
	switch p := r.unit(); { // about as often as fingers have them
	case p < 0.05:
		f.Class = Arch
	case p < 0.09:
		f.Class = TentedArch
		f.cores = []complex128{complex(r.between(-12, 12), top-30)}
		f.deltas = []complex128{complex(r.between(-12, 12), top-30-r.between(60, 110))}
	case p < 0.68:
		f.Class = LeftLoop
		side := -1.0
		if r.unit() < 0.5 {
			f.Class, side = RightLoop, 1
		}
		f.cores = []complex128{complex(r.between(-25, 25), top)}
		f.deltas = []complex128{f.cores[0] + complex(-side*r.between(75, 125), -r.between(90, 140))}
	default:
		f.Class = Whorl
		c := complex(r.between(-20, 20), top)
		gap := complex(r.between(-14, 14), r.between(12, 45))
		f.cores = []complex128{c + gap, c - gap}
		f.deltas = []complex128{
			c + complex(r.between(85, 130), -r.between(90, 140)),
			c + complex(-r.between(85, 130), -r.between(90, 140)),
		}
	}
}

// orientation returns the ridges' angle at a pixel of the master, y down.
func (f *Finger) orientation(x, y float64) float64 {
	z := complex(x-masterWidth/2, masterHeight/2-y)
	theta := f.lean
	for _, c := range f.cores {
		theta += argument(z-c) / 2
	}
	for _, d := range f.deltas {
		theta -= argument(z-d) / 2
	}
	u, v := real(z)/(masterWidth/2), imag(z)/(masterHeight/2)
	if f.Class == Arch {
		theta += math.Atan(max(0, 0.9-0.7*(v+1))*1.4) * math.Cos(math.Pi*(u-0.5)) * f.bend * 1.5
	}
	// Above the pattern ridges run round the fingertip.
	theta -= f.bend * u / (1 + math.Exp(-4*v))
	theta += 0.1 * field{f.seed + 11, 130}.at(x, y)
	return -theta
}

func argument(z complex128) float64 { return math.Atan2(imag(z), real(z)) }

// The growing filter.
const (
	reach    = 6
	turns    = 48 // orientations that are told apart
	widths   = 5  // and periods
	growths  = 10 // times the whole print is filtered
	taps     = (2*reach + 1) * (2*reach + 1)
	steepest = 2.2 // how far a filtered value is driven to ridge or valley
)

// grow fills the master print.
func (f *Finger) grow(r *random) {
	var kernels [turns * widths][taps]float32
	for t := range turns {
		for w := range widths {
			kernels[t*widths+w] = f.kernel(float64(t)*math.Pi/turns, f.period*(0.88+0.06*float64(w)))
		}
	}
	const stride = masterWidth + 2*reach
	cur := make([]float32, stride*(masterHeight+2*reach))
	next := make([]float32, len(cur))
	which := make([]uint8, masterWidth*masterHeight)
	width := field{f.seed + 12, 110}
	for y := range masterHeight {
		for x := range masterWidth {
			fx, fy := float64(x), float64(y)
			t := int(math.Round(f.orientation(fx, fy)*turns/math.Pi)) % turns
			if t < 0 {
				t += turns
			}
			w := min(max(int((width.at(fx, fy)+1)*widths/2), 0), widths-1)
			which[y*masterWidth+x] = uint8(t*widths + w) // #nosec G115 -- turns*widths-1 at most
			cur[(y+reach)*stride+x+reach] = float32(r.between(-1, 1))
		}
	}
	for range growths {
		for y := range masterHeight {
			for x := range masterWidth {
				k := &kernels[which[y*masterWidth+x]]
				var v float32
				for dy := range 2*reach + 1 {
					row := cur[(y+dy)*stride+x:][:2*reach+1]
					weights := k[dy*(2*reach+1):][:2*reach+1]
					for i, w := range weights {
						v += w * row[i]
					}
				}
				next[(y+reach)*stride+x+reach] = min(max(steepest*v, -1), 1)
			}
		}
		cur, next = next, cur
	}
	f.ridges = make([]float32, masterWidth*masterHeight)
	for y := range masterHeight {
		copy(f.ridges[y*masterWidth:(y+1)*masterWidth], cur[(y+reach)*stride+reach:])
	}
}

// kernel is a wave across the angle theta (y down) under a Gaussian, without a
// constant part, such that the wave itself keeps its height.
func (f *Finger) kernel(theta, period float64) (k [taps]float32) {
	sin, cos := math.Sincos(theta)
	sigma := 0.40 * period
	var raw, bell [taps]float64
	var sum, mass, gain float64
	at := func(i int) (x, y float64) { return float64(i%(2*reach+1) - reach), float64(i/(2*reach+1) - reach) }
	wave := func(i int) float64 {
		x, y := at(i)
		return math.Cos(2 * math.Pi * (y*cos - x*sin) / period)
	}
	for i := range raw {
		x, y := at(i)
		bell[i] = math.Exp(-(x*x + y*y) / (2 * sigma * sigma))
		raw[i] = bell[i] * wave(i)
		sum += raw[i]
		mass += bell[i]
	}
	for i := range raw {
		raw[i] -= bell[i] * sum / mass
		gain += raw[i] * wave(i)
	}
	for i := range raw {
		k[i] = float32(raw[i] / gain)
	}
	return k
}

// at returns the master print between its pixels; outside it is a valley.
func (f *Finger) at(x, y float64) float64 {
	if x < 0 || y < 0 || x >= masterWidth-1 || y >= masterHeight-1 {
		return -1
	}
	i, j := int(x), int(y)
	fx, fy := x-float64(i), y-float64(j)
	p := f.ridges[j*masterWidth+i:]
	q := p[masterWidth:]
	a, b := float64(p[0])+(float64(p[1])-float64(p[0]))*fx, float64(q[0])+(float64(q[1])-float64(q[0]))*fx
	return a + (b-a)*fy
}
