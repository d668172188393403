package match

import (
	"cmp"
	"errors"
	"math"
	"math/bits"
	"slices"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
)

// The cylinder of a minutia (Cappelli, Ferrara, Maltoni: Minutia
// Cylinder-Code, 2010): its surroundings as bits, side*side places in a square
// that turns with the minutia, each in slices of direction.
const (
	side      = 8
	slices6   = 6
	radius    = 70.0              // pixels at 500 dpi
	cell      = 2 * radius / side // pixels
	sigmaS    = 28. / 3           // deviation of a place, pixels
	sigmaD    = 2 * math.Pi / 9   // deviation of a direction
	threshold = 0.01              // of the density at which a bit is set
	margin    = 50.0              // pixels around the minutiae that count as seen
	leastSeen = 12                // places that a cylinder has to see
)

// cylinder is one bit for each place and slice; seen has the places that lie
// where the finger was.
type cylinder struct {
	bits [slices6]uint64
	seen uint64
	root float32 // of the number of bits that are set
}

// place is a minutia in pixels at 500 dpi.
type place struct {
	x, y     float32
	angle    uint8 // as ISO has it
	kind     fmr.Type
	quality  uint8
	cos, sin float32 // of the angle, y down
}

// maxPlaces is how many minutiae of a view take part, the best by quality: as
// many as a word has bits.
const maxPlaces = 64

// maxChoice is how many of them are looked at for pairs that are alike; all take
// part in what lies on each other.
const maxChoice = 36

// Probe is a view made ready to be compared. It does not change afterwards and
// may be used by many goroutines.
type Probe struct {
	places    []place // the best first
	cylinders []cylinder
	hull      hull
	grid      grid
	byTurn    []uint8    // the best maxChoice places by angle, ascending, twice
	firstTurn [256]uint8 // where in byTurn those of an angle and above it begin
}

// ErrView says that the template has no such view.
var ErrView = errors.New("template has no such view")

// Prepare makes view v of t ready to be compared. It owes ErrView.
func Prepare(t *fmr.Template, v int) (*Probe, error) {
	if v < 0 || v >= len(t.Views) {
		return nil, ErrView
	}
	kx, ky := 196.85/float32(max(t.XRes, 1)), 196.85/float32(max(t.YRes, 1))
	view := &t.Views[v]
	all := slices.Clone(view.Minutiae)
	slices.SortStableFunc(all, func(a, b fmr.Minutia) int { return cmp.Compare(b.Quality, a.Quality) })
	all = all[:min(len(all), maxPlaces)]
	p := &Probe{places: make([]place, len(all)), cylinders: make([]cylinder, len(all))}
	for i, m := range all {
		p.places[i] = place{
			x: float32(m.X) * kx, y: float32(m.Y) * ky, angle: m.Angle, kind: m.Type, quality: m.Quality,
			cos: cosines[m.Angle], sin: -sines[m.Angle],
		}
	}
	p.indexTurns()
	p.grid.fill(p.places)
	p.hull = hullOf(p.places)
	for i := range p.places {
		p.fill(i)
	}
	return p, nil
}

// indexTurns fills byTurn and firstTurn.
func (p *Probe) indexTurns() {
	p.byTurn = make([]uint8, min(len(p.places), maxChoice), 2*maxChoice)
	for i := range p.byTurn {
		p.byTurn[i] = uint8(i) // #nosec G115 -- at most maxPlaces
	}
	slices.SortStableFunc(p.byTurn, func(a, b uint8) int { return cmp.Compare(p.places[a].angle, p.places[b].angle) })
	n := 0
	for angle := range p.firstTurn {
		for n < len(p.byTurn) && int(p.places[p.byTurn[n]].angle) < angle {
			n++
		}
		p.firstTurn[angle] = uint8(n) // #nosec G115 -- at most maxPlaces
	}
	p.byTurn = append(p.byTurn, p.byTurn...)
}

