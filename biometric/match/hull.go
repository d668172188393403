package match

import (
	"cmp"
	"math"
	"slices"
)

type corner struct{ x, y float32 }

// hull is the convex hull of places.
type hull struct {
	corners []corner
	sides   []halfPlane // of three corners and more
}

// halfPlane is what lies to one side of a line: x and y are of length 1, and a
// point's distance from the line, towards the inside, is their product with it
// plus at.
type halfPlane struct{ x, y, at float32 }

func (h *halfPlane) depth(x, y float32) float32 { return h.x*x + h.y*y + h.at }

// hullOf returns the hull of places, its corners counter-clockwise.
func hullOf(places []place) hull {
	pts := make([]corner, len(places))
	for i, m := range places {
		pts[i] = corner{m.x, m.y}
	}
	slices.SortFunc(pts, func(a, b corner) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y)) })
	pts = slices.Compact(pts)
	if len(pts) < 3 {
		return hull{corners: pts}
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
	h := hull{corners: out[:len(out)-1]}
	if len(h.corners) < 3 { // all on one line
		return h
	}
	for i, a := range h.corners {
		b := h.corners[(i+1)%len(h.corners)]
		ex, ey := b.x-a.x, b.y-a.y
		l := sqrt(ex*ex + ey*ey)
		h.sides = append(h.sides, halfPlane{-ey / l, ex / l, (ey*a.x - ex*a.y) / l})
	}
	return h
}

// near reports whether a point lies in the hull or within d pixels of it.
func (h *hull) near(x, y, d float32) bool {
	least := float32(math.MaxFloat32)
	for i := range h.sides {
		if depth := h.sides[i].depth(x, y); depth < least {
			least = depth
		}
	}
	if least < -d {
		return false
	}
	if len(h.sides) > 0 && least >= 0 {
		return true
	}
	// In the strip around the hull: by the distance from each side.
	for i, a := range h.corners {
		b := h.corners[(i+1)%len(h.corners)]
		ex, ey := b.x-a.x, b.y-a.y
		px, py := x-a.x, y-a.y
		t := float32(0)
		if l := ex*ex + ey*ey; l > 0 {
			t = min(max((px*ex+py*ey)/l, 0), 1)
		}
		if qx, qy := px-t*ex, py-t*ey; qx*qx+qy*qy <= d*d {
			return true
		}
	}
	return false
}

// around is 1 where a point lies at most d pixels outside the line of any side,
// else 0. Beyond a corner that reaches further than near does.
func (h *hull) around(x, y, d float32) uint64 {
	if len(h.sides) == 0 {
		return uint64(bit(h.near(x, y, d))) // #nosec G115 -- 0 or 1
	}
	outside := uint32(0)
	for i := range h.sides {
		outside |= math.Float32bits(h.sides[i].depth(x, y) + d)
	}
	return uint64(outside>>31 ^ 1)
}

// within reports whether a point lies in the hull, at least d pixels from its
// edge.
func (h *hull) within(x, y, d float32) bool {
	for i := range h.sides {
		if h.sides[i].depth(x, y) < d {
			return false
		}
	}
	return len(h.sides) > 0
}
