//go:build !cgo

package usb

import (
	"context"
	"log/slog"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Bus stands in for the machine's USB in a program built without cgo: every
// call answers ErrNoCgo.
type Bus struct{}

var _ scanner.Bus = Bus{}

// New returns a Bus whose calls all fail with ErrNoCgo.
func New(*slog.Logger) Bus { return Bus{} }

// List fails with ErrNoCgo.
func (Bus) List(context.Context) ([]scanner.Device, error) { return nil, ErrNoCgo }

// Open fails with ErrNoCgo.
func (Bus) Open(context.Context, string) (scanner.Transport, error) { return nil, ErrNoCgo }
