package soft

import (
	"image"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// zk is the device's side of the ZK4500, as far as it is known.
type zk struct {
	model scanner.Model
	empty *image.Gray
	held  *image.Gray // what the next request hands out; outlives a driver
	on    *image.Gray // the finger of which shown is the image
	shown *image.Gray
}

func newZK(m scanner.Model) *zk {
	empty := fit(&image.Gray{}, m.Width, m.Height)
	return &zk{model: m, empty: empty, held: empty}
}

func (*zk) reset(*Scanner)   {}
func (*zk) changed(*Scanner) {}

func (*zk) write(*Scanner, uint8, []byte) error { return scanner.ErrStalled }

func (z *zk) seen(finger *image.Gray) *image.Gray { return fit(finger, z.model.Width, z.model.Height) }

func (z *zk) control(s *Scanner, setup scanner.Setup, data []byte) (int, error) {
	switch {
	case setup.Type != 0x40 || len(data) != 0:
		return 0, scanner.ErrStalled
	case setup.Request == 0xE1 && setup.Value <= 1 && setup.Index <= 3: // lamps and the buzzer
		return 0, nil
	case setup.Request == 0xE5 && setup.Value == 0 && setup.Index == 0:
		z.image(s)
		return 0, nil
	default:
		return 0, scanner.ErrStalled
	}
}

// image hands out the image that is held ready, and exposes the next.
func (z *zk) image(s *Scanner) {
	s.say(0x82, z.held.Pix)
	if z.held = z.empty; s.finger == nil {
		return
	}
	if s.finger != z.on {
		z.on, z.shown = s.finger, z.seen(s.finger)
	}
	z.held = z.shown
}
