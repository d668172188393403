package fmr

import (
	"cmp"
	"math"
	"slices"
)

// Card is a card format of ISO/IEC 19794-2:2005, 8: minutiae without image and
// header, with coordinates in parts of a millimetre.
type Card int

// The card formats.
const (
	// Normal has five bytes a minutia (8.2.2), units of 0.01 mm:
	//
	//	type 2 bits, x 14 bits | 0 2 bits, y 14 bits | angle u8
	Normal Card = iota
	// Compact has three bytes a minutia (8.2.3), units of 0.1 mm:
	//
	//	x u8 | y u8 | type 2 bits, angle 6 bits in units of 360/64 degrees
	Compact
)

// cardSpec is what a card format differs in.
type cardSpec struct {
	bytes int     // of a minutia
	perMM float64 // units of a millimetre
	limit int     // largest coordinate
}

func (c Card) spec() cardSpec {
	if c == Compact {
		return cardSpec{3, 10, 0xFF}
	}
	return cardSpec{5, 100, MaxSize}
}

// AppendCard appends view v of t in card format c: at most limit minutiae, the
// best by quality, in ascending order of y, then x, as a card asks for by
// default. The coordinates begin at the smallest of the minutiae that are
// written; those furthest from their middle go where the format's range does
// not reach all. It owes *FormatError.
func AppendCard(dst []byte, t *Template, v int, c Card, limit int) ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	if v < 0 || v >= len(t.Views) || limit < 0 {
		return nil, &FormatError{-1, "no such view"}
	}
	spec := c.spec()
	all := slices.Clone(t.Views[v].Minutiae)
	kx, ky := spec.perMM*10/float64(t.XRes), spec.perMM*10/float64(t.YRes)
	for i := range all {
		all[i].X = int(math.Round(float64(all[i].X) * kx))
		all[i].Y = int(math.Round(float64(all[i].Y) * ky))
	}
	all = within(all, spec.limit)
	slices.SortStableFunc(all, func(a, b Minutia) int { return cmp.Compare(b.Quality, a.Quality) })
	all = all[:min(limit, len(all))]
	slices.SortFunc(all, func(a, b Minutia) int { return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X)) })
	x0, y0 := math.MaxInt, math.MaxInt
	for _, m := range all {
		x0, y0 = min(x0, m.X), min(y0, m.Y)
	}
	for _, m := range all {
		dst = c.append(dst, m, m.X-x0, m.Y-y0)
	}
	return dst, nil
}

// within leaves those out that lie furthest from the middle until no two are
// further apart than limit, in x or in y.
func within(all []Minutia, limit int) []Minutia {
	for len(all) > 0 {
		lo, hi := all[0], all[0]
		cx, cy := 0, 0
		for _, m := range all {
			lo.X, lo.Y, hi.X, hi.Y = min(lo.X, m.X), min(lo.Y, m.Y), max(hi.X, m.X), max(hi.Y, m.Y)
			cx, cy = cx+m.X, cy+m.Y
		}
		wide, high := hi.X-lo.X > limit, hi.Y-lo.Y > limit
		if !wide && !high {
			break
		}
		cx, cy = cx/len(all), cy/len(all)
		far, at := -1, 0
		for i, m := range all {
			d := 0
			if wide {
				d = max(m.X-cx, cx-m.X)
			}
			if high {
				d = max(d, m.Y-cy, cy-m.Y)
			}
			if d > far {
				far, at = d, i
			}
		}
		all = slices.Delete(all, at, at+1)
	}
	return all
}

func (c Card) append(dst []byte, m Minutia, x, y int) []byte {
	if c == Compact {
		angle := byte((int(m.Angle)+2)/4) & 63                      // #nosec G115 -- at most 64
		return append(dst, byte(x), byte(y), byte(m.Type)<<6|angle) // #nosec G115 -- within the limit
	}
	return append(dst, byte(m.Type)<<6|byte(x>>8), byte(x), byte(y>>8), byte(y), m.Angle) // #nosec G115 -- within the limit
}

// ParseCard reads minutiae in card format c as a template of one view whose
// pixels are the format's units. Qualities are not reported. It owes
// *FormatError.
func ParseCard(b []byte, c Card) (*Template, error) {
	spec := c.spec()
	if len(b)%spec.bytes != 0 {
		return nil, &FormatError{len(b), "minutia cut short"}
	}
	if len(b)/spec.bytes > MaxMinutiae {
		return nil, &FormatError{0, "too many minutiae"}
	}
	res := int(spec.perMM * 10)
	t := &Template{Width: 1, Height: 1, XRes: res, YRes: res}
	all := make([]Minutia, 0, len(b)/spec.bytes)
	for n := 0; n < len(b); n += spec.bytes {
		m, ok := c.parse(b[n : n+spec.bytes])
		if !ok {
			return nil, &FormatError{n, "reserved value in a minutia"}
		}
		t.Width, t.Height = max(t.Width, m.X+1), max(t.Height, m.Y+1)
		all = append(all, m)
	}
	t.Width, t.Height = min(t.Width, MaxSize), min(t.Height, MaxSize)
	t.Views = []View{{Minutiae: all}}
	return t, t.check()
}

func (c Card) parse(b []byte) (Minutia, bool) {
	var m Minutia
	if c == Compact {
		m = Minutia{X: int(b[0]), Y: int(b[1]), Type: Type(b[2] >> 6), Angle: b[2] << 2}
	} else {
		m = Minutia{X: int(b[0]&63)<<8 | int(b[1]), Y: int(b[2])<<8 | int(b[3]), Type: Type(b[0] >> 6), Angle: b[4]}
	}
	return m, m.Type <= Bifurcation && m.X < MaxSize && m.Y < MaxSize
}
