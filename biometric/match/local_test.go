package match

import (
	"cmp"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestChoose compares the pairs that are chosen with all that there are.
func TestChoose(t *testing.T) {
	all := people()
	w := pool.Get().(*work)
	for _, c := range [][2]*Probe{
		{prepare(t, all[0][0]), prepare(t, all[0][1])},
		{prepare(t, all[0][0]), prepare(t, all[1][0])},
		{prepare(t, all[2][1]), prepare(t, all[3][2])},
	} {
		p, q := c[0], c[1]
		var likes []int
		for i := range min(len(p.places), maxChoice) {
			for j := range min(len(q.places), maxChoice) {
				turn := int8(p.places[i].angle - q.places[j].angle)
				if turn > maxTurn || turn < -maxTurn {
					continue
				}
				a, b := &p.cylinders[i], &q.cylinders[j]
				seen, diff := a.seen&b.seen, 0
				for s := range slices6 {
					diff += bits.OnesCount64((a.bits[s] ^ b.bits[s]) & seen)
				}
				if like := alike(a, b, seen, diff); like >= leastAlike {
					likes = append(likes, levelOf(like))
				}
			}
		}
		slices.Sort(likes)
		slices.Reverse(likes)
		w.choose(p, q)
		var got []int
		for _, x := range w.pairs {
			got = append(got, levelOf(x.like))
		}
		slices.Sort(got)
		slices.Reverse(got)
		if want := likes[:min(len(likes), maxPairs)]; !slices.Equal(got, want) {
			t.Errorf("levels of the pairs %v, want %v", got, want)
		}
	}
}

// TestEdges compares the edges with the definition: the product of three curves
// within the tolerances.
func TestEdges(t *testing.T) {
	w := pool.Get().(*work)
	p, q := prepare(t, people()[0][0]), prepare(t, people()[0][2])
	w.choose(p, q)
	w.relax(p, q)
	want := map[[2]uint8]float32{}
	for i, x := range w.pairs {
		for j, y := range w.pairs[:i] {
			if f := fits(&p.places[x.a], &q.places[x.b], &p.places[y.a], &q.places[y.b]); x.a != y.a && x.b != y.b && f > 0 {
				want[[2]uint8{uint8(i), uint8(j)}] = f
			}
		}
	}
	if len(w.edges) < 20 || len(want) != len(w.edges) {
		t.Errorf("%d edges, want %d", len(w.edges), len(want))
	}
	for _, e := range w.edges {
		if f := want[[2]uint8{e.i, e.j}]; abs(f-e.fit) > 1e-5 {
			t.Errorf("%d and %d fit by %v, want %v", e.i, e.j, e.fit, f)
		}
	}
}

func fits(a, b, c, d *place) float32 {
	ux, uy, vx, vy := c.x-a.x, c.y-a.y, d.x-b.x, d.y-b.y
	far := abs(sqrt(ux*ux+uy*uy) - sqrt(vx*vx+vy*vy))
	turn := abs(float32(int8((a.angle - c.angle) - (b.angle - d.angle))))
	cu, su := ux*a.cos+uy*a.sin, uy*a.cos-ux*a.sin
	cv, sv := vx*b.cos+vy*b.sin, vy*b.cos-vx*b.sin
	dot, cross := cu*cv+su*sv, abs(cu*sv-su*cv)
	if far >= edgeFar || turn > edgeTurn || cross >= dot {
		return 0
	}
	return curve(far, farMiddle, farSteep) * curve(turn, turnMiddle, turnSteep) * curve(cross/dot, crossMiddle, crossSteep)
}

// TestPairUp compares what lies on each other with the definition: of all pairs
// within the tolerances the closest first, each minutia once.
func TestPairUp(t *testing.T) {
	w := pool.Get().(*work)
	var all []*Probe
	for _, impressions := range people() {
		all = append(all, prepare(t, impressions[0]), prepare(t, impressions[1]))
	}
	r := rand.New(rand.NewPCG(5, 6))
	found := 0
	for range 300 {
		p, q := all[r.IntN(len(all))], all[r.IntN(len(all))]
		got := newAlignment()
		got.pose = poseOf(&p.places[r.IntN(p.Len())], &q.places[r.IntN(q.Len())])
		var near []candidate
		for i, a := range p.places {
			x, y := got.apply(a.x, a.y)
			for j, b := range q.places {
				d, turn := (b.x-x)*(b.x-x)+(b.y-y)*(b.y-y), int8(a.angle+got.turn-b.angle)
				if d <= nearby*nearby && turn <= sameTurn && turn >= -sameTurn {
					near = append(near, candidate{d + turnCost*float32(turn)*float32(turn), uint8(i), uint8(j)})
				}
			}
		}
		slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.far, b.far) })
		want := map[candidate]bool{}
		var usedA, usedB uint64
		for _, c := range near {
			if usedA>>c.a&1 == 0 && usedB>>c.b&1 == 0 {
				usedA, usedB, want[c] = usedA|1<<c.a, usedB|1<<c.b, true
			}
		}
		w.pairUp(p, q, got)
		for _, c := range got.matched {
			if !want[c] {
				t.Fatalf("%+v is matched", c)
			}
		}
		if len(got.matched) != len(want) || got.usedA != usedA || got.usedB != usedB {
			t.Fatalf("%d are matched, want %d", len(got.matched), len(want))
		}
		found += len(want)
	}
	if found < 1000 {
		t.Errorf("%d matched in all: too few for a test", found)
	}
}

// TestGrid: the grid finds every place that lies on a point, also far off.
func TestGrid(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		places := make([]place, r.IntN(maxPlaces+1))
		for i := range places {
			places[i] = place{x: float32(r.IntN(1600)), y: float32(r.IntN(1600)) / 7, angle: uint8(r.IntN(256))}
		}
		var g grid
		g.fill(places)
		for range 200 {
			x, y, angle := r.Float32()*1700-50, r.Float32()*300-40, uint8(r.IntN(256))
			found := g.at(x, y, angle)
			for i, m := range places {
				turn := int8(m.angle - angle)
				on := abs(m.x-x) <= nearby && abs(m.y-y) <= nearby && turn <= sameTurn && turn >= -sameTurn
				if on && found>>i&1 == 0 {
					t.Fatalf("%v is not found at %v, %v, %d", m, x, y, angle)
				}
			}
		}
	}
}
