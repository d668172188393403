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
const maxPairs = 24

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

// alike compares two cylinders of which diff bits differ in what both see: 1
// where all are the same, 0 where none is.
func alike(a, b *cylinder, seen uint64, diff int) float32 {
	if bits.OnesCount64(seen) < leastSeen {
		return 0
	}
	na, nb := 0, 0
	for s := range slices6 {
		na += bits.OnesCount64(a.bits[s] & seen)
		nb += bits.OnesCount64(b.bits[s] & seen)
	}
	if na == 0 || nb == 0 {
		return 0
	}
	return 1 - roots[diff]/(roots[na]+roots[nb])
}

// levels is how finely likenesses are told apart when the best are chosen.
const levels = 256

func levelOf(like float32) int { return int(like * (levels - 1)) }

// bit is 1 of what is true, without a branch: much of what is decided here no
// processor can foretell.
func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// hope is a minutia of the second probe and in how many bits it differs from
// one of the first.
type hope struct {
	b    uint8
	diff uint16
}

// choose fills w.pairs with the pairs that are most alike.
func (w *work) choose(p, q *Probe) {
	var count [levels]uint16
	all := &w.all
	// As soon as maxPairs pairs are of a level or above it, those below it are
	// not looked for: n counts the ones of level least and above.
	least, n, end := levelOf(leastAlike), 0, 0
	slack := slackOf(least)
	for i := range p.cylinders[:min(len(p.cylinders), maxChoice)] {
		c := &p.cylinders[i]
		hopes := 0
		for _, j := range q.turned(p.places[i].angle) {
			o := &q.cylinders[j]
			seen := c.seen & o.seen
			diff := bits.OnesCount64((c.bits[0]^o.bits[0])&seen) + bits.OnesCount64((c.bits[1]^o.bits[1])&seen) +
				bits.OnesCount64((c.bits[2]^o.bits[2])&seen) + bits.OnesCount64((c.bits[3]^o.bits[3])&seen) +
				bits.OnesCount64((c.bits[4]^o.bits[4])&seen) + bits.OnesCount64((c.bits[5]^o.bits[5])&seen)
			h := &w.hopes[hopes%len(w.hopes)]
			h.b, h.diff = j, uint16(diff) // #nosec G115 -- at most 384
			// No more bits can be set in what both see than in each cylinder.
			hopes += bit(roots[diff] <= slack*(c.root+o.root))
		}
		for _, h := range w.hopes[:hopes] {
			o := &q.cylinders[h.b]
			like := alike(c, o, c.seen&o.seen, int(h.diff))
			level := levelOf(like)
			x := &all[end]
			x.a, x.b, x.like = uint8(i), h.b, like // #nosec G115 -- at most maxPlaces
			good := bit(like >= leastAlike) & bit(level >= least)
			count[level] += uint16(good) // #nosec G115 -- 0 or 1
			end += good
			n += good
		}
		for n-int(count[least]) >= maxPairs {
			n -= int(count[least])
			least++
			slack = slackOf(least)
		}
	}
	// All above the level, and of it the first.
	free, chosen := maxPairs-(n-int(count[least])), 0
	pairs := w.pairs[:cap(w.pairs)]
	for _, x := range all[:end] {
		level := levelOf(x.like)
		pairs[chosen] = x
		equal := bit(level == least)
		chosen += bit(level > least) | equal&bit(free > 0)
		free -= equal
	}
	w.pairs = pairs[:chosen]
}

// slackOf is the share of the greatest difference that a pair of a level may
// have, a little more for the rounding.
func slackOf(level int) float32 { return 1 - float32(level)/(levels-1) + 1e-4 }

// node is a pair as relax looks at it.
type node struct {
	ax, ay, acos, asin float32
	bx, by, bcos, bsin float32
	a, b               uint8
}

// edge is two pairs that fit each other, and how well.
type edge struct {
	i, j uint8
	fit  float32
}

