// Package tape reads, plays and makes recordings of USB traffic: pcapng with
// link type 220 (Linux usbmon, as Wireshark keeps it), and the ioctl trees and
// device descriptions of umockdev.
package tape

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Errors of recordings.
var (
	ErrFormat   = errors.New("not a recording of USB traffic")
	ErrMismatch = errors.New("the driver asks for something else than was recorded")
	ErrEnd      = errors.New("the recording has ended")
)

// Files of a recording's folder.
const (
	DeviceFile = "device"         // umockdev's description of the device
	PacketFile = "capture.pcapng" // what was said
	IoctlFile  = "capture.ioctl"  // or this
)

const (
	maxDevice    = 1 << 20
	maxRecording = 64 << 20
	maxSteps     = 1 << 16
)

// Tape is a recording of one device.
type Tape struct {
	Device scanner.Device
	steps  []step
}

// Kinds of endpoints, as usbmon numbers them.
const (
	kindInterrupt = 1
	kindControl   = 2
	kindBulk      = 3
)

// step is a transfer's submission or its completion.
type step struct {
	id     uint64
	done   bool // a completion
	bulk   bool // on an endpoint of its own, bulk or interrupt
	ep     uint8
	setup  scanner.Setup // of a control transfer
	size   int           // of a submission: what is asked for or sent
	data   []byte        // sent, or received
	status int32         // of a completion: 0 or a negative errno
	at     int64         // microseconds; 0 where the recording has no times
}

// Load reads a recording: a folder with a device description and what was
// recorded, or a pcapng file that begins with the device's descriptor. It owes
// ErrFormat, scanner.ErrNoScanner when no device of the table is in it, and
// what reading a file owes.
func Load(name string) (*Tape, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	if !info.IsDir() {
		raw, err := readFile(name, maxRecording)
		if err != nil {
			return nil, err
		}
		return Parse(nil, raw)
	}
	device, err := readFile(filepath.Join(name, DeviceFile), maxDevice)
	if err != nil {
		return nil, err
	}
	raw, err := readFile(filepath.Join(name, PacketFile), maxRecording)
	if errors.Is(err, os.ErrNotExist) {
		raw, err = readFile(filepath.Join(name, IoctlFile), maxRecording)
	}
	if err != nil {
		return nil, err
	}
	return Parse(device, raw)
}

// Parse reads a recording and the description of its device, which a pcapng
// recording may lack when it begins with the device's descriptor.
func Parse(device, raw []byte) (*Tape, error) {
	var d description
	if device != nil {
		var err error
		if d, err = parseDescription(device); err != nil {
			return nil, err
		}
	}
	if isPacketFile(raw) {
		steps, found, err := parsePackets(raw, d)
		if err != nil {
			return nil, err
		}
		return finish(found, steps)
	}
	if device == nil {
		return nil, fmt.Errorf("%w: no device description", ErrFormat)
	}
	steps, err := parseIoctls(raw)
	if err != nil {
		return nil, err
	}
	return finish(d, steps)
}

func finish(d description, steps []step) (*Tape, error) {
	model, ok := scanner.Lookup(d.id)
	if !ok {
		return nil, fmt.Errorf("recording of %v: %w", d.id, scanner.ErrNoScanner)
	}
	name := fmt.Sprintf("%03d/%03d", d.bus, d.dev)
	return &Tape{Device: scanner.Device{Name: name, Model: model, Serial: d.serial, Descriptors: d.descriptors}, steps: steps}, nil
}

func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the caller's file
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("read recording: %w: more than %d bytes", ErrFormat, limit)
	}
	return raw, nil
}
