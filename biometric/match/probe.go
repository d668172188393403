package match

import (
	"cmp"
	"errors"
	"math"
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
}

// place is a minutia in pixels at 500 dpi.
type place struct {
	x, y     float32
	angle    uint8 // as ISO has it
	kind     fmr.Type
	quality  uint8
	cos, sin float32 // of the angle, y down
}

// maxPlaces is how many minutiae of a view take part, the best by quality.
const maxPlaces = 96

// Probe is a view made ready to be compared. It does not change afterwards and
// may be used by many goroutines.
type Probe struct {
	places    []place // by y, ascending
	cylinders []cylinder
	hull      []corner
	top       float32     // y of the first place
	rows      [rows]uint8 // first place of each row and all below it
}

// The places are found by rows of rowHeight pixels; the last row has all that
// lies below it too.
const (
	rows      = 128
	rowHeight = 8
)

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
	p.index()
	p.hull = hull(p.places)
	for i := range p.places {
		p.fill(i)
	}
	return p, nil
}

// index sorts the places and fills the rows.
func (p *Probe) index() {
	slices.SortStableFunc(p.places, func(a, b place) int { return cmp.Compare(a.y, b.y) })
	if len(p.places) == 0 {
		return
	}
	p.top = p.places[0].y
	n := 0
	for r := range p.rows {
		for n < len(p.places) && int((p.places[n].y-p.top)/rowHeight) < r {
			n++
		}
		p.rows[r] = uint8(n) // #nosec G115 -- at most maxPlaces
	}
}

// from returns the first place that may lie at y or below it.
func (p *Probe) from(y float32) int {
	return int(p.rows[min(max(int((y-p.top)/rowHeight), 0), rows-1)])
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
	all := within(p.hull, m.x, m.y, radius-margin)
	for a := range side {
		for b := range side {
			u, v := (float32(b)-side/2.+0.5)*cell, (float32(a)-side/2.+0.5)*cell
			if u*u+v*v > radius*radius {
				continue
			}
			x, y := m.x+u*m.cos-v*m.sin, m.y+u*m.sin+v*m.cos
			if !all && !near(p.hull, x, y, margin) {
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
}

type corner struct{ x, y float32 }

// hull returns the convex hull of the places, counter-clockwise.
func hull(places []place) []corner {
	pts := make([]corner, len(places))
	for i, m := range places {
		pts[i] = corner{m.x, m.y}
	}
	slices.SortFunc(pts, func(a, b corner) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y)) })
	pts = slices.Compact(pts)
	if len(pts) < 3 {
		return pts
	}
	var out []corner
	chain := func(p corner, least int) {
		for len(out) >= least+2 {
			a, b := out[len(out)-2], out[len(out)-1]
			if (b.x-a.x)*(p.y-a.y)-(b.y-a.y)*(p.x-a.x) > 0 {
				break
			}
			out = out[:len(out)-1]
		}
		out = append(out, p)
	}
	for _, p := range pts {
		chain(p, 0)
	}
	least := len(out) - 1
	for _, p := range slices.Backward(pts[:len(pts)-1]) {
		chain(p, least)
	}
	return out[:len(out)-1]
}

// near reports whether a point lies in the hull or within d pixels of it.
func near(hull []corner, x, y, d float32) bool {
	if len(hull) == 0 {
		return false
	}
	inside := len(hull) > 2
	best := float32(math.MaxFloat32)
	for i, a := range hull {
		b := hull[(i+1)%len(hull)]
		ex, ey := b.x-a.x, b.y-a.y
		px, py := x-a.x, y-a.y
		if ex*py-ey*px < 0 {
			inside = false
		}
		t := float32(0)
		if l := ex*ex + ey*ey; l > 0 {
			t = min(max((px*ex+py*ey)/l, 0), 1)
		}
		qx, qy := px-t*ex, py-t*ey
		best = min(best, qx*qx+qy*qy)
	}
	return inside || best <= d*d
}

// within reports whether a point lies in the hull, at least d pixels from its
// edge.
func within(hull []corner, x, y, d float32) bool {
	for i, a := range hull {
		b := hull[(i+1)%len(hull)]
		ex, ey := b.x-a.x, b.y-a.y
		if ex*(y-a.y)-ey*(x-a.x) < d*sqrt(ex*ex+ey*ey) {
			return false
		}
	}
	return len(hull) > 2
}