// relax weighs every pair by the others that fit it: two pairs fit when both
// probes have the same distance and the same angles between the two minutiae.
func (w *work) relax(p, q *Probe) {
	n := len(w.pairs)
	for i, x := range w.pairs {
		a, b := &p.places[x.a], &q.places[x.b]
		w.nodes[i] = node{a.x, a.y, a.cos, a.sin, b.x, b.y, b.cos, b.sin, x.a, x.b}
		w.turns[i] = a.angle - b.angle
		w.weight[i] = x.like
	}
	w.findEdges(n)
	for range rounds {
		sums := &w.sums
		clear(sums[:n])
		for _, e := range w.edges {
			i, j := e.i%maxPairs, e.j%maxPairs
			sums[i] += e.fit * w.weight[j]
			sums[j] += e.fit * w.weight[i]
		}
		k := 0.5 / float32(n-1)
		for i := range n {
			w.weight[i] = 0.5*w.weight[i] + k*sums[i]
		}
	}
}

// How often pairs weigh each other.
const rounds = 4

// Tolerances of two pairs that fit, and the middles and steepnesses of the
// curves by which they fit less and less: of the difference of their distances
// in pixels, of their angles in units of 360/256 degrees, and of the tangent of
// the angle between their directions.
const (
	edgeTurn    = 28
	edgeFar     = 20
	farMiddle   = 6
	farSteep    = 0.4
	turnMiddle  = 11
	turnSteep   = 0.4
	crossMiddle = 0.27
	crossSteep  = 14
)

// gap is two nodes, how their distances differ, and the sine and cosine of the
// angle between their directions, times both distances.
type gap struct {
	i, j            uint8
	far, dot, cross float32
}

// findEdges fills w.edges with those between the first n nodes.
func (w *work) findEdges(n int) {
	alike := 0 // pairs that are turned by about the same angle
	for i := 1; i < n; i++ {
		x, turn := &w.nodes[i], w.turns[i]+edgeTurn
		for j, t := range w.turns[:i] {
			y := &w.nodes[j]
			g := &w.gaps[alike]
			g.i, g.j = uint8(i), uint8(j) // #nosec G115 -- at most maxPairs
			alike += bit(turn-t <= 2*edgeTurn) & bit(x.a != y.a) & bit(x.b != y.b)
		}
	}
	fit := 0
	for k := range w.gaps[:alike] {
		i, j := w.gaps[k].i%maxPairs, w.gaps[k].j%maxPairs
		x, y := &w.nodes[i], &w.nodes[j]
		ux, uy := y.ax-x.ax, y.ay-x.ay
		vx, vy := y.bx-x.bx, y.by-x.by
		far := abs(sqrt(ux*ux+uy*uy) - sqrt(vx*vx+vy*vy))
		// The direction to the other minutia, in each one's own frame.
		cu, su := ux*x.acos+uy*x.asin, uy*x.acos-ux*x.asin
		cv, sv := vx*x.bcos+vy*x.bsin, vy*x.bcos-vx*x.bsin
		dot, cross := cu*cv+su*sv, abs(cu*sv-su*cv)
		g := &w.gaps[fit]
		g.i, g.j, g.far, g.dot, g.cross = i, j, far, dot, cross
		fit += int(math.Float32bits(far-edgeFar) & math.Float32bits(cross-dot) >> 31)
	}
	edges := w.edges[:0]
	for k := range w.gaps[:fit] {
		g := &w.gaps[k]
		// The curves of far and of cross/dot, the tangent of the angle, over
		// one denominator.
		z := (g.far - farMiddle) * farSteep
		r := (g.cross - crossMiddle*g.dot) * crossSteep
		az, ar := 1+abs(z), g.dot+abs(r)
		edges = append(edges, edge{
			g.i, g.j,
			turnFits[w.turns[g.i%maxPairs]-w.turns[g.j%maxPairs]] * (az - z) * (ar - r) / (4 * az * ar),
		})
	}
	w.edges = edges
}

// turnFits tells how well two pairs go together that are turned differently by
// an angle.
var turnFits = func() (t [256]float32) {
	for i := range t {
		t[i] = curve(abs(float32(int8(i))), turnMiddle, turnSteep)
	}
	return t
}()

// curve falls from 1 to 0 around middle.
func curve(x, middle, steep float32) float32 {
	z := (x - middle) * steep
	// A rational sigmoid: no exponential is worth its time here.
	return 0.5 - 0.5*z/(1+abs(z))
}

// abs has no branch.
func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
