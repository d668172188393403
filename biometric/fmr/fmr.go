// Package fmr reads and writes finger minutiae: the record format and the two
// card formats of ISO/IEC 19794-2:2005, and reads records of ANSI INCITS
// 378-2004.
//
// Every reader checks counts and lengths before it allocates, refuses trailing
// bytes and reserved values, and accepts of each content one coding only, so
// that what was read is written again byte for byte.
package fmr

import (
	"errors"
	"fmt"
)

// The bounds of the formats, and of what is read.
const (
	MaxViews    = 16    // finger views of a record that are read
	MaxMinutiae = 255   // minutiae of a view: their number is one byte
	MaxSize     = 16383 // pixels of a side: coordinates have 14 bits
	MaxRecord   = 65535 // bytes of a record that is read
)

// ErrFormat is what every FormatError wraps.
var ErrFormat = errors.New("malformed finger minutiae")

// FormatError says where a record is wrong, or why a template cannot be
// written.
type FormatError struct {
	Offset int    // byte offset in the record, -1 of a template to be written
	What   string // what is wrong there
}

// Error implements error.
func (e *FormatError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%v: %s", ErrFormat, e.What)
	}
	return fmt.Sprintf("%v: %s at offset %d", ErrFormat, e.What, e.Offset)
}

// Unwrap makes errors.Is(err, ErrFormat) true.
func (e *FormatError) Unwrap() error { return ErrFormat }

// Type is the kind of a minutia (ISO/IEC 19794-2:2005, 7.5.3.1).
type Type uint8

// The kinds of a minutia.
const (
	Other       Type = 0
	Ending      Type = 1
	Bifurcation Type = 2
)

// String returns the kind's name.
func (t Type) String() string {
	return [...]string{"other", "ending", "bifurcation", "reserved"}[t&3]
}

// Minutia is one minutia of a view.
type Minutia struct {
	X, Y    int   // pixels from the image's upper left corner, right and down
	Angle   uint8 // units of 360/256 degrees, counter-clockwise from the right
	Type    Type
	Quality uint8 // 1 (lowest) to 100, 0 where it is not reported
}

// Position is a finger (ISO/IEC 19794-2:2005, table 2).
type Position uint8

// The positions.
const (
	Unknown Position = iota
	RightThumb
	RightIndex
	RightMiddle
	RightRing
	RightLittle
	LeftThumb
	LeftIndex
	LeftMiddle
	LeftRing
	LeftLittle
)

var positions = [...]string{
	"unknown", "right thumb", "right index", "right middle", "right ring", "right little",
	"left thumb", "left index", "left middle", "left ring", "left little",
}

// String returns the finger's name.
func (p Position) String() string {
	if int(p) < len(positions) {
		return positions[p]
	}
	return "unknown"
}

// Impression is how an image came about (ISO/IEC 19794-2:2005, table 3).
type Impression uint8

// The impressions. The numbers between are reserved.
const (
	LivePlain       Impression = 0
	LiveRolled      Impression = 1
	NonLivePlain    Impression = 2
	NonLiveRolled   Impression = 3
	Swipe           Impression = 8
	LiveContactless Impression = 9
)

// Extension is one extended data area of a view (ISO/IEC 19794-2:2005, 7.5.4):
// ridge counts, cores and deltas, zonal quality, or a vendor's own.
type Extension struct {
	Type uint16
	Data []byte // without type and length
}

// View is one finger view: the minutiae of one impression of one finger.
type View struct {
	Position   Position
	Number     uint8 // of the views of this finger, from 0
	Impression Impression
	Quality    uint8 // of the impression, 0 to 100
	Minutiae   []Minutia
	Extensions []Extension
}

// Template is a record: views of images of one size and resolution.
type Template struct {
	Device        uint16 // capture equipment: 4 bits of compliance, 12 of its type
	Width, Height int    // pixels of the images
	XRes, YRes    int    // pixels a centimetre
	Views         []View
}

// DPI returns the horizontal resolution in pixels an inch.
func (t *Template) DPI() float64 { return float64(t.XRes) * 2.54 }

// PerCm returns the resolution in pixels a centimetre that belongs to dpi.
func PerCm(dpi int) int { return (dpi*100 + 127) / 254 }

// check owes *FormatError where a record cannot say what t holds.
func (t *Template) check() error {
	bad := func(what string) error { return &FormatError{-1, what} }
	switch {
	case t.Width < 1 || t.Width > MaxSize || t.Height < 1 || t.Height > MaxSize:
		return bad("image size out of range")
	case t.XRes < 1 || t.XRes > 0xFFFF || t.YRes < 1 || t.YRes > 0xFFFF:
		return bad("resolution out of range")
	case len(t.Views) == 0 || len(t.Views) > MaxViews:
		return bad("number of views out of range")
	}
	for i := range t.Views {
		if what := t.checkView(i); what != "" {
			return bad(what)
		}
	}
	return nil
}

func (t *Template) checkView(i int) string {
	v := &t.Views[i]
	switch {
	case v.Position > LeftLittle:
		return "finger position reserved"
	case !v.Impression.known():
		return "impression type reserved"
	case v.Quality > 100:
		return "finger quality out of range"
	case len(v.Minutiae) > MaxMinutiae:
		return "too many minutiae"
	case v.Number > 15:
		return "view number out of range"
	}
	for _, w := range t.Views[:i] {
		if w.Position == v.Position && w.Number == v.Number {
			return "view twice"
		}
	}
	for _, m := range v.Minutiae {
		switch {
		case m.X < 0 || m.X >= t.Width || m.Y < 0 || m.Y >= t.Height:
			return "minutia outside the image"
		case m.Type > Bifurcation:
			return "minutia type reserved"
		case m.Quality > 100:
			return "minutia quality out of range"
		}
	}
	return ""
}

func (i Impression) known() bool { return i <= NonLiveRolled || i == Swipe || i == LiveContactless }
