package match

// The strips of a grid: the last one has all that lies beyond it too.
const (
	strips    = 128
	stripSize = 8 // pixels
	turnSize  = 4 // units of 360/256 degrees
)

// grid finds the places that may lie on a point: each word has a bit for each
// place.
type grid struct {
	left, top     float32                // the least x and y of a place, less nearby
	columns, rows [strips]uint64         // places within nearby pixels of a strip
	turns         [256 / turnSize]uint64 // places whose angle is within sameTurn of some
}

func (g *grid) fill(places []place) {
	if len(places) == 0 {
		return
	}
	g.left, g.top = places[0].x, places[0].y
	for i := range places {
		g.left, g.top = min(g.left, places[i].x), min(g.top, places[i].y)
	}
	g.left -= nearby
	g.top -= nearby
	for i := range places {
		m, bit := &places[i], uint64(1)<<i
		for s := stripOf(m.x - g.left - nearby); s <= stripOf(m.x-g.left+nearby); s++ {
			g.columns[s] |= bit
		}
		for s := stripOf(m.y - g.top - nearby); s <= stripOf(m.y-g.top+nearby); s++ {
			g.rows[s] |= bit
		}
		for turn := -sameTurn; turn <= sameTurn; turn++ {
			g.turns[(m.angle+uint8(turn))/turnSize] |= bit // #nosec G115 -- modulo 256 is meant
		}
	}
}

// stripOf returns the strip of a distance from the grid's edge, which is not
// negative.
func stripOf(x float32) int { return min(int(x*(1./stripSize)), strips-1) }

// at returns the places that may lie within nearby pixels of a point and within
// sameTurn of an angle.
func (g *grid) at(x, y float32, angle uint8) uint64 {
	x -= g.left
	y -= g.top
	if x < 0 || y < 0 {
		return 0
	}
	return g.columns[stripOf(x)] & g.rows[stripOf(y)] & g.turns[angle/turnSize]
}
