// Package extract finds the minutiae of a finger in a grey image and makes a
// template of ISO/IEC 19794-2 of them.
//
// The steps, one function each: normalise, orientation of ridges from the
// gradients, their distance from spectra across them, filtering along them,
// orientation and filtering once more on what came out, foreground, skeleton,
// minutiae, pruning. A Sink sees a picture of every step.
package extract

import (
	"errors"
	"image"
	"math"
	"math/bits"
	"sync"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
)

const (
	nominalDPI = 500
	block      = 8 // pixels of the side of a block, the unit of all fields
)

// The bounds of an image.
const (
	MinDPI    = 250
	MaxDPI    = 1100
	MinSize   = 64 // pixels of a side at 500 dpi
	MaxPixels = 4 << 20
)

// MaxMinutiae is how many minutiae a template holds, the best by quality.
const MaxMinutiae = 60

// ErrImage says that an image is out of the bounds above.
var ErrImage = errors.New("image cannot hold a finger: its size or its resolution is out of range")

// Extractor holds the memory that an extraction works in. It serves one
// extraction at a time; the zero value is ready.
type Extractor struct {
	// Sink, if it is set, gets a picture of every step.
	Sink func(step string, picture image.Image)
	s    state
}

// state is the work of one extraction, of an image at about 500 dpi. All fields
// of blocks have gw*gh elements.
type state struct {
	w, h, gw, gh int

	flat, scratch, first, second plane
	contrast                     []float32 // deviation in grey levels
	floor                        float32   // contrast of blocks that may hold ridges
	ox, oy                       []float32 // cosine and sine of twice the orientation, times its coherence
	period                       []float32 // pixels from ridge to ridge
	clear                        []float32 // 0 to 1
	fore                         []bool
	ridges                       bitmap
	lines                        skeleton

	tmp          [6][]float32
	fixed        [4][]int32
	column       []byte
	line         []float32
	spectra      []float32
	filters      []filter
	bools, marks []bool
	starts       []int
	points       []point

	measure Measures // of the last extraction
}

var pool = sync.Pool{New: func() any { return new(Extractor) }}

// Extract finds the minutiae of the finger in img, which has dpi pixels an
// inch. The template has one view, of the finger's position unknown. It owes
// ErrImage.
func Extract(img *image.Gray, dpi int) (*fmr.Template, error) {
	e := pool.Get().(*Extractor)
	defer pool.Put(e)
	return e.Extract(img, dpi)
}

// Extract is as the function of that name.
func (e *Extractor) Extract(img *image.Gray, dpi int) (*fmr.Template, error) {
	b := img.Bounds()
	if dpi < MinDPI || dpi > MaxDPI || b.Dx()*nominalDPI/dpi < MinSize || b.Dy()*nominalDPI/dpi < MinSize ||
		b.Dx() > fmr.MaxSize || b.Dy() > fmr.MaxSize || b.Dx()*b.Dy() > MaxPixels {
		return nil, ErrImage
	}
	img, scale := scaled(img, float64(dpi))
	points := e.s.run(img, e.picture)
	t := &fmr.Template{Width: b.Dx(), Height: b.Dy(), XRes: fmr.PerCm(dpi), YRes: fmr.PerCm(dpi)}
	t.Views = []fmr.View{{Minutiae: encode(points, scale, b.Dx(), b.Dy(), MaxMinutiae)}}
	e.s.measure = e.s.measures(len(t.Views[0].Minutiae))
	t.Views[0].Quality = e.s.measure.Quality()
	return t, nil
}