// turned returns the places whose angle is within maxTurn of one.
func (p *Probe) turned(angle uint8) []uint8 {
	from, to := angle-maxTurn, angle+maxTurn+1
	first, end := int(p.firstTurn[from]), int(p.firstTurn[to])
	if to < from {
		end += len(p.byTurn) / 2
	}
	return p.byTurn[first:end]
}

// Len returns how many minutiae the probe has.
func (p *Probe) Len() int { return len(p.places) }

var cosines, sines = func() (c, s [256]float32) {
	for i := range 256 {
		sin, cos := math.Sincos(float64(i) * math.Pi / 128)
		c[i], s[i] = float32(cos), float32(sin)
	}
	return c, s
}()

// densityS[d] is the density of a place at a squared distance of d pixels, and
// densityD[s][a] the share of slice s of a direction of a units.
const densityRange = 28 * 28

var (
	densityS = func() (t [densityRange + 1]float32) {
		for d := range t {
			t[d] = float32(math.Exp(-float64(d)/(2*sigmaS*sigmaS)) / (sigmaS * math.Sqrt(2*math.Pi)))
		}
		return t
	}()
	densityD = func() (t [slices6][256]float32) {
		for s := range slices6 {
			middle := -math.Pi + (float64(s)+0.5)*2*math.Pi/slices6
			for a := range 256 {
				d := math.Remainder(float64(a)*math.Pi/128-middle, 2*math.Pi)
				lo, hi := (d-math.Pi/slices6)/(sigmaD*math.Sqrt2), (d+math.Pi/slices6)/(sigmaD*math.Sqrt2)
				t[s][a] = float32((math.Erf(hi) - math.Erf(lo)) / 2)
			}
		}
		return t
	}()
)

// fill makes the cylinder of minutia i.
func (p *Probe) fill(i int) {
	var density [side * side][slices6]float32
	m := &p.places[i]
	c := &p.cylinders[i]
	for j := range p.places {
		o := &p.places[j]
		dx, dy := o.x-m.x, o.y-m.y
		const reach = radius + 28
		if j == i || dx*dx+dy*dy > reach*reach {
			continue
		}
		// In the minutia's own frame, in cells.
		u := (dx*m.cos+dy*m.sin)/cell + side/2. - 0.5
		v := (dy*m.cos-dx*m.sin)/cell + side/2. - 0.5
		turn := m.angle - o.angle
		u0, u1 := max(int(math.Ceil(float64(u)-28/cell)), 0), min(int(math.Floor(float64(u)+28/cell)), side-1)
		v0, v1 := max(int(math.Ceil(float64(v)-28/cell)), 0), min(int(math.Floor(float64(v)+28/cell)), side-1)
		for a := v0; a <= v1; a++ {
			for b := u0; b <= u1; b++ {
				eu, ev := (float32(b)-u)*cell, (float32(a)-v)*cell
				d := int(eu*eu + ev*ev)
				if d > densityRange {
					continue
				}
				for s := range slices6 {
					density[a*side+b][s] += densityS[d] * densityD[s][turn]
				}
			}
		}
	}
	// Well inside, everything around the minutia was seen.
	all := p.hull.within(m.x, m.y, radius-margin)
	for a := range side {
		for b := range side {
			u, v := (float32(b)-side/2.+0.5)*cell, (float32(a)-side/2.+0.5)*cell
			if u*u+v*v > radius*radius {
				continue
			}
			x, y := m.x+u*m.cos-v*m.sin, m.y+u*m.sin+v*m.cos
			if !all && !p.hull.near(x, y, margin) {
				continue
			}
			bit := uint64(1) << (a*side + b)
			c.seen |= bit
			for s, d := range density[a*side+b] {
				if d > threshold {
					c.bits[s] |= bit
				}
			}
		}
	}
	n := 0
	for _, b := range c.bits {
		n += bits.OnesCount64(b)
	}
	c.root = roots[n]
}
