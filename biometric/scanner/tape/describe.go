package tape

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// description is what a recording needs of umockdev's device description: its
// first block.
//
//	P: /devices/pci0000:00/0000:00:14.0/usb1/1-10
//	N: bus/usb/001/050=12010002...        descriptors in hexadecimal
//	A: busnum=1\n
type description struct {
	id          scanner.ID
	serial      string
	bus         uint16
	dev         uint8
	descriptors []byte
}

// minDescriptor is the length of a device descriptor (USB 2.0, 9.6.1).
const minDescriptor = 18

func parseDescription(raw []byte) (description, error) {
	var d description
	block, _, _ := bytes.Cut(raw, []byte("\n\n"))
	for line := range strings.Lines(string(block)) {
		line = strings.TrimSuffix(line, "\n")
		kind, rest, ok := strings.Cut(line, ": ")
		if !ok {
			return d, fmt.Errorf("%w: device description: line %.20q", ErrFormat, line)
		}
		name, value, _ := strings.Cut(rest, "=")
		value = strings.TrimSuffix(value, `\n`)
		var err error
		switch {
		case kind == "N" && d.descriptors == nil:
			d.descriptors, err = hex.DecodeString(value)
		case kind == "A" && name == "busnum":
			err = number(&d.bus, value, 10)
		case kind == "A" && name == "devnum":
			err = number(&d.dev, value, 10)
		case kind == "A" && name == "serial":
			d.serial = value
		}
		if err != nil {
			return d, fmt.Errorf("%w: device description: %s: %w", ErrFormat, name, err)
		}
	}
	if len(d.descriptors) < minDescriptor || d.bus == 0 || d.dev == 0 {
		return d, fmt.Errorf("%w: device description without descriptors, busnum or devnum", ErrFormat)
	}
	d.id = idOf(d.descriptors)
	return d, nil
}

// idOf reads vendor and product from a device descriptor.
func idOf(descriptor []byte) scanner.ID {
	return scanner.ID{Vendor: binary.LittleEndian.Uint16(descriptor[8:]), Product: binary.LittleEndian.Uint16(descriptor[10:])}
}

func number[T uint8 | uint16](to *T, text string, base int) error {
	bits := 8
	if T(0)-1 > 0xFF {
		bits = 16
	}
	n, err := strconv.ParseUint(text, base, bits)
	*to = T(n)
	return err
}

// Describe makes a device description that umockdev and Load take, for a
// recording that a Recorder made of the device. The serial number is left out.
func Describe(d scanner.Device) []byte {
	hexed := strings.ToUpper(hex.EncodeToString(d.Descriptors))
	id := d.Model.ID
	lines := []string{
		"P: " + MockPath,
		fmt.Sprintf("N: bus/usb/%03d/%03d=%s", recordBus, recordDev, hexed),
		fmt.Sprintf("E: BUSNUM=%03d", recordBus),
		fmt.Sprintf("E: DEVNAME=/dev/bus/usb/%03d/%03d", recordBus, recordDev),
		fmt.Sprintf("E: DEVNUM=%03d", recordDev),
		"E: DEVTYPE=usb_device", "E: DRIVER=usb", "E: MAJOR=189", fmt.Sprintf("E: MINOR=%d", recordDev-1),
		fmt.Sprintf("E: PRODUCT=%x/%x/100", id.Vendor, id.Product), "E: SUBSYSTEM=usb", "E: TYPE=0/0/0",
		"A: authorized=1", "A: bConfigurationValue=1", "A: bDeviceClass=00", "A: bNumConfigurations=1",
		fmt.Sprintf(`A: busnum=%d\n`, recordBus), "H: descriptors=" + hexed,
		fmt.Sprintf("A: dev=189:%d", recordDev-1), fmt.Sprintf(`A: devnum=%d\n`, recordDev), "A: devpath=1",
		fmt.Sprintf("A: idProduct=%04x", id.Product), fmt.Sprintf("A: idVendor=%04x", id.Vendor), "A: maxchild=0",
		"A: speed=12", "A: version= 2.00",
	}
	return []byte(strings.Join(lines, "\n") + "\n\n")
}

// MockPath is where a described device is plugged in: umockdev-run's option
// -p names it.
const MockPath = "/devices/pci0000:00/0000:00:14.0/usb1/1-1"
