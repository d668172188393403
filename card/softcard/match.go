package softcard

import (
	"errors"
	"time"

	"github.com/dhamani-iq/dhamani/card"
)

// The matcher of this card: whole numbers only, and no more memory than
// matchRAM, beside the minutiae themselves. It looks for the rotation and the
// shift under which most minutiae of the one finger lie upon those of the
// other, counts the pairs there, and compares the count with the number of
// minutiae that the common area holds.

// minutiaLen is the length of a minutia in the compact card format of ISO/IEC
// 19794-2: x u8 and y u8 in 0.1 mm; kind, 2 bits, and angle, 6 bits of 5.625°.
const minutiaLen = 3

type minutia struct {
	x, y  int // 0.1 mm
	angle int // 0..63
}

var errMinutiae = errors.New("malformed minutiae")

// parseMinutiae reads a compact template. It owes errMinutiae.
func parseMinutiae(raw []byte) ([]minutia, error) {
	n := len(raw) / minutiaLen
	if len(raw)%minutiaLen != 0 || n < card.MinMinutiae || n > card.MaxMinutiae {
		return nil, errMinutiae
	}
	out := make([]minutia, n)
	for i := range out {
		b := raw[i*minutiaLen:]
		if b[2]>>6 == 3 { // a kind that the format does not know
			return nil, errMinutiae
		}
		out[i] = minutia{int(b[0]), int(b[1]), int(b[2] & 63)}
	}
	return out, nil
}

// Search space and tolerances.
const (
	turns        = 8  // rotations tried: -8..8 steps of 5.625°
	gridSize     = 32 // bins each way
	gridBin      = 16 // 1.6 mm
	gridAngle    = 2  // steps by which two directions may differ in the vote
	candidates   = 6  // rotations and shifts looked at closely
	pairDistance = 7  // 0.7 mm
	pairAngle    = 2
	passes       = 2 // how often the shift is set right by the pairs found

	minPairs  = 8    // pairs at least
	minWeight = 2500 // pairs, times the thousandths that they are of what the common area could give, squared
)

// matchRAM is the working memory of match in bytes: the grid, the minutiae of
// the probe in the order of their angles, where each angle begins, which of
// them are paired, and the candidates.
const matchRAM = gridSize*gridSize + card.MaxMinutiae + 65 + card.MaxMinutiae/8 + 5*candidates

// turned holds 128 times cosine and sine of 0 to 8 steps of 5.625°.
var turned = [turns + 1][2]int{{128, 0}, {127, 13}, {126, 25}, {122, 37}, {118, 49}, {113, 60}, {106, 71}, {99, 81}, {91, 91}}

// centre is the point about which a finger is turned.
const centre = 128

func (m minutia) turn(by int) minutia {
	cos, sin := turned[max(by, -by)][0], turned[max(by, -by)][1]
	if by < 0 {
		sin = -sin
	}
	x, y := m.x-centre, m.y-centre
	// y points down and angles rise counter-clockwise.
	return minutia{centre + (x*cos+y*sin)/128, centre + (y*cos-x*sin)/128, (m.angle + by) & 63}
}

// effort counts what the comparison costs on the card.
type effort struct{ votes, pairs, cells int }

// Times of the modelled card's own program for one vote, one look at a pair
// and 256 cells of the grid. No figure for them is published: they are set
// from the number of byte codes, at about 1 µs each.
const (
	timeVote  = 30 * time.Microsecond
	timePair  = 15 * time.Microsecond
	timeCells = 400 * time.Microsecond
)

func (e effort) time() time.Duration {
	return time.Duration(e.votes)*timeVote + time.Duration(e.pairs)*timePair + time.Duration(e.cells)*timeCells/256
}

// candidate is a rotation and a shift, with the votes for it.
type candidate struct{ votes, turn, dx, dy int }

// match reports whether two sets of minutiae come from one finger.
func match(enrolled, probe []minutia) (bool, effort) {
	var work effort
	for _, c := range vote(enrolled, probe, &work) {
		if c.votes > 0 && agree(enrolled, probe, c, &work) {
			return true, work
		}
	}
	return false, work
}

