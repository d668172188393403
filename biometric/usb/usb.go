// Package usb reaches fingerprint scanners through libusb. It is the only
// importer of gousb. A program built without cgo gets a stub that says so.
package usb

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// ErrNoCgo is the answer of a program that was built without cgo.
var ErrNoCgo = errors.New("this program was built without cgo, which USB scanners need")

// Mocked tells whether this process runs under umockdev-run, which plays
// recordings in the place of devices.
func Mocked() bool { return os.Getenv(mockVariable) != "" }

// mockVariable names the folder that stands for / with umockdev.
const mockVariable = "UMOCKDEV_DIR"

// place is where a device is: bus and address.
type place struct{ bus, address int }

func (p place) String() string { return fmt.Sprintf("%03d/%03d", p.bus, p.address) }

// node is the device's file on Linux.
func (p place) node() string { return "/dev/bus/usb/" + p.String() }

func parsePlace(name string) (place, error) {
	var p place
	if n, err := fmt.Sscanf(name, "%03d/%03d", &p.bus, &p.address); n != 2 || err != nil || p.String() != strings.TrimSpace(name) {
		return p, fmt.Errorf("%q is not the name of a USB device", name)
	}
	return p, nil
}