func (s *state) run(img *image.Gray, show func(string)) []point {
	if img.Rect.Min != (image.Point{}) {
		img = &image.Gray{Pix: img.Pix, Stride: img.Stride, Rect: image.Rect(0, 0, img.Rect.Dx(), img.Rect.Dy())}
	}
	s.w, s.h = img.Rect.Dx(), img.Rect.Dy()
	s.gw, s.gh = (s.w+block-1)/block, (s.h+block-1)/block
	s.normalise(img)
	show("1-flat")
	s.candidates()
	s.orient(&s.flat, fineOfImage, coarseOfImage)
	show("2-orientation")
	s.ridgePeriods()
	show("3-period")
	s.enhance(&s.flat, &s.first)
	show("4-ridges")
	s.orient(&s.first, fineOfRidges, coarseOfRidges)
	s.judge(&s.first)
	show("5-foreground")
	s.enhance(&s.first, &s.second)
	show("6-again")
	s.binarise(&s.second)
	s.ridges.thin()
	s.lines.fill(&s.ridges)
	show("7-skeleton")
	s.lines.clean(spurLength, islandLength)
	points := s.find(&s.lines)
	show("8-minutiae")
	return points
}

// binarise sets the ridges, which are dark, of the foreground.
func (s *state) binarise(p *plane) {
	b := &s.ridges
	b.reset(s.w, s.h)
	for y := range s.h {
		row := b.row(y)
		for bx := range s.gw {
			if s.fore[y/block*s.gw+bx] {
				i := p.at(bx*block, y)
				dark := darkOf(load(p.pix, i)) | darkOf(load(p.pix, i+2*lanes))<<lanes
				row[bx*block/64] |= dark << (bx * block % 64)
			}
		}
		if n := s.w % 64; n > 0 {
			row[len(row)-1] &= 1<<n - 1
		}
	}
}

// Measures tell how an impression came out, for judging it.
type Measures struct {
	Area     float64 // square millimetres of the foreground
	X, Y     float64 // mm from the image's middle to the foreground's, right and down
	Clear    float64 // 0 to 1: how much of the foreground is ridges
	Contrast float64 // grey levels, the deviation in the foreground
	Dark     float64 // share of the foreground that is darker than its surroundings
	Minutiae int
}

// Measures returns those of the last extraction.
func (e *Extractor) Measures() Measures { return e.s.measure }

// squareMM is the area of a block in square millimetres.
const squareMM = block * block * (25.4 / nominalDPI) * (25.4 / nominalDPI)

// measures sums up the foreground.
func (s *state) measures(minutiae int) Measures {
	m := Measures{Minutiae: minutiae}
	n, dark, pixels := 0, 0, 0
	for i, f := range s.fore {
		if !f {
			continue
		}
		n++
		bx, by := i%s.gw, i/s.gw
		m.X += float64(bx)
		m.Y += float64(by)
		m.Clear += float64(s.clear[i])
		m.Contrast += float64(s.contrast[i])
		for y := by * block; y < min(by*block+block, s.h); y++ {
			i := s.flat.at(bx*block, y)
			dark += bits.OnesCount64(darkOf(load(s.flat.pix, i)) | darkOf(load(s.flat.pix, i+2*lanes))<<lanes)
			pixels += min(block, s.w-bx*block)
		}
	}
	if n == 0 {
		return m
	}
	const mm = 25.4 / nominalDPI
	k := float64(n)
	m.X = ((m.X/k+0.5)*block - float64(s.w)/2) * mm
	m.Y = ((m.Y/k+0.5)*block - float64(s.h)/2) * mm
	m.Clear /= k
	m.Contrast /= k
	m.Area = k * squareMM
	m.Dark = float64(dark) / float64(pixels)
	return m
}

// Amounts of which more makes an impression no better.
const (
	enoughArea     = 100 // square millimetres
	enoughMinutiae = 24
)

// Quality foretells, 0 to 100, how well an impression will be known again; the
// class that package quality makes of it has its error rates.
func (m Measures) Quality() uint8 {
	few := math.Sqrt(min(1, float64(m.Minutiae)/enoughMinutiae))
	return uint8(math.Round(100 * min(1, m.Clear) * min(1, m.Area/enoughArea) * few))
}
