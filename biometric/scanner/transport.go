package scanner

import (
	"context"
	"errors"
)

// Errors that callers branch on. A Transport owes the first five.
var (
	ErrUnplugged = errors.New("the scanner was unplugged")
	ErrStalled   = errors.New("the scanner refused the transfer")
	ErrTransfer  = errors.New("the transfer to or from the scanner failed")
	ErrTimeout   = errors.New("the scanner did not answer in time")
	ErrClosed    = errors.New("the scanner is closed")

	ErrProtocol  = errors.New("the scanner answered what its protocol does not allow")
	ErrNoFinger  = errors.New("no finger was put on the scanner in time")
	ErrNoScanner = errors.New("no fingerprint scanner is plugged in")
	ErrSlept     = errors.New("the machine slept meanwhile")
	ErrBusy      = errors.New("the scanner is in use")
	ErrDenied    = errors.New("the scanner may not be opened")
	ErrNoUSB     = errors.New("the system's USB access does not work")
)

// Setup is the first eight bytes of a control transfer without its length
// (USB 2.0, 9.3).
//
//	bmRequestType 1 | bRequest 1 | wValue 2 | wIndex 2 | wLength 2
type Setup struct {
	Type    uint8 // bit 7: the device sends
	Request uint8
	Value   uint16
	Index   uint16
}

// In tells whether the device sends the data.
func (s Setup) In() bool { return s.Type&0x80 != 0 }

// Standard tells whether it is one of USB's own requests, which the system
// makes and a driver does not.
func (s Setup) Standard() bool { return s.Type&0x60 == 0 }

// Transport moves bytes to and from one opened scanner. Its methods may be
// called from several goroutines. They owe ErrUnplugged, ErrStalled,
// ErrTransfer, ErrTimeout, ErrClosed and ctx.Err().
type Transport interface {
	// Control carries out a control transfer: it sends data, or fills it, as
	// setup says, and tells how many bytes moved.
	Control(ctx context.Context, setup Setup, data []byte) (int, error)
	// Submit hands the device a read of at most size bytes on an endpoint
	// (bit 7 set) and returns when it is pending. Wait must follow.
	Submit(endpoint uint8, size int) (Pending, error)
	// Write sends data, whole or not at all, to an endpoint.
	Write(ctx context.Context, endpoint uint8, data []byte) error
	// Close takes pending reads back and gives the device up. Twice is once.
	Close() error
}

// Pending is a read that was handed to a device.
type Pending interface {
	// Wait returns what arrived, which may be less than was asked for, even
	// nothing. When ctx ends, the read is taken back. It is called once.
	Wait(ctx context.Context) ([]byte, error)
}

// Read submits a read and waits for it.
func Read(ctx context.Context, t Transport, endpoint uint8, size int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := t.Submit(endpoint, size)
	if err != nil {
		return nil, err
	}
	return p.Wait(ctx)
}

// Device is a scanner on a bus.
type Device struct {
	Name   string // unique on its bus while it is plugged in, such as 001/003
	Model  Model
	Serial string // where the system knows it
	Soft   bool   // no device: a program stands in for one, and its fingers prove nothing
	// Descriptors are the device's, as the kernel gives them: the device
	// descriptor, then the configuration's. Empty where the system keeps them.
	Descriptors []byte
}

// Bus finds and opens scanners.
type Bus interface {
	// List names the scanners of the device table that are plugged in. None
	// is no error. It owes ErrNoUSB.
	List(ctx context.Context) ([]Device, error)
	// Open takes a scanner for this program alone. It owes ErrUnplugged,
	// ErrBusy, ErrDenied and ErrNoUSB.
	Open(ctx context.Context, name string) (Transport, error)
}
