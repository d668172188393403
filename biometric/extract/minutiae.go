package extract

import (
	"cmp"
	"math"
	"slices"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
)

// Lengths in pixels at 500 dpi.
const (
	spurLength   = 9  // lines off a fork up to this length are noise
	islandLength = 14 // lines by themselves up to this length are noise
	traceLength  = 14 // of a line whose direction is taken
	leastTrace   = 7  // of a line that has a direction
	bridgeLength = 8  // between two forks that are noise
	gapLength    = 11 // between two ends of one broken ridge
	closeLength  = 5  // between any two minutiae that are noise
	rimLength    = 7  // around a minutia that has to be foreground
)

// point is a minutia before it is rounded: angle in radians, y down.
type point struct {
	x, y    float32
	dx, dy  float32 // direction as ISO/IEC 19794-2 has it, of length 1, y down
	kind    fmr.Type
	clear   float32
	dropped bool
}

// find returns the minutiae of the skeleton.
func (s *state) find(k *skeleton) []point {
	points := s.points[:0]
	var path, starts []int
	for _, i := range k.points {
		if k.pix[i] == 0 {
			continue
		}
		switch crossings[k.ring(i)] {
		case 1:
			x, y := k.xy(i)
			starts = k.branches(i, starts[:0])
			var end stop
			path, end = k.walk(i, starts[0], traceLength, path[:0])
			if len(path) >= leastTrace || end == onLine {
				tx, ty := k.xy(path[len(path)-1])
				points = append(points, s.point(x, y, float32(tx-x), float32(ty-y), fmr.Ending))
			}
		case 3:
			x, y := k.xy(i)
			if p, ok := s.fork(k, i, x, y); ok {
				points = append(points, p)
			}
		}
	}
	s.points = points
	s.prune(points)
	return slices.DeleteFunc(points, func(p point) bool { return p.dropped })
}

// fork makes a minutia of a pixel where three lines meet. It reports false
// where one of the lines is too short to be a ridge.
func (s *state) fork(k *skeleton, i, x, y int) (point, bool) {
	var paths [3][traceLength]int
	var dir [3][2]float32
	starts := k.branches(i, s.starts[:0])
	s.starts = starts
	if len(starts) != 3 {
		return point{}, false
	}
	bad := false
	for n, st := range starts {
		path, end := k.walk(i, st, traceLength, paths[n][:0])
		if end != onLine && len(path) < leastTrace || end == atFork && len(path) <= bridgeLength {
			bad = true
		}
		tx, ty := k.xy(path[len(path)-1])
		dx, dy := float32(tx-x), float32(ty-y)
		l := sqrt(dx*dx + dy*dy)
		if l == 0 {
			return point{}, false
		}
		dir[n] = [2]float32{dx / l, dy / l}
	}
	// The two lines that lie closest enclose the valley.
	best, a, b := float32(-2), 0, 1
	for n := range 3 {
		m := (n + 1) % 3
		if dot := dir[n][0]*dir[m][0] + dir[n][1]*dir[m][1]; dot > best {
			best, a, b = dot, n, m
		}
	}
	p := s.point(x, y, dir[a][0]+dir[b][0], dir[a][1]+dir[b][1], fmr.Bifurcation)
	p.dropped = bad
	return p, true
}

// point makes a minutia at a pixel: the field's orientation, in the one of its
// two directions that is closer to dx, dy.
func (s *state) point(x, y int, dx, dy float32, kind fmr.Type) point {
	fx, fy := float32(x), float32(y)
	c, d := s.orientationAt(fx, fy)
	sin, cos := math.Sincos(0.5 * math.Atan2(float64(d), float64(c)))
	p := point{x: fx, y: fy, dx: float32(cos), dy: float32(sin), kind: kind, clear: s.gridAt(s.clear, fx, fy)}
	if p.dx*dx+p.dy*dy < 0 {
		p.dx, p.dy = -p.dx, -p.dy
	}
	return p
}

// prune drops what is no minutia of the finger.
func (s *state) prune(points []point) {
	for i := range points {
		p := &points[i]
		if !s.surrounded(int(p.x), int(p.y)) {
			p.dropped = true
		}
	}
	dropped := s.marks[:0]
	for range points {
		dropped = append(dropped, false)
	}
	s.marks = dropped
	for i := range points {
		p := &points[i]
		for j := range points[:i] {
			q := &points[j]
			dx, dy := q.x-p.x, q.y-p.y
			if abs(dx) > gapLength || abs(dy) > gapLength {
				continue
			}
			d2 := dx*dx + dy*dy
			facing := p.dx*q.dx+p.dy*q.dy < -0.6
			gap := p.kind == fmr.Ending && q.kind == fmr.Ending && facing && d2 <= gapLength*gapLength
			if gap && d2 > 36 {
				// The gap lies ahead of both ends, not beside them.
				l := sqrt(d2)
				gap = (p.dx*dx+p.dy*dy)/l < -0.6
			}
			if gap || d2 <= closeLength*closeLength {
				dropped[i], dropped[j] = true, true
			}
		}
	}
	for i, d := range dropped {
		points[i].dropped = points[i].dropped || d
	}
}

// surrounded reports whether a circle around a pixel is foreground.
func (s *state) surrounded(x, y int) bool {
	for _, d := range rim {
		if !s.inside(x+d[0], y+d[1]) {
			return false
		}
	}
	return true
}

// rim is a circle of twelve pixels.
var rim = func() (r [12][2]int) {
	for i := range r {
		sin, cos := math.Sincos(float64(i) * math.Pi / 6)
		r[i] = [2]int{int(math.Round(rimLength * cos)), int(math.Round(rimLength * sin))}
	}
	return r
}()

// encode turns points into minutiae of the image as it was before scaling, the
// best first, at most limit.
func encode(points []point, scale float64, w, h, limit int) []fmr.Minutia {
	all := make([]fmr.Minutia, 0, len(points))
	for _, p := range points {
		// The image's y goes down, the angle counter-clockwise.
		angle := math.Atan2(-float64(p.dy), float64(p.dx)) * 128 / math.Pi
		all = append(all, fmr.Minutia{
			X:       min(max(int(math.Round(float64(p.x)/scale)), 0), w-1),
			Y:       min(max(int(math.Round(float64(p.y)/scale)), 0), h-1),
			Angle:   uint8(int(math.Round(angle)) & 0xFF), // #nosec G115 -- modulo 256 is meant
			Type:    p.kind,
			Quality: uint8(min(max(p.clear*100, 1), 100)),
		})
	}
	slices.SortStableFunc(all, func(a, b fmr.Minutia) int { return cmp.Compare(b.Quality, a.Quality) })
	return all[:min(len(all), limit)]
}
