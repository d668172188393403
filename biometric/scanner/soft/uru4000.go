package soft

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"image"
	"math/bits"
	"slices"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// uru is the device's side of the U.are.U 4000 family, written from the
// protocol's description and not from the driver.
type uru struct {
	model        scanner.Model
	turned, asks bool
	status       byte
	challenge    [16]byte
	answered     bool
	mode         byte
	number       byte   // of the key that the host asked for
	seed         uint32 // and what it mixed in
	clear        bool   // images are not encrypted
}

// Blocks of the images that it sends: flags and rows, 290 in all. Every kind
// is there: encrypted, plain, absent, with a new key, and where the key rests.
var uruBlocks = [][2]byte{{0x02, 70}, {0x00, 1}, {0x02, 49}, {0x01, 1}, {0x00, 1}, {0x82, 50}, {0x06, 1}, {0x02, 117}}

func newURU(m scanner.Model, plain bool) *uru {
	return &uru{
		model: m, clear: plain,
		turned: m.ID == scanner.ID{Vendor: 0x05BA, Product: 0x000A},
		asks:   m.ID == scanner.ID{Vendor: 0x045E, Product: 0x00CA},
	}
}

func (u *uru) reset(*Scanner) {
	u.status, u.mode, u.answered = 0x01, 0, false
	u.challenge = [16]byte{0x4D, 0xAE, 0x5A, 0x0B, 0x12, 0x47, 0xA8, 0x6C, 0x9F, 0xBF, 0x29, 0xFD, 0xCC, 0x17, 0x8A, 0x74}
}

func (u *uru) event(s *Scanner, kind uint16) {
	data := make([]byte, 64)
	binary.BigEndian.PutUint16(data, kind)
	s.say(0x81, data)
}

func (u *uru) control(s *Scanner, setup scanner.Setup, data []byte) (int, error) {
	if setup.Request != 4 || setup.Index != 0 || setup.Type&0x7F != 0x40 {
		return 0, scanner.ErrStalled
	}
	if setup.In() {
		return u.get(setup.Value, data)
	}
	return len(data), u.set(s, setup.Value, data)
}

func (u *uru) get(register uint16, data []byte) (int, error) {
	var value []byte
	switch register {
	case 0x07:
		value = []byte{u.status}
	case 0x34:
		value = binary.LittleEndian.AppendUint32(nil, uruKey(u.number)^u.seed)
	case 0xF0:
		value = make([]byte, 16)
	case 0x2010:
		value = u.challenge[:]
	default:
		return 0, scanner.ErrStalled
	}
	return copy(data, value), nil
}

func (u *uru) set(s *Scanner, register uint16, data []byte) error {
	switch {
	case register == 0x07 && len(data) == 1:
		u.power(s, data[0])
	case register == 0x33 && len(data) == 5:
		u.number, u.seed = data[0], binary.LittleEndian.Uint32(data[1:])
	case register == 0x4E && len(data) == 1:
		u.mode = data[0]
		if u.mode == 0x20 && s.finger != nil {
			s.say(0x82, u.encode(s.finger))
		}
		u.changed(s)
	case register == 0x2000 && len(data) == 16:
		u.answered = bytes.Equal(data, uruAnswer(u.challenge[:]))
	default:
		return scanner.ErrStalled
	}
	return nil
}

// power follows a write to the status register: bit 7 rises, then falls, and
// the device is on. One that asks for an answer stays off until it has it.
func (u *uru) power(s *Scanner, to byte) {
	if u.status&0x80 != 0 && to&0x80 == 0 {
		if u.asks && !u.answered {
			return
		}
		u.event(s, 0x56AA)
	}
	u.status = to
}

func (u *uru) write(*Scanner, uint8, []byte) error { return scanner.ErrStalled }

func (u *uru) changed(s *Scanner) {
	switch {
	case u.mode == 0x10 && s.finger != nil:
		u.mode = 0
		u.event(s, 0x0101)
	case u.mode == 0x12 && s.finger == nil:
		u.mode = 0
		u.event(s, 0x0200)
	}
}

// seen is the image without the last byte of each encrypted block, and with
// absent rows as the next ones.
func (u *uru) seen(finger *image.Gray) *image.Gray {
	img := fit(finger, u.model.Width, u.model.Height)
	u.turn(img)
	row := 0
	for _, b := range uruBlocks {
		end := (row + int(b[1])) * img.Stride
		switch {
		case b[0]&0x01 != 0:
			copy(img.Pix[row*img.Stride:end], img.Pix[end:end+img.Stride])
		case b[0]&0x06 == 0x02 && !u.clear:
			img.Pix[end-1] = 0xFF
		}
		row += int(b[1])
	}
	u.turn(img)
	return img
}

func (u *uru) turn(img *image.Gray) {
	if u.turned {
		slices.Reverse(img.Pix)
	}
}

func (u *uru) encode(finger *image.Gray) []byte {
	img := u.seen(finger)
	u.turn(img)
	raw := make([]byte, 64, 64+len(img.Pix))
	number, row, sent := byte(1), 0, 0
	raw[6] = number
	key := uruKey(number)
	for i, b := range uruBlocks {
		flags, rows := b[0], int(b[1])
		if u.clear {
			flags &= 0x01
		}
		raw[16+2*i], raw[17+2*i] = flags, b[1]
		block := slices.Clone(img.Pix[row*img.Stride : (row+rows)*img.Stride])
		row += rows
		for i := range block {
			block[i] = ^block[i]
		}
		if flags&0x80 != 0 {
			number++
			key = uruKey(number)
		}
		key = uruEncrypt(block, flags, key)
		if flags&0x01 == 0 {
			raw = append(raw, block...)
			sent += rows
		}
	}
	binary.LittleEndian.PutUint16(raw[4:], uint16(sent))
	return raw
}

// uruEncrypt does a block in place and returns the key as it stands behind it.
func uruEncrypt(block []byte, flags byte, key uint32) uint32 {
	if flags&0x04 != 0 {
		return key
	}
	before := byte(0)
	for i := range block {
		pad := byte(0)
		for bit, from := range [8]int{4, 8, 11, 14, 18, 21, 24, 29} {
			pad |= byte(key>>from&1) << bit
		}
		if flags&0x02 != 0 {
			block[i], before = before, block[i]^pad
		}
		key = key>>1 | uint32(bits.OnesCount32(key&0x9248144D)&1)<<31
	}
	return key
}

// uruKey is the device's numbered key: any rule serves.
func uruKey(number byte) uint32 { return 0x9E3779B9 * (uint32(number) + 3) }

func uruAnswer(challenge []byte) []byte {
	block, _ := aes.NewCipher([]byte{0x79, 0xAC, 0x91, 0x79, 0x5C, 0xA1, 0x47, 0x8E, 0x98, 0xE0, 0x0F, 0x3C, 0x59, 0x8F, 0x5F, 0x4B}) // 16 bytes: no error
	out := make([]byte, aes.BlockSize)
	block.Encrypt(out, challenge)
	return out
}
