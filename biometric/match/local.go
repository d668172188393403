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

// choose fills w.pairs with the pairs that are most alike.
func (w *work) choose(p, q *Probe) {
	var count [levels]int
	all := w.all[:0]
	// As soon as maxPairs pairs are of a level or above it, those below it are
	// not looked for: n counts the ones of level least and above.
	least, n := levelOf(leastAlike), 0
	slack := slackOf(least)
	for i := range p.cylinders[:min(len(p.cylinders), maxChoice)] {
		c := &p.cylinders[i]
		for _, j := range q.turned(p.places[i].angle) {
			o := &q.cylinders[j]
			seen := c.seen & o.seen
			diff := bits.OnesCount64((c.bits[0]^o.bits[0])&seen) + bits.OnesCount64((c.bits[1]^o.bits[1])&seen) +
				bits.OnesCount64((c.bits[2]^o.bits[2])&seen) + bits.OnesCount64((c.bits[3]^o.bits[3])&seen) +
				bits.OnesCount64((c.bits[4]^o.bits[4])&seen) + bits.OnesCount64((c.bits[5]^o.bits[5])&seen)
			// No more bits can be set in what both see than in each cylinder.
			if roots[diff] > slack*(c.root+o.root) {
				continue
			}
			like := alike(c, o, seen, diff)
			level := levelOf(like)
			if like < leastAlike || level < least {
				continue
			}
			count[level]++
			n++
			all = append(all, pair{uint8(i), j, like}) // #nosec G115 -- at most maxPlaces
			for n-count[least] >= maxPairs {
				n -= count[least]
				least++
				slack = slackOf(least)
			}
		}
	}
	w.all = all
	// All above the level, and of it the first.
	free := maxPairs - (n - count[least])
	w.pairs = w.pairs[:0]
	for _, x := range all {
		level := levelOf(x.like)
		if level == least {
			free--
		}
		if level > least || level == least && free >= 0 {
			w.pairs = append(w.pairs, x)
		}
	}
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
	for range 4 {
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

// Tolerances of two pairs that fit.
const (
	edgeTurn = 28 // units of 360/256 degrees
	edgeFar  = 20 // pixels
)

// findEdges fills w.edges with those between the first n nodes. What no
// processor can foretell is decided by masks and sign bits, without branches.
func (w *work) findEdges(n int) {
	edges := w.edges[:0]
	for i := 1; i < n; i++ {
		x, turn := &w.nodes[i], w.turns[i]+edgeTurn
		alike := uint64(0) // the nodes that are turned by about the same angle
		for j, t := range w.turns[:i] {
			alike |= (uint64(turn-t) - (2*edgeTurn + 1)) >> 63 << (j & 63)
		}
		for ; alike != 0; alike &= alike - 1 {
			j := bits.TrailingZeros64(alike)
			y := &w.nodes[j%maxPairs]
			if x.a == y.a || x.b == y.b {
				continue
			}
			ux, uy := y.ax-x.ax, y.ay-x.ay
			vx, vy := y.bx-x.bx, y.by-x.by
			far := abs(sqrt(ux*ux+uy*uy) - sqrt(vx*vx+vy*vy))
			// The direction to the other minutia, in each one's own frame.
			cu, su := ux*x.acos+uy*x.asin, uy*x.acos-ux*x.asin
			cv, sv := vx*x.bcos+vy*x.bsin, vy*x.bcos-vx*x.bsin
			dot, cross := cu*cv+su*sv, abs(cu*sv-su*cv)
			if math.Float32bits(far-edgeFar)&math.Float32bits(cross-dot)>>31 == 0 {
				continue
			}
			// curve(far, 6, 0.4) and curve(cross/dot, 0.27, 14), the tangent
			// of the angle, over one denominator.
			z := (far - 6) * 0.4
			r := (cross - 0.27*dot) * 14
			az, ar := 1+abs(z), dot+abs(r)
			edges = append(edges, edge{uint8(i), uint8(j), // #nosec G115 -- at most maxPairs
				turnFits[w.turns[i]-w.turns[j%maxPairs]] * (az - z) * (ar - r) / (4 * az * ar)})
		}
	}
	w.edges = edges
}

// turnFits tells how well two pairs go together that are turned differently by
// an angle.
var turnFits = func() (t [256]float32) {
	for i := range t {
		t[i] = curve(abs(float32(int8(i))), 11, 0.4)
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
