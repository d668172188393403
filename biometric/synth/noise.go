package synth

import "math"

// random is SplitMix64 (Steele, Lea, Flood, 2014): small, and the same on every
// machine and with every version of Go.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9E3779B97F4A7C15
	return mix(uint64(*r))
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// unit returns a number from 0 up to 1.
func (r *random) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// between returns a number from a up to b.
func (r *random) between(a, b float64) float64 { return a + (b-a)*r.unit() }

// normal returns about a normal deviate: the sum of uniform ones.
func (r *random) normal() float64 {
	return (r.unit() + r.unit() + r.unit() + r.unit() - 2) * math.Sqrt(3)
}

// field is smooth noise: random heights, -1 to 1, on the crossings of a
// lattice, and between them a smooth surface.
type field struct {
	seed uint64
	size float64 // distance of the crossings
}

func (f field) at(x, y float64) float64 {
	x, y = x/f.size, y/f.size
	x0, y0 := math.Floor(x), math.Floor(y)
	fx, fy := x-x0, y-y0
	fx, fy = fx*fx*(3-2*fx), fy*fy*(3-2*fy)
	i, j := int64(x0), int64(y0)
	a, b := f.height(i, j), f.height(i+1, j)
	c, d := f.height(i, j+1), f.height(i+1, j+1)
	a += (b - a) * fx
	c += (d - c) * fx
	return a + (c-a)*fy
}

func (f field) height(i, j int64) float64 {
	h := mix(f.seed ^ mix(uint64(i)*0xD1B54A32D192ED03+uint64(j)*0x8CB92BA72F3D8DD7)) // #nosec G115 -- any bits will do
	return float64(h>>11)/(1<<52) - 1
}
