package extract

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	_ "image/jpeg" // scanners' files
	_ "image/png"  // the same
	"io"
)

// MaxFile is the size in bytes of an image's file that is read.
const MaxFile = 16 << 20

// ErrFile says that a file holds no image that is read.
var ErrFile = errors.New("file is no PNG or JPEG image, or too large")

// ReadImage reads a PNG or JPEG image as grey levels. It looks at the size
// before it takes memory. It owes ErrFile.
func ReadImage(r io.Reader) (*image.Gray, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, errors.Join(ErrFile, err)
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil || len(raw) > MaxFile || c.Width < 1 || c.Height < 1 || c.Width > MaxPixels || c.Height > MaxPixels/c.Width {
		return nil, ErrFile
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, ErrFile
	}
	if g, ok := img.(*image.Gray); ok {
		return g, nil
	}
	b := img.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.SetGray(x, y, color.GrayModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.Gray))
		}
	}
	return out, nil
}
