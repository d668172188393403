//go:build cgo

package usb

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/gousb"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// Bus is the machine's USB. It holds nothing open: every List has a libusb
// context of its own, because one that lives long does not see new devices on
// a system without udev's daemon, and so has every Transport.
type Bus struct{}

var _ scanner.Bus = Bus{}

// New returns the machine's USB. libusb's complaints, which gousb sends to the
// standard logger without end when something is wrong, go to logger, a line
// every ten seconds at most.
func New(logger *slog.Logger) Bus {
	once.Do(func() {
		log.SetFlags(0)
		log.SetOutput(&complaints{log: logger})
	})
	return Bus{}
}

var once sync.Once

// complaints takes the standard logger's lines.
type complaints struct {
	log *slog.Logger

	mu   sync.Mutex
	last time.Time // guarded by mu
}

const complaintsEvery = 10 * time.Second

func (c *complaints) Write(line []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.last) >= complaintsEvery {
		c.last = now
		c.log.Warn("usb library complains", logkey.Error, strings.TrimSpace(string(line)))
	}
	return len(line), nil
}

// begin makes a libusb context. gousb panics where libusb cannot start, for
// example in a sandbox without netlink sockets.
func begin() (ctx *gousb.Context, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("start libusb: %w: %v", scanner.ErrNoUSB, p)
		}
	}()
	return newContext(), nil
}

var newContext = gousb.NewContext // another in tests

// List names the scanners that are plugged in, by bus and address.
func (Bus) List(ctx context.Context) (devices []scanner.Device, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lib, err := begin()
	if err != nil {
		return nil, err
	}
	defer func() { _ = lib.Close() }() // nothing is open
	_, err = lib.OpenDevices(func(desc *gousb.DeviceDesc) bool {
		if m, ok := scanner.Lookup(scanner.ID{Vendor: uint16(desc.Vendor), Product: uint16(desc.Product)}); ok {
			at := place{desc.Bus, desc.Address}
			serial, descriptors := describe(at)
			devices = append(devices, scanner.Device{Name: at.String(), Model: m, Serial: serial, Descriptors: descriptors})
		}
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("list usb devices: %w", fail(err))
	}
	slices.SortFunc(devices, func(a, b scanner.Device) int { return strings.Compare(a.Name, b.Name) })
	return devices, nil
}

// Open takes the scanner with a name that List gave.
func (Bus) Open(ctx context.Context, name string) (scanner.Transport, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at, err := parsePlace(name)
	if err != nil {
		return nil, err
	}
	lib, err := begin()
	if err != nil {
		return nil, err
	}
	t, err := open(lib, at)
	if err != nil {
		_ = lib.Close()
		return nil, fmt.Errorf("open scanner %s: %w", name, explain(at, err))
	}
	return t, nil
}

func open(lib *gousb.Context, at place) (*transport, error) {
	devices, err := lib.OpenDevices(func(desc *gousb.DeviceDesc) bool { return desc.Bus == at.bus && desc.Address == at.address })
	if len(devices) == 0 && err == nil {
		return nil, scanner.ErrUnplugged
	}
	if len(devices) != 1 {
		for _, d := range devices {
			_ = d.Close()
		}
		return nil, err
	}
	t := &transport{lib: lib, dev: devices[0], pending: make(map[*pending]struct{})}
	t.life, t.stop = context.WithCancelCause(context.Background())
	t.dev.ControlTimeout = controlLimit
	if err := t.claim(); err != nil {
		return nil, errors.Join(err, t.release())
	}
	return t, nil
}

// claim takes the device's configuration and the scanner's interface: the
// first of a vendor's own class, or the first.
func (t *transport) claim() error {
	number, err := t.dev.ActiveConfigNum()
	if err != nil {
		return err
	}
	// A kernel driver seldom holds a scanner. Where detaching one does not
	// work, as with umockdev, there is none.
	if err := t.dev.SetAutoDetach(true); err == nil {
		t.cfg, err = t.dev.Config(number)
		if err != nil {
			_ = t.dev.SetAutoDetach(false)
		}
	}
	if t.cfg == nil {
		if t.cfg, err = t.dev.Config(number); err != nil {
			return err
		}
	}
	which := 0
	for _, i := range t.cfg.Desc.Interfaces {
		if len(i.AltSettings) > 0 && i.AltSettings[0].Class == gousb.ClassVendorSpec {
			which = i.Number
			break
		}
	}
	t.intf, err = t.cfg.Interface(which, 0)
	return err
}
