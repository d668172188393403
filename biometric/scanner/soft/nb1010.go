package soft

import (
	"image"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// nb is the device's side of the NB-1010-U.
type nb struct{ model scanner.Model }

func newNB(m scanner.Model) *nb { return &nb{m} }

func (*nb) reset(*Scanner)   {}
func (*nb) changed(*Scanner) {}

func (*nb) control(*Scanner, scanner.Setup, []byte) (int, error) { return 0, scanner.ErrStalled }

func (n *nb) seen(finger *image.Gray) *image.Gray { return fit(finger, n.model.Width, n.model.Height) }

func (n *nb) write(s *Scanner, endpoint uint8, data []byte) error {
	if endpoint != 0x02 || len(data) < 8 || data[0] != 0x80 || len(data) != int(data[4]) {
		return scanner.ErrStalled
	}
	reply := make([]byte, 16)
	reply[0], reply[4] = 0x80, 0x10
	switch data[1] {
	case 0x38:
		reply[1], reply[2] = 0x37, 0x01
		if s.finger != nil {
			reply[12] = 0xF7
		}
		s.say(0x83, reply)
	case 0x0D:
		reply[1], reply[2] = 0x20, 0x03
		s.say(0x83, reply)
	case 0x12:
		reply[1], reply[2] = 0x20, 0x04
		s.say(0x83, reply)
		if s.finger != nil {
			n.image(s)
		}
	default:
		return scanner.ErrStalled
	}
	return nil
}

// image says a finger in pieces of two rows.
func (n *nb) image(s *Scanner) {
	img := n.seen(s.finger)
	for y := 0; y < n.model.Height; y += 2 {
		piece := make([]byte, 540)
		copy(piece, []byte{0x80, 0x21, 0, 0, 0x1C, 0x02})
		copy(piece[25:], img.Pix[y*img.Stride:(y+2)*img.Stride])
		s.say(0x83, piece)
	}
}
