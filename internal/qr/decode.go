package qr

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // a photograph of a code
	_ "image/png"  // a code as it was written
	"io"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// The bounds of an image file that is read.
const (
	MaxFile   = 8 << 20  // bytes
	maxPixels = 16 << 20 // a telephone's photograph
)

// Sentinels on which callers branch.
var (
	// ErrImage: the file is no PNG or JPEG image, or larger than the bounds.
	ErrImage = errors.New("not an image that is read")
	// ErrNotFound: there is no readable QR code in the image.
	ErrNotFound = errors.New("no readable QR code in the image")
)

// IsImage reports whether a file begins as one of the images that are read.
func IsImage(raw []byte) bool {
	return bytes.HasPrefix(raw, []byte("\x89PNG\r\n\x1a\n")) || bytes.HasPrefix(raw, []byte{0xff, 0xd8, 0xff})
}

// Decode finds the one QR code in a PNG or JPEG image and returns its text. It
// owes ErrImage and ErrNotFound.
func Decode(raw []byte) (string, error) {
	if len(raw) > MaxFile {
		return "", fmt.Errorf("file of %d bytes: %w", len(raw), ErrImage)
	}
	head, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrImage, err)
	}
	if head.Width <= 0 || head.Height <= 0 || head.Width > maxPixels/head.Height {
		return "", fmt.Errorf("%d by %d pixels: %w", head.Width, head.Height, ErrImage)
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || img == nil {
		return "", fmt.Errorf("%w: %w", ErrImage, err)
	}
	return find(img)
}

// find runs the library, whose panics on a strange image are refusals too.
func find(img image.Image) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			text, err = "", fmt.Errorf("%w: the library failed on it", ErrNotFound)
		}
	}()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	hints := map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_TRY_HARDER: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		// The library takes patterns within one code in a hundred for its corners,
		// also where the code is drawn straight and fills the image.
		hints[gozxing.DecodeHintType_PURE_BARCODE] = true
		if straight, again := qrcode.NewQRCodeReader().Decode(bitmap, hints); again == nil {
			result, err = straight, nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if text = result.GetText(); len(text) > MaxText {
		return "", fmt.Errorf("%d characters: %w", len(text), ErrNotFound)
	}
	return text, nil
}
