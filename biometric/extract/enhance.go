package extract

import "math"

// tile is the side in pixels of the squares that share one orientation and one
// period when the image is filtered.
const tile = 4

// The along filter: a Gaussian over at most 2*alongReach+1 pixels.
const alongReach = 8

// The across filter: a cosine of the ridges' period under a Gaussian, made for
// every half pixel of the period as it is along an axis of the image.
const (
	acrossReach = 14
	minAcross   = 5
	maxAcross   = 18
	acrossSteps = (maxAcross - minAcross) * 2
)

// kernel is half of a symmetric filter: weights[0] is its middle.
type kernel struct {
	reach   int
	weights [acrossReach + 1]float32
}

var acrossKernels = func() (all [acrossSteps + 1]kernel) {
	for i := range all {
		period := minAcross + float64(i)/2
		all[i] = acrossKernel(period)
	}
	return all
}()

func acrossKernel(period float64) kernel {
	sigma := 0.42 * period
	k := kernel{reach: min(acrossReach, int(math.Round(0.9*period)))}
	var wave, window float64
	for j := -k.reach; j <= k.reach; j++ {
		g := math.Exp(-float64(j*j) / (2 * sigma * sigma))
		wave += g * math.Cos(2*math.Pi*float64(j)/period)
		window += g
	}
	var gain float64
	at := func(j int) float64 {
		g := math.Exp(-float64(j*j) / (2 * sigma * sigma))
		return g * (math.Cos(2*math.Pi*float64(j)/period) - wave/window)
	}
	for j := -k.reach; j <= k.reach; j++ {
		gain += at(j) * math.Cos(2*math.Pi*float64(j)/period)
	}
	for j := 0; j <= k.reach; j++ {
		k.weights[j] = float32(at(j) / gain)
	}
	return k
}

// alongKernels[i] smooths along the ridge with a deviation of alongSigmas[i]
// pixels.
var (
	alongSigmas  = [...]float64{2, 3, 4.2}
	alongKernels = func() (all [len(alongSigmas)]kernel) {
		for i, sigma := range alongSigmas {
			k := kernel{reach: min(alongReach, int(math.Ceil(2*sigma)))}
			sum := 0.0
			for j := -k.reach; j <= k.reach; j++ {
				sum += math.Exp(-float64(j*j) / (2 * sigma * sigma))
			}
			for j := 0; j <= k.reach; j++ {
				k.weights[j] = float32(math.Exp(-float64(j*j)/(2*sigma*sigma)) / sum)
			}
			all[i] = k
		}
		return all
	}()
)

// enhance filters src with a band pass across the ridges and a low pass along
// them: along one axis of the image, the one that lies more across, and then
// along the ridge, step by step on the other axis. Tiles without foreground
// stay zero.
func (s *state) enhance(src, dst *plane) {
	s.scratch.reset(s.w, s.h)
	dst.reset(s.w, s.h)
	for _, pass := range []func(x, y int){
		func(x, y int) { s.across(src, &s.scratch, x, y) },
		func(x, y int) { s.along(&s.scratch, dst, x, y) },
	} {
		for y := 0; y < s.h; y += tile {
			for x := 0; x < s.w; x += tile {
				if s.fore[y/block*s.gw+x/block] {
					pass(x, y)
				}
			}
		}
	}
}

// direction returns the ridge's orientation in the middle of a tile, |cos| and
// |sin| at least, and how coherent it is.
func (s *state) direction(x, y int) (cos, sin, coherence float32) {
	c, d := s.orientationAt(float32(x)+(tile-1)/2., float32(y)+(tile-1)/2.)
	m := sqrt(c*c + d*d)
	if m == 0 {
		return 1, 0, 0
	}
	c /= m
	cos = sqrt(max(0, (1+c)/2))
	sin = sqrt(max(0, (1-c)/2))
	if d < 0 {
		sin = -sin
	}
	return cos, sin, m
}

func (s *state) across(src, dst *plane, x, y int) {
	cos, sin, _ := s.direction(x, y)
	step, slant := src.stride, abs(cos)
	if abs(sin) > slant {
		step, slant = 1, abs(sin)
	}
	period := s.period[y/block*s.gw+x/block] / slant
	k := &acrossKernels[min(max(int((period-minAcross)*2+0.5), 0), acrossSteps)]
	for j := range tile {
		i := src.at(x, y+j)
		var a, b, c, d float32
		m := src.pix[i : i+4 : i+4]
		w := k.weights[0]
		a, b, c, d = w*m[0], w*m[1], w*m[2], w*m[3]
		up, down := i-step, i+step
		for _, w := range k.weights[1 : k.reach+1] {
			u, v := src.pix[up:up+4:up+4], src.pix[down:down+4:down+4]
			a += w * (u[0] + v[0])
			b += w * (u[1] + v[1])
			c += w * (u[2] + v[2])
			d += w * (u[3] + v[3])
			up -= step
			down += step
		}
		o := dst.pix[i : i+4 : i+4]
		o[0], o[1], o[2], o[3] = a, b, c, d
	}
}

func (s *state) along(src, dst *plane, x, y int) {
	cos, sin, coherence := s.direction(x, y)
	sel := 2
	switch {
	case coherence < 0.25:
		sel = 0
	case coherence < 0.45:
		sel = 1
	}
	k := &alongKernels[sel]
	var offsets [alongReach + 1]int
	if abs(cos) >= abs(sin) {
		slope := sin / cos
		for j := range offsets[:k.reach+1] {
			offsets[j] = j + floor(float32(j)*slope+0.5)*src.stride
		}
	} else {
		slope := cos / sin
		for j := range offsets[:k.reach+1] {
			offsets[j] = j*src.stride + floor(float32(j)*slope+0.5)
		}
	}
	for j := range tile {
		i := src.at(x, y+j)
		var a, b, c, d float32
		m := src.pix[i : i+4 : i+4]
		w := k.weights[0]
		a, b, c, d = w*m[0], w*m[1], w*m[2], w*m[3]
		for n, w := range k.weights[1 : k.reach+1] {
			off := offsets[n+1]
			u, v := src.pix[i-off:i-off+4:i-off+4], src.pix[i+off:i+off+4:i+off+4]
			a += w * (u[0] + v[0])
			b += w * (u[1] + v[1])
			c += w * (u[2] + v[2])
			d += w * (u[3] + v[3])
		}
		o := dst.pix[i : i+4 : i+4]
		o[0], o[1], o[2], o[3] = a, b, c, d
	}
}

func abs(x float32) float32 {
	if x < 0 {
		return -x
	}
	return x
}
