package scanner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math/bits"
	"slices"
)

// An image of the U.are.U 4000 family: a header, then the rows that were sent.
//
//	0   4   ?
//	4   2   rows sent, little-endian
//	6   1   number of the key
//	16  30  15 x { flags 1 | rows 1 }; what follows the last row's pair means nothing
//	64  ..  rows sent x 384 pixels, 0 bright
const (
	uruWidth    = 384
	uruHeight   = 290
	uruHeader   = 64
	uruBlocks   = 16
	uruBlockEnd = uruBlocks + 15*2

	uruAbsent    = 0x01 // the rows were not sent: each is the next one again
	uruEncrypted = 0x02
	uruKeepKey   = 0x04 // the key does not step
	uruNewKey    = 0x80

	// uruNoise is the variance under which two rows are no cipher text.
	uruNoise = 5000
)

// errCutImage asks for another image.
var errCutImage = errors.New("image is not whole")

// decodeURU makes the image of what a device sent, upright for all but the
// turned models. exchange agrees with the device on a numbered key. It owes
// errCutImage, ErrProtocol and what exchange returns.
func decodeURU(raw []byte, exchange func(number byte) (uint32, error)) (*image.Gray, error) {
	if len(raw) < uruHeader {
		return nil, fmt.Errorf("%w: %d bytes", errCutImage, len(raw))
	}
	sent := int(binary.LittleEndian.Uint16(raw[4:]))
	if sent >= uruHeight || sent < 2 || len(raw) != uruHeader+sent*uruWidth {
		return nil, fmt.Errorf("%w: %d bytes for %d rows", errCutImage, len(raw), sent)
	}
	rows := slices.Clone(raw[uruHeader:])
	c := &uruCipher{number: raw[6], exchange: exchange, clear: variance(rows[:2*uruWidth]) < uruNoise}
	if err := c.begin(); err != nil {
		return nil, err
	}
	img := image.NewGray(image.Rect(0, 0, uruWidth, uruHeight))
	pix, absent := img.Pix[:0], 0
	for b := uruBlocks; b < uruBlockEnd && len(pix) < cap(pix); b += 2 {
		flags, n := raw[b], int(raw[b+1])
		if flags&uruAbsent != 0 {
			absent += n
			if err := c.skip(n, flags); err != nil {
				return nil, err
			}
			continue
		}
		if n == 0 {
			continue
		}
		if n*uruWidth > len(rows) || len(pix)+(absent+n)*uruWidth > cap(pix) {
			return nil, fmt.Errorf("%w: more rows than an image has", ErrProtocol)
		}
		block := rows[:n*uruWidth]
		rows = rows[len(block):]
		if err := c.decrypt(block, flags); err != nil {
			return nil, err
		}
		for ; absent > 0; absent-- {
			pix = append(pix, block[:uruWidth]...)
		}
		pix = append(pix, block...)
	}
	if len(rows) > 0 || absent > 0 || len(pix) != uruWidth*uruHeight {
		return nil, fmt.Errorf("%w: %d of %d rows", ErrProtocol, len(pix)/uruWidth, uruHeight)
	}
	for i := range img.Pix {
		img.Pix[i] = ^img.Pix[i]
	}
	return img, nil
}

// uruCipher is the device's stream cipher: a 32-bit register.
type uruCipher struct {
	number   byte
	exchange func(number byte) (uint32, error)
	clear    bool // nothing is encrypted
	key      uint32
}

func (c *uruCipher) begin() (err error) {
	if !c.clear {
		c.key, err = c.exchange(c.number)
	}
	return err
}

// decrypt does a block in place. A byte was sent one place later than it
// belongs, so the block's last one is lost.
func (c *uruCipher) decrypt(block []byte, flags byte) error {
	if c.clear {
		return nil
	}
	if err := c.renew(flags); err != nil {
		return err
	}
	switch flags & (uruEncrypted | uruKeepKey) {
	case uruEncrypted:
		last := len(block) - 1
		for i := range last {
			block[i] = block[i+1] ^ uruPad(c.key)
			c.key = uruStep(c.key)
		}
		block[last] = 0
		c.key = uruStep(c.key)
	case 0:
		for range block {
			c.key = uruStep(c.key)
		}
	}
	return nil
}

// skip steps the key over rows that were not sent, as over plain ones.
func (c *uruCipher) skip(rows int, flags byte) error {
	if c.clear {
		return nil
	}
	err := c.renew(flags)
	if flags&uruKeepKey == 0 {
		for range rows * uruWidth {
			c.key = uruStep(c.key)
		}
	}
	return err
}

// renew agrees on the next key where a block asks for it.
func (c *uruCipher) renew(flags byte) error {
	if flags&uruNewKey == 0 {
		return nil
	}
	c.number++
	return c.begin()
}

// uruPad gathers a byte from the register's bits.
func uruPad(key uint32) byte {
	return byte(key>>4&1 | key>>8&1<<1 | key>>11&1<<2 | key>>14&1<<3 | key>>18&1<<4 | key>>21&1<<5 | key>>24&1<<6 | key>>29&1<<7) //nolint:gosec // one bit each
}

// uruStep shifts the register by one bit.
func uruStep(key uint32) uint32 {
	return key>>1 | uint32(bits.OnesCount32(key&0x9248144D)&1)<<31
}

func variance(pix []byte) int {
	sum, squares := 0, 0
	for _, p := range pix {
		sum += int(p)
		squares += int(p) * int(p)
	}
	mean := sum / len(pix)
	return squares/len(pix) - mean*mean
}

// turn turns an image by 180 degrees.
func turn(img *image.Gray) { slices.Reverse(img.Pix) }
