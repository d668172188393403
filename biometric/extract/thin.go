package extract

// bitmap is an image of one bit a pixel, with a margin of one line above and
// below and of one word at either side.
type bitmap struct {
	w, h, stride int // the stride in words
	words        []uint64
	lines        [2][]uint64 // two lines as they were
	changed      []int       // of each line, with the margin: the last turn that changed it
}

// reset makes an empty bitmap of w times h pixels.
func (b *bitmap) reset(w, h int) {
	b.w, b.h, b.stride = w, h, (w+63)/64+2
	grow(&b.words, b.stride*(h+2))
	clear(b.words)
}

// row returns the words of line y without the margin.
func (b *bitmap) row(y int) []uint64 {
	i := (y+1)*b.stride + 1
	return b.words[i : i+b.stride-2]
}

// The sides of a pixel, in the order in which they are looked at.
const (
	above = iota
	below
	left
	right
	sides
)

// thin reduces what is set to lines of one pixel: in turns from the four sides,
// all pixels at once that have nothing on that side and can go without that
// lines break, join or get shorter (Rosenfeld: A characterization of parallel
// thinning algorithms, Information and Control 29, 1975).
func (b *bitmap) thin() {
	clear(grow(&b.changed, b.h+2))
	for turn, last := 1, 0; turn-last <= sides; turn++ {
		up, mid := grow(&b.lines[0], b.stride), grow(&b.lines[1], b.stride)
		clear(up)
		for y := range b.h {
			line := b.words[(y+1)*b.stride:][:b.stride]
			copy(mid, line)
			// What has not changed since this side's last turn stays.
			if max(b.changed[y], b.changed[y+1], b.changed[y+2]) >= turn-sides && b.thinLine(line, up, mid, y, (turn-1)%sides) {
				b.changed[y+1], last = turn, turn
			}
			up, mid = mid, up
		}
	}
}

// thinLine takes one turn in line y, of which mid is a copy, and reports whether
// anything went; up is the line above as it was before this turn.
func (b *bitmap) thinLine(line, up, mid []uint64, y, side int) bool {
	down := b.words[(y+2)*b.stride:][:len(line)]
	up, mid = up[:len(line)], mid[:len(line)]
	var all uint64
	for i := 1; i < len(line)-1; i++ {
		c := mid[i]
		if c == 0 {
			continue
		}
		n, s := up[i], down[i]
		e, w := c>>1|mid[i+1]<<63, c<<1|mid[i-1]>>63
		free := ^n
		switch side {
		case below:
			free = ^s
		case left:
			free = ^w
		case right:
			free = ^e
		}
		if c&free == 0 {
			continue
		}
		ne, nw := n>>1|up[i+1]<<63, n<<1|up[i-1]>>63
		se, sw := s>>1|down[i+1]<<63, s<<1|down[i-1]>>63
		gone := c & free & removable(e, se, s, sw, w, nw, n, ne)
		line[i] = c &^ gone
		all |= gone
	}
	return all != 0
}

// removable tells of 64 pixels, by their neighbours, whether each can go: it has
// two neighbours or more, and they are of one part (Yokoi's number of connected
// parts in the neighbourhood of eight is one).
func removable(e, se, s, sw, w, nw, n, ne uint64) uint64 {
	p, q := (se|s)&^e, (sw|w)&^s
	r, t := (nw|n)&^w, (ne|e)&^n
	part := (p^q)&^(r|t) | (r^t)&^(p|q)
	some, two := e|se, e&se
	two |= some & s
	some |= s
	two |= some & sw
	some |= sw
	two |= some & w
	some |= w
	two |= some & nw
	some |= nw
	two |= some & n
	some |= n
	return part & (two | some&ne)
}
