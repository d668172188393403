package match

import (
	"math"
	"math/bits"
)

// maxTurn is how far one finger may be turned against the other, in units of
// 360/256 degrees.
const maxTurn = 48

// leastAlike is the likeness below which a pair is none.
const leastAlike = 0.15

// maxPairs is how many pairs of minutiae, the most alike, are looked at
// together.
const maxPairs = 32

// pair is a minutia of each probe and how alike their cylinders are.
type pair struct {
	a, b uint8
	like float32
}

// roots are the square roots of bit counts.
var roots = func() (t [slices6*side*side + 1]float32) {
	for i := range t {
		t[i] = float32(math.Sqrt(float64(i)))
	}
	return t
}()

// alike compares two cylinders: 1 where all bits that both see are the same, 0
// where none is.
func alike(a, b *cylinder) float32 {
	seen := a.seen & b.seen
	if bits.OnesCount64(seen) < leastSeen {
		return 0
	}
	na, nb, diff := 0, 0, 0
	for s := range slices6 {
		x, y := a.bits[s]&seen, b.bits[s]&seen
		na += bits.OnesCount64(x)
		nb += bits.OnesCount64(y)
		diff += bits.OnesCount64(x ^ y)
	}
	if na == 0 || nb == 0 {
		return 0
	}
	return 1 - roots[diff]/(roots[na]+roots[nb])
}

// levels is how finely likenesses are told apart when the best are chosen.
const levels = 256

// choose fills w.pairs with the pairs that are most alike.
func (w *work) choose(p, q *Probe) {
	var count [levels]int
	all := w.all[:0]
	for i := range p.places {
		c := &p.cylinders[i]
		angle := p.places[i].angle
		for j := range q.places {
			turn := int8(angle - q.places[j].angle) // #nosec G115 -- modulo 256 is meant
			if turn > maxTurn || turn < -maxTurn {
				continue
			}
			like := alike(c, &q.cylinders[j])
			if like < leastAlike {
				continue
			}
			count[int(like*(levels-1))]++
			all = append(all, pair{uint8(i), uint8(j), like}) // #nosec G115 -- at most maxPlaces
		}
	}
	w.all = all
	least, n := levels, 0
	for least > 0 && n+count[least-1] <= maxPairs {
		least--
		n += count[least]
	}
	w.pairs = w.pairs[:0]
	for _, x := range all {
		if level := int(x.like * (levels - 1)); level >= least || level == least-1 && n < maxPairs {
			if level < least {
				n++
			}
			w.pairs = append(w.pairs, x)
		}
	}
}

// relax weighs every pair by the others that fit it: two pairs fit when both
// probes have the same distance and the same angles between the two minutiae.
func (w *work) relax(p, q *Probe) {
	n := len(w.pairs)
	for i := range n {
		w.fit[i*maxPairs+i] = 0
		a, b := &p.places[w.pairs[i].a], &q.places[w.pairs[i].b]
		for j := range i {
			f := fits(a, b, &p.places[w.pairs[j].a], &q.places[w.pairs[j].b])
			if w.pairs[i].a == w.pairs[j].a || w.pairs[i].b == w.pairs[j].b {
				f = 0
			}
			w.fit[i*maxPairs+j], w.fit[j*maxPairs+i] = f, f
		}
	}
	for i, x := range w.pairs {
		w.weight[i] = x.like
	}
	if n < 2 {
		return
	}
	for range 4 {
		for i := range n {
			var sum float32
			row := w.fit[i*maxPairs:][:n]
			for j, f := range row {
				sum += f * w.weight[j]
			}
			w.next[i] = 0.5*w.weight[i] + 0.5*sum/float32(n-1)
		}
		w.weight, w.next = w.next, w.weight
	}
}

// fits tells, 0 to 1, how well two pairs go together.
func fits(a, b, c, d *place) float32 {
	ux, uy := c.x-a.x, c.y-a.y
	vx, vy := d.x-b.x, d.y-b.y
	lu, lv := sqrt(ux*ux+uy*uy), sqrt(vx*vx+vy*vy)
	dist := abs(lu - lv)
	if dist > 20 {
		return 0
	}
	t1 := int8((a.angle - c.angle) - (b.angle - d.angle)) // #nosec G115 -- modulo 256 is meant
	turn := abs(float32(t1))
	if turn > 28 {
		return 0
	}
	// The direction to the other minutia, in each one's own frame.
	cu, su := ux*a.cos+uy*a.sin, uy*a.cos-ux*a.sin
	cv, sv := vx*b.cos+vy*b.sin, vy*b.cos-vx*b.sin
	dot, cross := cu*cv+su*sv, abs(cu*sv-su*cv)
	if dot <= 0 || cross > dot {
		return 0
	}
	radial := cross / dot // the tangent of the angle
	return curve(dist, 6, 0.4) * curve(turn, 11, 0.4) * curve(radial, 0.27, 14)
}

// curve falls from 1 to 0 around middle.
func curve(x, middle, steep float32) float32 {
	z := (x - middle) * steep
	// A rational sigmoid: no exponential is worth its time here.
	return 0.5 - 0.5*z/(1+abs(z))
}

func abs(x float32) float32 {
	if x < 0 {
		return -x
	}
	return x
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