// vote finds the rotations and shifts that most pairs agree on, best first.
func vote(enrolled, probe []minutia, work *effort) [candidates]candidate {
	var best [candidates]candidate
	var begin [65]int // by angle, into order
	order := make([]int, 0, len(probe))
	for angle := range 64 {
		begin[angle] = len(order)
		for j, p := range probe {
			if p.angle == angle {
				order = append(order, j)
			}
		}
	}
	begin[64] = len(order)
	for turn := -turns; turn <= turns; turn++ {
		var grid [gridSize][gridSize]uint8
		work.cells += gridSize * gridSize
		for _, e := range enrolled {
			for d := -gridAngle; d <= gridAngle; d++ {
				angle := (e.angle - turn + d) & 63
				for _, j := range order[begin[angle]:begin[angle+1]] {
					p := probe[j].turn(turn)
					bx, by := (e.x-p.x+gridBin*gridSize/2)/gridBin, (e.y-p.y+gridBin*gridSize/2)/gridBin
					if bx >= 0 && bx < gridSize && by >= 0 && by < gridSize && grid[bx][by] < 255 {
						grid[bx][by]++
					}
					work.votes++
				}
			}
		}
		keepBest(&best, &grid, turn)
		work.cells += gridSize * gridSize
	}
	return best
}

// keepBest takes in the best two by two bins of one rotation.
func keepBest(best *[candidates]candidate, grid *[gridSize][gridSize]uint8, turn int) {
	top := candidate{turn: turn}
	for x := range gridSize - 1 {
		for y := range gridSize - 1 {
			n := int(grid[x][y]) + int(grid[x+1][y]) + int(grid[x][y+1]) + int(grid[x+1][y+1])
			if n > top.votes {
				top.votes, top.dx, top.dy = n, (x+1-gridSize/2)*gridBin, (y+1-gridSize/2)*gridBin
			}
		}
	}
	for i := range best {
		if top.votes > best[i].votes {
			best[i], top = top, best[i]
		}
	}
}

// agree pairs the minutiae under one rotation and shift, sets the shift right
// by the pairs, and judges them.
func agree(enrolled, probe []minutia, c candidate, work *effort) bool {
	// The first pass may be wrong by a bin; the next ones are strict.
	for range passes {
		n, sx, sy := pairs(enrolled, probe, c, pairDistance+gridBin/2, work)
		if n < minPairs {
			return false
		}
		c.dx += sx / n
		c.dy += sy / n
	}
	n, _, _ := pairs(enrolled, probe, c, pairDistance, work)
	common := commonArea(enrolled, probe, c)
	return n >= minPairs && common > 0 && 1000*n*n*n >= minWeight*common
}

// pairs counts the minutiae of the probe that have one of the enrolled finger
// for themselves within reach, and sums up what is left between them.
func pairs(enrolled, probe []minutia, c candidate, reach int, work *effort) (n, sumX, sumY int) {
	var used [card.MaxMinutiae]bool
	for _, p := range probe {
		p = p.turn(c.turn)
		nearest, at, dx, dy := reach*reach+1, -1, 0, 0
		for i, e := range enrolled {
			work.pairs++
			off := (e.angle - p.angle + 32) & 63
			if used[i] || off < 32-pairAngle || off > 32+pairAngle {
				continue
			}
			x, y := e.x-p.x-c.dx, e.y-p.y-c.dy
			if d := x*x + y*y; d < nearest {
				nearest, at, dx, dy = d, i, x, y
			}
		}
		if at >= 0 {
			used[at] = true // #nosec G602 -- at most MaxMinutiae of them were parsed
			n, sumX, sumY = n+1, sumX+dx, sumY+dy
		}
	}
	return n, sumX, sumY
}

// commonArea returns the product of the numbers of minutiae that either finger
// has in the rectangle where both were seen.
func commonArea(enrolled, probe []minutia, c candidate) int {
	moved := func(p minutia) minutia {
		p = p.turn(c.turn)
		return minutia{p.x + c.dx, p.y + c.dy, p.angle}
	}
	a, b := bounds(enrolled, func(m minutia) minutia { return m }), bounds(probe, moved)
	both := box{max(a.left, b.left), max(a.top, b.top), min(a.right, b.right), min(a.bottom, b.bottom)}
	inA, inB := 0, 0
	for _, e := range enrolled {
		if both.holds(e) {
			inA++
		}
	}
	for _, p := range probe {
		if both.holds(moved(p)) {
			inB++
		}
	}
	return inA * inB
}

type box struct{ left, top, right, bottom int }

func (b box) holds(m minutia) bool {
	return m.x >= b.left-pairDistance && m.x <= b.right+pairDistance && m.y >= b.top-pairDistance && m.y <= b.bottom+pairDistance
}

func bounds(list []minutia, at func(minutia) minutia) box {
	b := box{1 << 12, 1 << 12, -1 << 12, -1 << 12}
	for _, m := range list {
		m = at(m)
		b = box{min(b.left, m.x), min(b.top, m.y), max(b.right, m.x), max(b.bottom, m.y)}
	}
	return b
}
