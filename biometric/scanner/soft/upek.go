package soft

import (
	"encoding/binary"
	"image"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// upek is the device's side of the TouchChip.
type upek struct {
	model         scanner.Model
	swipe, joined bool
	stroke        Stroke
	parts         [][]byte // of the image that is being sent
	asked         bool     // the host waits for a finger
	kept          bool     // the finger was announced
	seq           byte     // of the host's last message
	timer         *time.Timer
}

const (
	upekSwipeWidth = 144
	upekStripRows  = 24
	upekPart       = 2042                  // pixels in a full part
	upekPatience   = 50 * time.Millisecond // between two answers that no finger is there
)

func newUPEK(m scanner.Model, swipe, joined bool) *upek {
	return &upek{model: m, swipe: swipe, joined: joined}
}

func (u *upek) reset(*Scanner) {
	u.parts, u.asked, u.kept = nil, false, false
	if u.timer != nil {
		u.timer.Stop()
	}
}

func (u *upek) seen(finger *image.Gray) *image.Gray {
	if u.swipe {
		return fit(finger, upekSwipeWidth, finger.Bounds().Dy())
	}
	return fit(finger, u.model.Width, u.model.Height)
}

// pixels are what the sensor says of a finger.
func (u *upek) pixels(finger *image.Gray) []byte {
	seen := u.seen(finger)
	if !u.swipe || u.joined {
		return seen.Pix
	}
	return u.stroke.strips(seen)
}

func (u *upek) control(s *Scanner, setup scanner.Setup, data []byte) (int, error) {
	if (setup != scanner.Setup{Type: 0x40, Request: 0x0C, Value: 0x0100, Index: 0x0400}) {
		return 0, scanner.ErrStalled
	}
	u.reset(s)
	u.say(s, 3, 0, []byte{1, 0, 0, 0, 0xC0})
	return len(data), nil
}

// say sends a message, filled up to 64 bytes.
func (u *upek) say(s *Scanner, kind, seq byte, payload []byte) {
	msg := append([]byte("Ciao"), kind, seq<<4|byte(len(payload)>>8), byte(len(payload))) //nolint:gosec // under 4,096
	msg = append(msg, payload...)
	msg = binary.LittleEndian.AppendUint16(msg, xmodem(msg[4:]))
	if len(msg) < 64 {
		msg = append(msg, make([]byte, 64-len(msg))...)
	}
	s.say(0x81, msg)
}

func (u *upek) write(s *Scanner, endpoint uint8, data []byte) error {
	if endpoint != 0x02 || len(data) < 9 || string(data[:4]) != "Ciao" || len(data) != 9+int(data[5]&0x0F)<<8+int(data[6]) ||
		xmodem(data[4:len(data)-2]) != binary.LittleEndian.Uint16(data[len(data)-2:]) {
		return scanner.ErrStalled
	}
	payload := data[7 : len(data)-2]
	switch data[4] {
	case 4:
		u.say(s, 5, 0, []byte{1})
	case 7:
		u.reset(s)
		u.say(s, 1, 0, nil)
	case 0:
		u.seq = data[5] >> 4
		return u.command(s, payload)
	default:
		return scanner.ErrStalled
	}
	return nil
}

func (u *upek) command(s *Scanner, payload []byte) error {
	switch {
	case len(payload) == 7 && payload[0] == 0x28 && payload[1] == 0x04:
		u.say(s, 0, u.seq, u.info())
	case len(payload) == 14 && payload[0] == 0x28 && payload[1] == 0x0B && (payload[12] == 0) == u.swipe,
		len(payload) == 8 && payload[0] == 0x28 && payload[1] == 0x05:
		s.say(0x81, nil) // the device has nothing yet
		u.asked = true
		u.answer(s)
	case len(payload) == 1 && payload[0] == 0x30:
		u.next(s)
	default:
		return scanner.ErrStalled
	}
	return nil
}

// info tells the size in units of 4/3 pixels, and in bit 7 of byte 42 whether
// it is a swipe sensor.
func (u *upek) info() []byte {
	p := make([]byte, 0x37)
	p[0], p[1] = 0x28, 0x34
	width, height := u.model.Width, u.model.Height
	if u.swipe {
		p[42], width, height = 0x80, upekSwipeWidth, upekStripRows
		if u.joined {
			height = 0
		}
	}
	binary.LittleEndian.PutUint16(p[43:], uint16(width*4/3))
	binary.LittleEndian.PutUint16(p[45:], uint16(height*4/3))
	return p
}

// answer tells the host what the sensor feels: at once when a finger is there,
// else after a while.
func (u *upek) answer(s *Scanner) {
	switch {
	case s.finger == nil:
		u.timer = time.AfterFunc(upekPatience, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if u.asked && s.owner != nil {
				u.status(s, 0x0C)
			}
		})
	case u.parts != nil:
		u.asked = false
		u.next(s)
	case !u.kept:
		u.kept = true
		u.status(s, 0x13)
	default:
		u.split(u.pixels(s.finger))
		u.status(s, 0x00)
	}
}

func (u *upek) changed(s *Scanner) {
	if u.asked && s.finger != nil && u.timer != nil && u.timer.Stop() {
		u.answer(s)
	}
}

func (u *upek) status(s *Scanner, code byte) {
	u.asked = false
	u.say(s, 0, u.seq, []byte{0x28, 0x11, 0, 0, 0, 0, 0x20, 0x01, 0, 0, 0, code, 0, 0, 0, 0, 0, 0, 0, 0})
}

// split makes the parts of an image.
func (u *upek) split(pix []byte) {
	first := min(len(pix)-1, upekPart-10)
	u.parts = [][]byte{append(append([]byte{0x2C}, make([]byte, 10)...), pix[:first]...)}
	for pix = pix[first:]; len(pix) > upekPart-4; pix = pix[min(len(pix)-1, upekPart):] {
		u.parts = append(u.parts, append([]byte{0x24}, pix[:min(len(pix)-1, upekPart)]...))
	}
	u.parts = append(u.parts, append(append([]byte{0x20}, pix...), 0, 0, 0, 0))
}

func (u *upek) next(s *Scanner) {
	if len(u.parts) > 0 {
		u.say(s, 0, u.seq, u.parts[0])
		u.parts = u.parts[1:]
	}
}

// xmodem is CRC-16/XMODEM.
func xmodem(data []byte) uint16 {
	crc := uint16(0)
	for _, b := range data {
		for bit := 7; bit >= 0; bit-- {
			top := crc>>15 ^ uint16(b>>bit&1)
			crc = crc<<1 ^ top*0x1021
		}
	}
	return crc
}
