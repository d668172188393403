// Package qr draws QR codes (ISO/IEC 18004) as PNG and as text for a terminal,
// and finds one in an image file. It is the only importer of the libraries
// that do so.
package qr

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"

	"rsc.io/qr"
)

// MaxText bounds a text, in characters: what the largest code with a quarter
// of redundancy holds in the alphanumeric set.
const MaxText = 3391

// ErrTooLong says that the text is longer than MaxText, or than a code can hold
// of it.
var ErrTooLong = errors.New("text is too long for a QR code")

const quiet = 4 // modules of white around the code, as the standard demands

// Code is a drawn QR code.
type Code struct{ code *qr.Code }

// Encode draws a text with error correction level M, which outlives the loss
// of about 15 % of the code. It owes ErrTooLong.
func Encode(text string) (Code, error) {
	if len(text) > MaxText {
		return Code{}, fmt.Errorf("%d characters: %w", len(text), ErrTooLong)
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return Code{}, fmt.Errorf("%w: %w", ErrTooLong, err)
	}
	return Code{code}, nil
}

// Size returns the number of modules on a side, without the white around.
func (c Code) Size() int { return c.code.Size }

// PNG writes the code as a black and white image of scale pixels a module.
func (c Code) PNG(w io.Writer, scale int) error {
	side := c.code.Size + 2*quiet
	img := image.NewPaletted(image.Rect(0, 0, side*scale, side*scale), color.Palette{color.White, color.Black})
	for y := range side * scale {
		for x := range side * scale {
			if c.code.Black(x/scale-quiet, y/scale-quiet) {
				img.Pix[y*img.Stride+x] = 1
			}
		}
	}
	if err := png.Encode(w, img); err != nil {
		return fmt.Errorf("write PNG: %w", err)
	}
	return nil
}

// Text draws the code with half blocks, two rows of modules a line, in black
// on white whatever the colours of the terminal are.
func (c Code) Text() string {
	const on, off = "\x1b[30;107m", "\x1b[0m\n" // black on bright white, and back
	blocks := [4]string{" ", "▄", "▀", "█"}
	var out strings.Builder
	for y := -quiet; y < c.code.Size+quiet; y += 2 {
		out.WriteString(on)
		for x := -quiet; x < c.code.Size+quiet; x++ {
			i := 0
			if c.code.Black(x, y) {
				i = 2
			}
			if c.code.Black(x, y+1) {
				i++
			}
			out.WriteString(blocks[i])
		}
		out.WriteString(off)
	}
	return out.String()
}
