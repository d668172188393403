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

// kernel is half of a symmetric filter: weights[0] is its middle. The weights
// are whole numbers, so large that no lane of a word runs over: those of an
// across filter add up to 0, those of an along filter to alongSum.
type kernel struct {
	reach   int
	weights [acrossReach + 1]int32
}

const (
	acrossUnit = 256 // the gain of an across filter
	alongSum   = 128
)

var acrossKernels = func() (all [acrossSteps + 1]kernel) {
	for i := range all {
		period := minAcross + float64(i)/2
		all[i] = acrossKernel(period)
	}
	return all
}()

// acrossWidth is the deviation of an across filter, in periods.
const acrossWidth = 0.42

func acrossKernel(period float64) kernel {
	sigma := acrossWidth * period
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
	k.set(at, gain/acrossUnit, 0)
	return k
}

// set fills in the weights, rounded, such that they and their mirror add up to
// sum: what one is rounded by is made up for by the next.
func (k *kernel) set(at func(j int) float64, gain float64, sum int32) {
	var owed float64
	for j := k.reach; j > 0; j-- {
		owed += at(j) / gain
		k.weights[j] = int32(math.Round(owed))
		owed -= float64(k.weights[j])
		sum -= 2 * k.weights[j]
	}
	k.weights[0] = sum
}

// How long the along filter is, by how straight the ridges are.
const (
	alongMost = 4.2  // pixels of deviation
	straight  = 0.45 // coherence from which it is as long
	crooked   = 0.25 // coherence below which it is the shortest
)

// alongKernels[i] smooths along the ridge with a deviation of alongSigmas[i]
// pixels.
var (
	alongSigmas  = [...]float64{2, 3, alongMost}
	alongKernels = func() (all [len(alongSigmas)]kernel) {
		for i, sigma := range alongSigmas {
			k := kernel{reach: min(alongReach, int(math.Ceil(2*sigma)))}
			at := func(j int) float64 { return math.Exp(-float64(j*j) / (2 * sigma * sigma)) }
			gain := 0.0
			for j := -k.reach; j <= k.reach; j++ {
				gain += at(j)
			}
			k.set(at, gain/alongSum, alongSum)
			all[i] = k
		}
		return all
	}()
)

// slopes is how many slopes of a ridge against an axis are told apart, from -1
// to 1, and alongSteps how far a ridge of each has gone aside after some pixels.
const slopes = 256

var alongSteps = func() (all [slopes + 1][alongReach + 1]int8) {
	for i := range all {
		for j := range all[i] {
			all[i][j] = int8(math.Floor(float64(j)*(float64(i)/(slopes/2)-1) + 0.5))
		}
	}
	return all
}()

// filter is how a tile is filtered.
type filter struct {
	at            int // its first pixel's index
	across, along *kernel
	steps         *[alongReach + 1]int8
	flat          bool // the ridges lie rather along the lines of the image
}

// enhance filters src with a band pass across the ridges and a low pass along
// them: along one axis of the image, the one that lies more across, and then
// along the ridge, step by step on the other axis. Tiles without foreground
// stay zero.
func (s *state) enhance(src, dst *plane) {
	s.scratch.reset(s.w, s.h, zero)
	dst.reset(s.w, s.h, zero)
	filters := s.filters[:0]
	for y := 0; y < s.h; y += tile {
		for x := 0; x < s.w; x += tile {
			if s.fore[y/block*s.gw+x/block] {
				filters = append(filters, s.filter(x, y, src.at(x, y)))
			}
		}
	}
	s.filters = filters
	for i := range filters {
		filters[i].runAcross(src, &s.scratch)
	}
	for i := range filters {
		filters[i].runAlong(&s.scratch, dst)
	}
}

// filter chooses how the tile at x, y is filtered.
func (s *state) filter(x, y, at int) filter {
	c, d := s.orientationAt(float32(x)+(tile-1)/2., float32(y)+(tile-1)/2.)
	coherence := sqrt(c*c + d*d)
	if coherence > 0 {
		c, d = c/coherence, d/coherence
	} else {
		c = 1
	}
	cos, sin := sqrt(max(0, (1+c)/2)), sqrt(max(0, (1-c)/2)) // of the ridge, |sin|
	f := filter{at: at, flat: cos >= sin, along: &alongKernels[2]}
	switch {
	case coherence < crooked:
		f.along = &alongKernels[0]
	case coherence < straight:
		f.along = &alongKernels[1]
	}
	major, minor := cos, sin
	if !f.flat {
		major, minor = sin, cos
	}
	slope := minor / major
	if d < 0 {
		slope = -slope
	}
	f.steps = &alongSteps[int((slope+1)*(slopes/2)+0.5)]
	period := s.period[y/block*s.gw+x/block] / major
	f.across = &acrossKernels[min(max(int((period-minAcross)*2+0.5), 0), acrossSteps)]
	return f
}

// runAcross rounds. As the weights add up to nothing, the zeros of the pixels
// go, and 128 is the zero of the sums.
func (f *filter) runAcross(src, dst *plane) {
	step := 2
	if f.flat {
		step = src.stride
	}
	k := f.across
	weights := k.weights[1 : k.reach+1]
	for i := f.at; i < f.at+tile*src.stride; i += src.stride {
		sum := each*(128*acrossUnit+acrossUnit/2) + uint64(k.weights[0])*load(src.pix, i) // #nosec G115 -- modulo 2^64 is meant
		off := step
		for _, w := range weights {
			sum += uint64(w) * (load(src.pix, i-off) + load(src.pix, i+off)) // #nosec G115 -- the same
			off += step
		}
		store(dst.pix, i, sum/acrossUnit&(0xFF*each)+(zero-128)*each)
	}
}

// runAlong rounds down, so that what is below 0 before is so after.
func (f *filter) runAlong(src, dst *plane) {
	k := f.along
	var offsets [alongReach + 1]int
	for j, aside := range f.steps[:k.reach+1] {
		if f.flat {
			offsets[j] = 2*j + int(aside)*src.stride
		} else {
			offsets[j] = j*src.stride + 2*int(aside)
		}
	}
	weights := k.weights[1 : k.reach+1]
	for i := f.at; i < f.at+tile*src.stride; i += src.stride {
		sum := uint64(k.weights[0]) * load(src.pix, i) // #nosec G115 -- positive
		for j, w := range weights {
			off := offsets[j+1]
			sum += uint64(w) * (load(src.pix, i-off) + load(src.pix, i+off)) // #nosec G115 -- positive
		}
		store(dst.pix, i, sum/alongSum&((2*zero-1)*each))
	}
}

func abs(x float32) float32 {
	if x < 0 {
		return -x
	}
	return x
}
