package softcard

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// The image of a card, as Image returns and Load accepts it:
//
//	"dhamani softcard" | version u16 | length u32 | memory | SHA-256 of all before it
//
// It holds private keys and must be kept as one keeps them. A byte too few or
// too many, another version or a wrong digest is refused.
const (
	imageMagic   = "dhamani softcard"
	imageVersion = 5
	imageHeader  = len(imageMagic) + 2 + 4
)

// imageSize is the number of bytes of every image of this version.
var imageSize = imageHeader + mem.size + sha256.Size

// ErrImage is returned for bytes that are not an intact card image.
var ErrImage = errors.New("not a card image")

// encodeImage wraps the memory.
func encodeImage(memory []byte) []byte {
	out := make([]byte, 0, imageSize)
	out = append(out, imageMagic...)
	out = binary.BigEndian.AppendUint16(out, imageVersion)
	out = binary.BigEndian.AppendUint32(out, uint32(len(memory))) // #nosec G115 -- mem.size
	out = append(out, memory...)
	sum := sha256.Sum256(out)
	return append(out, sum[:]...)
}

// decodeImage returns a copy of the memory. It owes ErrImage.
func decodeImage(image []byte) ([]byte, error) {
	if len(image) < imageHeader || !bytes.HasPrefix(image, []byte(imageMagic)) {
		return nil, fmt.Errorf("load card: %w", ErrImage)
	}
	if v := binary.BigEndian.Uint16(image[len(imageMagic):]); v != imageVersion {
		return nil, fmt.Errorf("load card: version %d: %w", v, ErrImage)
	}
	if n := binary.BigEndian.Uint32(image[len(imageMagic)+2:]); len(image) != imageSize || int64(n) != int64(mem.size) {
		return nil, fmt.Errorf("load card: %d bytes in place of %d: %w", len(image), imageSize, ErrImage)
	}
	body, want := image[:imageSize-sha256.Size], image[imageSize-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], want) {
		return nil, fmt.Errorf("load card: digest does not match: %w", ErrImage)
	}
	return bytes.Clone(body[imageHeader:]), nil
}
