package scanner

import (
	"image"
	"math"
)

// A swipe sensor sees a strip of the finger at a time, some rows high, and
// says strips as long as the finger is drawn over it. Each overlaps the one
// before by what the finger has not moved on. How far it has moved is where
// the two correlate best; strips are laid down there and averaged.
const (
	swipeOverlap  = 6    // rows that two strips must share to be compared
	swipeSway     = 2    // columns that a finger strays to a side from one strip to the next
	swipeAlike    = 0.6  // correlation under which two strips have nothing to do with each other
	swipeInertia  = 0.01 // of correlation that a row of change of speed, or a column, must be worth
	swipeSure     = 0.85 // correlation from which on strips are not looked for elsewhere
	swipeNear     = 5    // rows around where a strip is expected that are looked at first
	swipeContrast = 100  // variance under which a strip shows no finger
	swipeMinRows  = 144
	swipeMaxRows  = upekMaxSide
	swipeStrips   = 1 << 12 // more than a finger can be drawn slowly
)

// swipeError is a swipe of which no image comes, and what to tell the person.
type swipeError struct{ hint Hint }

func (e *swipeError) Error() string {
	return "the finger was not drawn well over the sensor: " + string(e.hint)
}

// spot is where a strip lies, right and down.
type spot struct{ x, y float64 }

// stitcher puts strips together.
type stitcher struct {
	width, rows int
	last        []byte // the strip that the next ones are compared with
	at          spot   // where it lies
	left        []byte // a later one that has hardly moved on; it is laid down if it is the last of all
	now         spot   // where the newest strip lies
	speed       float64
	moving      bool    // speed is known
	sum, count  []int32 // of the greys laid down, by pixel of the canvas; the first strip lies in its middle
	from, end   int     // rows of the canvas that the image has
	far, back   float64 // the furthest that strips have got from the first, either way
}

func newStitcher(width, rows int) *stitcher { return &stitcher{width: width, rows: rows} }

// add lays a strip down. It owes *swipeError.
func (s *stitcher) add(strip []byte) error {
	if variance(strip) < swipeContrast {
		return nil // the finger is not there yet, or not any more
	}
	if s.last == nil {
		s.last = strip
		s.lay(strip)
		return nil
	}
	by, alike := s.compare(strip)
	if alike < swipeAlike {
		return &swipeError{HintTooFast}
	}
	before := s.now
	s.now = spot{s.at.x + by.x, s.at.y + by.y}
	s.speed, s.moving = s.now.y-before.y, true
	s.left = strip
	if math.Abs(by.y) < float64(s.rows)/4 && math.Abs(by.x) < swipeSway {
		return nil // hardly moved: the next one will tell better
	}
	s.far, s.back = max(s.far, s.now.y), min(s.back, s.now.y)
	if turned := float64(s.rows) / 2; s.far-s.now.y > turned && s.now.y-s.back > turned {
		return &swipeError{HintOneWay}
	}
	s.settle()
	return nil
}

// settle lays down the newest strip.
func (s *stitcher) settle() {
	if s.left != nil {
		s.last, s.left, s.at = s.left, nil, s.now
		s.lay(s.last)
	}
}

// compare tells how far the finger has moved on since the last strip, and how
// well the two fit there.
func (s *stitcher) compare(strip []byte) (by spot, alike float64) {
	reach := s.rows - swipeOverlap
	expected := spot{s.now.x - s.at.x, s.now.y - s.at.y + s.speed}
	x, y, alike := 0, 0, 0.0
	if s.moving {
		near := int(math.Round(expected.y))
		x, y, alike = s.search(strip, expected, max(near-swipeNear, -reach), min(near+swipeNear, reach))
	}
	if alike < swipeSure {
		x, y, alike = s.search(strip, expected, -reach, reach)
	}
	part := s.between(strip, x, y)
	return spot{float64(x) + part.x, float64(y) + part.y}, alike
}

// search finds where between two rows a strip fits the last best.
func (s *stitcher) search(strip []byte, expected spot, from, to int) (bestX, bestY int, alike float64) {
	best := math.Inf(-1)
	for y := from; y <= to; y++ {
		for x := -swipeSway; x <= swipeSway; x++ {
			here := s.correlate(strip, x, y)
			worth := here - swipeInertia*math.Abs(float64(x)-expected.x)
			if s.moving {
				worth -= swipeInertia * math.Abs(float64(y)-expected.y)
			}
			if worth > best {
				best, bestX, bestY, alike = worth, x, y, here
			}
		}
	}
	return bestX, bestY, alike
}

