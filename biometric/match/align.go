package match

import (
	"math"
	"math/bits"
)

// Tolerances of two minutiae that lie on each other.
const (
	nearby   = 14.0 // pixels
	sameTurn = 22   // units of 360/256 degrees
	turnCost = 0.3  // of a squared unit, in squared pixels
	seeds    = 4    // alignments that are tried
)

// pose turns and shifts the first probe onto the second.
type pose struct {
	cos, sin, x, y float32
	turn           uint8 // in units of the angle, what is added to an angle
}

func (t *pose) apply(x, y float32) (float32, float32) {
	return t.cos*x - t.sin*y + t.x, t.sin*x + t.cos*y + t.y
}

// poseOf is the pose in which a lies on b.
func poseOf(a, b *place) pose {
	turn := b.angle - a.angle
	// The angle is counter-clockwise, y goes down.
	t := pose{cos: cosines[turn], sin: -sines[turn], turn: turn}
	t.x = b.x - (t.cos*a.x - t.sin*a.y)
	t.y = b.y - (t.sin*a.x + t.cos*a.y)
	return t
}

// alignment is a pose and what lies on each other in it.
type alignment struct {
	pose
	matched      []candidate
	usedA, usedB uint64  // the minutiae that are matched, a bit each
	like         float32 // likeness of the matched, summed up
}

func newAlignment() *alignment { return &alignment{matched: make([]candidate, 0, maxPlaces)} }

// likeness sums up how alike the matched minutiae's cylinders are.
func (t *alignment) likeness(p, q *Probe) float32 {
	var like float32
	for _, c := range t.matched {
		a, b := &p.cylinders[c.a], &q.cylinders[c.b]
		seen := a.seen & b.seen
		diff := 0
		for s := range slices6 {
			diff += bits.OnesCount64((a.bits[s] ^ b.bits[s]) & seen)
		}
		like += alike(a, b, seen, diff)
	}
	return like
}

// fit is the pose, by least squares, that lays the matched pairs on each
// other.
func (t *alignment) fit(p, q *Probe) pose {
	var ax, ay, bx, by, n float32
	for _, m := range t.matched {
		a, b := &p.places[m.a], &q.places[m.b]
		ax, ay, bx, by = ax+a.x, ay+a.y, bx+b.x, by+b.y
		n++
	}
	ax, ay, bx, by = ax/n, ay/n, bx/n, by/n
	var dot, cross float32
	for _, m := range t.matched {
		a, b := &p.places[m.a], &q.places[m.b]
		ux, uy, vx, vy := a.x-ax, a.y-ay, b.x-bx, b.y-by
		dot += ux*vx + uy*vy
		cross += ux*vy - uy*vx
	}
	l := sqrt(dot*dot + cross*cross)
	if l == 0 {
		l, dot = 1, 1
	}
	f := pose{cos: dot / l, sin: cross / l}
	f.x = bx - (f.cos*ax - f.sin*ay)
	f.y = by - (f.sin*ax + f.cos*ay)
	f.turn = angleOf(f.cos, -f.sin)
	return f
}

// spot is where a minutia of the first probe comes to lie, and which of the
// second may lie there.
type spot struct {
	near  uint64
	x, y  float32
	angle uint8
	a     uint8
}

// pairUp fills t.matched with the minutiae that lie on each other in t's pose:
// each at most once, the closest first.
func (w *work) pairUp(p, q *Probe, t *alignment) {
	spots := 0
	for i := range p.places {
		a := &p.places[i]
		x, y := t.apply(a.x, a.y)
		angle := a.angle + t.turn
		near := q.grid.at(x, y, angle)
		s := &w.spots[spots]
		s.near, s.x, s.y, s.angle, s.a = near, x, y, angle, uint8(i) // #nosec G115 -- at most maxPlaces
		spots += bit(near != 0)
	}
	n, twice := 0, uint64(0) // twice has bits where a minutia lies on two
	t.usedA, t.usedB = 0, 0
	for k := range w.spots[:spots] {
		s := &w.spots[k]
		for near := s.near; near != 0 && n < len(w.close)-1; near &= near - 1 {
			j := bits.TrailingZeros64(near)
			b := &q.places[j]
			dx, dy := b.x-s.x, b.y-s.y
			d := dx*dx + dy*dy
			turn := int8(s.angle - b.angle) // #nosec G115 -- modulo 256 is meant
			c := &w.close[n]
			c.far, c.a, c.b = d+turnCost*float32(turn)*float32(turn), s.a, uint8(j) // #nosec G115 -- at most maxPlaces
			on := bit(d <= nearby*nearby) & bit(uint8(turn+sameTurn) <= 2*sameTurn) // #nosec G115 -- modulo 256 is meant
			ofA, ofB := uint64(on)<<s.a, uint64(on)<<j                              // #nosec G115 -- 0 or 1
			twice |= t.usedA&ofA | t.usedB&ofB
			t.usedA |= ofA
			t.usedB |= ofB
			n += on
		}
	}
	if twice == 0 {
		t.matched = append(t.matched[:0], w.close[:n]...)
		return
	}
	sortCandidates(w.close[:n])
	t.matched, t.usedA, t.usedB = t.matched[:0], 0, 0
	for _, c := range w.close[:n] {
		a, b := uint64(1)<<c.a, uint64(1)<<c.b
		if t.usedA&a|t.usedB&b == 0 {
			t.usedA |= a
			t.usedB |= b
			t.matched = append(t.matched, c)
		}
	}
}

// candidate is two minutiae that lie on each other, and how far apart.
type candidate struct {
	far  float32
	a, b uint8
}

// sortCandidates sorts by distance; there are few.
func sortCandidates(c []candidate) {
	for i := 1; i < len(c); i++ {
		x := c[i]
		j := i
		for ; j > 0 && c[j-1].far > x.far; j-- {
			c[j] = c[j-1]
		}
		c[j] = x
	}
}

// angleOf returns the angle of a direction in units of 360/256 degrees.
func angleOf(cos, sin float32) uint8 {
	return uint8(int(math.Round(math.Atan2(float64(sin), float64(cos))*128/math.Pi)) & 0xFF) // #nosec G115 -- modulo 256 is meant
}
