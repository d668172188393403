package extract

// stop is where a walk along a line ended.
type stop int

const (
	onLine stop = iota // the line goes on
	atEnd              // the line ends there
	atFork             // lines meet there
)

// walk follows a line from pixel from over its neighbour next for at most
// limit pixels, and appends them to path.
func (k *skeleton) walk(from, next, limit int, path []int) ([]int, stop) {
	prev, cur := from, next
	for {
		path = append(path, cur)
		ring := k.ring(cur)
		if crossings[ring] > 2 {
			return path, atFork
		}
		if len(path) >= limit {
			return path, onLine
		}
		step := k.onward(prev, cur, ring)
		if step < 0 {
			return path, atEnd
		}
		prev, cur = cur, step
	}
}

// onward returns the neighbour of cur that continues the line from prev, or -1.
func (k *skeleton) onward(prev, cur int, ring byte) int {
	best := -1
	for j := range 8 {
		if ring>>j&1 == 0 {
			continue
		}
		n := cur + k.around[j]
		if n == prev {
			continue
		}
		near := k.touches(n, prev)
		switch {
		case near:
		case j&1 == 0: // side by side goes before across
			return n
		case best < 0:
			best = n
		}
	}
	return best
}

// touches reports whether two pixels are neighbours.
func (k *skeleton) touches(a, b int) bool {
	for _, d := range k.around {
		if a+d == b {
			return true
		}
	}
	return false
}

// branches appends the first pixel of every line that meets in i.
func (k *skeleton) branches(i int, dst []int) []int {
	ring := k.ring(i)
	if ring == 0xFF {
		return dst
	}
	start := 0
	for ring>>start&1 != 0 {
		start++
	}
	first := -1
	for n := 1; n <= 8; n++ {
		j := (start + n) & 7
		if ring>>j&1 == 0 {
			if first >= 0 {
				dst = append(dst, first)
			}
			first = -1
			continue
		}
		if first < 0 || j&1 == 0 {
			first = i + k.around[j]
		}
	}
	return dst
}

// clean takes away what the filters make and fingers do not have: short spurs
// off a line, and short lines by themselves.
func (k *skeleton) clean(spur, island int) {
	var path, starts []int
	for _, i := range k.points {
		if k.pix[i] == 0 {
			continue
		}
		ring := k.ring(i)
		switch {
		case ring == 0:
			k.pix[i] = 0
		case crossings[ring] == 1:
			starts = k.branches(i, starts[:0])
			var end stop
			path, end = k.walk(i, starts[0], island, path[:0])
			switch {
			case end == atFork && len(path) <= spur:
				k.pix[i] = 0
				for _, p := range path[:len(path)-1] {
					k.pix[p] = 0
				}
			case end == atEnd && len(path) < island:
				k.pix[i] = 0
				for _, p := range path {
					k.pix[p] = 0
				}
			}
		}
	}
}