// between tells how far a strip that lies x columns and y rows on from the
// last lies from there, in parts of a pixel: what differs between the two is
// the slopes of the grey times that, in the least squares.
func (s *stitcher) between(strip []byte, x, y int) spot {
	var xx, xy, yy, dx, dy int
	for row := max(y, 0) + 2; row < min(s.rows, s.rows+y)-2; row++ {
		for col := max(x, 0) + 2; col < s.width+min(x, 0)-2; col++ {
			p, q := row*s.width+col, (row-y)*s.width+col-x
			across, down := slope12(s.last, p, 1)+slope12(strip, q, 1), slope12(s.last, p, s.width)+slope12(strip, q, s.width)
			d := int(strip[q]) - int(s.last[p])
			xx += across * across
			xy += across * down
			yy += down * down
			dx += across * d
			dy += down * d
		}
	}
	solvable := float64(xx)*float64(yy) - float64(xy)*float64(xy)
	switch {
	case yy == 0:
		return spot{}
	case solvable <= 0.01*float64(xx)*float64(yy): // ridges in one direction tell nothing along it
		return spot{0, min(max(24*float64(dy)/float64(yy), -1), 1)}
	}
	return spot{
		min(max(24*(float64(dx)*float64(yy)-float64(dy)*float64(xy))/solvable, -1), 1),
		min(max(24*(float64(dy)*float64(xx)-float64(dx)*float64(xy))/solvable, -1), 1),
	}
}

// slope12 is twelve times the slope of the grey at a pixel, from the two
// before and the two behind; step leads from one to the next.
func slope12(pix []byte, at, step int) int {
	return 8*(int(pix[at+step])-int(pix[at-step])) - int(pix[at+2*step]) + int(pix[at-2*step])
}

// correlate is the correlation, -1 to 1, of a strip that lies x columns and y
// rows on from the last. Every second column is enough for it.
func (s *stitcher) correlate(strip []byte, x, y int) float64 {
	fromA, fromB := max(y, 0)*s.width+max(x, 0), max(-y, 0)*s.width+max(-x, 0)
	w, h := s.width-max(x, -x), s.rows-max(y, -y)
	var sumA, sumB, squaresA, squaresB, products int
	for row := range h {
		a, b := s.last[fromA+row*s.width:][:w], strip[fromB+row*s.width:][:w]
		for i := 0; i < len(a); i += 2 {
			va, vb := int(a[i]), int(b[i])
			sumA += va
			sumB += vb
			squaresA += va * va
			squaresB += vb * vb
			products += va * vb
		}
	}
	n := float64((w + 1) / 2 * h)
	varA, varB := float64(squaresA)-float64(sumA)*float64(sumA)/n, float64(squaresB)-float64(sumB)*float64(sumB)/n
	if varA < n || varB < n { // flat
		return 0
	}
	return (float64(products) - float64(sumA)*float64(sumB)/n) / math.Sqrt(varA*varB)
}

// lay adds the newest strip to the canvas. What would make the image too high
// is left out.
func (s *stitcher) lay(strip []byte) {
	x, y := int(math.Round(s.at.x)), int(math.Round(s.at.y))+swipeMaxRows
	from, end := min(s.from, y), max(s.end, y+s.rows)
	if s.sum == nil {
		from, end = y, y+s.rows
		s.sum, s.count = make([]int32, 2*swipeMaxRows*s.width), make([]int32, 2*swipeMaxRows*s.width)
	}
	if end-from > swipeMaxRows {
		return
	}
	s.from, s.end = from, end
	for row := range s.rows {
		to := (y + row) * s.width
		for col := max(0, -x); col < min(s.width, s.width-x); col++ {
			s.sum[to+col+x] += int32(strip[row*s.width+col])
			s.count[to+col+x]++
		}
	}
}

// image is what has been put together. Where the finger has not been is white.
func (s *stitcher) image() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, s.width, s.end-s.from))
	for i := range img.Pix {
		img.Pix[i] = 0xFF
		if n := s.count[s.from*s.width+i]; n > 0 {
			img.Pix[i] = uint8((s.sum[s.from*s.width+i] + n/2) / n) //nolint:gosec // an average of greys
		}
	}
	return img
}

// finish is image for the whole swipe. It owes *swipeError.
func (s *stitcher) finish() (*image.Gray, error) {
	s.settle()
	if s.end-s.from < swipeMinRows {
		return nil, &swipeError{HintTooShort}
	}
	return s.image(), nil
}
