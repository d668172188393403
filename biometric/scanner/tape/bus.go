package tape

import (
	"context"
	"fmt"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Bus is a bus with one scanner on it, a recording's. Every opening plays the
// recording from its beginning.
type Bus struct {
	Tape  *Tape
	Paced bool // as slow as it was recorded
}

var _ scanner.Bus = Bus{}

// List names the recorded scanner.
func (b Bus) List(ctx context.Context) ([]scanner.Device, error) {
	return []scanner.Device{b.Tape.Device}, ctx.Err()
}

// Open plays the recording.
func (b Bus) Open(ctx context.Context, name string) (scanner.Transport, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if name != b.Tape.Device.Name {
		return nil, fmt.Errorf("open recording of scanner %s: %w", name, scanner.ErrUnplugged)
	}
	if b.Paced {
		return b.Tape.PlayPaced(), nil
	}
	return b.Tape.Play(), nil
}
