package tape

import (
	"encoding/binary"
	"fmt"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// pcapng, as far as usbmon recordings need it (draft-ietf-opsawg-pcapng).
//
//	block: type 4 | length 4 | body | length 4
const (
	blockSection   = 0x0A0D0D0A
	blockInterface = 1
	blockPacket    = 6

	byteOrder    = 0x1A2B3C4D
	linkUSB      = 220 // LINKTYPE_USB_LINUX_MMAPPED
	minBlock     = 12
	sectionLen   = 28
	interfaceLen = 20
	packetHead   = 28 // of a packet block before the packet
)

// A usbmon packet (Documentation/usb/usbmon.rst), 64 bytes and the data.
//
//	0  8  id                   28 4  status
//	8  1  S, C or E            32 4  length asked for or moved
//	9  1  kind of transfer     36 4  length of the data that follow
//	10 1  endpoint             40 8  setup packet
//	11 1  device               48 16 of no interest here
//	12 2  bus
//	14 1  0: setup is there    16 8+4 time, seconds and microseconds
const (
	usbmonLen   = 64
	usbSubmit   = 'S'
	usbComplete = 'C'
	usbError    = 'E'
)

func isPacketFile(raw []byte) bool {
	return len(raw) >= 4 && binary.LittleEndian.Uint32(raw) == blockSection
}

// parsePackets reads the device's transfers. Without a description it takes
// the first device of the table whose descriptor was recorded.
func parsePackets(raw []byte, d description) ([]step, description, error) {
	var packets []packet
	section, links := false, 0
	for len(raw) > 0 {
		if len(raw) < minBlock {
			return nil, d, fmt.Errorf("%w: block of %d bytes", ErrFormat, len(raw))
		}
		kind, length := binary.LittleEndian.Uint32(raw), binary.LittleEndian.Uint32(raw[4:])
		if length < minBlock || length%4 != 0 || uint64(length) > uint64(len(raw)) || binary.LittleEndian.Uint32(raw[length-4:]) != length {
			return nil, d, fmt.Errorf("%w: block of length %d", ErrFormat, length)
		}
		block := raw[:length]
		raw = raw[length:]
		if (kind == blockSection) == section {
			return nil, d, fmt.Errorf("%w: one section is expected", ErrFormat)
		}
		switch kind {
		case blockSection:
			section = true
			if length < sectionLen || binary.LittleEndian.Uint32(block[8:]) != byteOrder {
				return nil, d, fmt.Errorf("%w: byte order", ErrFormat)
			}
		case blockInterface:
			links++
			if length < interfaceLen || binary.LittleEndian.Uint16(block[8:]) != linkUSB {
				return nil, d, fmt.Errorf("%w: link type is not %d", ErrFormat, linkUSB)
			}
		case blockPacket:
			p, err := parsePacket(block, links)
			if err != nil {
				return nil, d, err
			}
			if packets = append(packets, p); len(packets) > maxSteps {
				return nil, d, fmt.Errorf("%w: more than %d packets", ErrFormat, maxSteps)
			}
		}
	}
	if d.descriptors == nil {
		d = findDevice(packets)
	}
	steps, err := stepsOf(packets, d)
	return steps, d, err
}

// packet is one packet of any device on the bus.
type packet struct {
	step
	bus uint16
	dev uint8
}

func parsePacket(block []byte, links int) (packet, error) {
	var p packet
	if len(block) < packetHead+usbmonLen+4 || binary.LittleEndian.Uint32(block[8:]) >= uint32(links) { //nolint:gosec // few
		return p, fmt.Errorf("%w: packet block of %d bytes", ErrFormat, len(block))
	}
	body := block[packetHead : len(block)-4]
	kept, whole := binary.LittleEndian.Uint32(block[20:]), binary.LittleEndian.Uint32(block[24:])
	if uint64(kept) > uint64(len(body)) || kept < usbmonLen || kept != whole {
		return p, fmt.Errorf("%w: packet of %d of %d bytes", ErrFormat, kept, whole)
	}
	body = body[:kept]
	size, data := binary.LittleEndian.Uint32(body[32:]), binary.LittleEndian.Uint32(body[36:])
	if data != kept-usbmonLen || size > maxRecording || data > size {
		return p, fmt.Errorf("%w: packet with %d of %d bytes of data", ErrFormat, data, size)
	}
	p.id = binary.LittleEndian.Uint64(body)
	p.ep, p.dev, p.bus = body[10], body[11], binary.LittleEndian.Uint16(body[12:])
	p.status = int32(binary.LittleEndian.Uint32(body[28:])) //nolint:gosec // a signed field
	p.size, p.data = int(size), body[usbmonLen:]
	p.at = int64(binary.LittleEndian.Uint64(body[16:]))*1e6 + int64(binary.LittleEndian.Uint32(body[24:])) //nolint:gosec // only differences that make sense are used
	switch body[8] {
	case usbSubmit:
	case usbComplete, usbError:
		p.done = true
	default:
		return p, fmt.Errorf("%w: packet type %#x", ErrFormat, body[8])
	}
	switch body[9] {
	case kindControl:
		p.setup = scanner.Setup{
			Type: body[40], Request: body[41],
			Value: binary.LittleEndian.Uint16(body[42:]), Index: binary.LittleEndian.Uint16(body[44:]),
		}
		if !p.done && (body[14] != 0 || int(binary.LittleEndian.Uint16(body[46:])) != p.size) {
			return p, fmt.Errorf("%w: control transfer without setup", ErrFormat)
		}
	case kindBulk, kindInterrupt:
		p.bulk = true
	default:
		p.id = 0 // isochronous: no scanner of ours
	}
	return p, nil
}

// findDevice looks for an answer to GET_DESCRIPTOR(device) by a scanner.
func findDevice(packets []packet) description {
	for _, p := range packets {
		if p.done && !p.bulk && len(p.data) == minDescriptor && p.data[0] == minDescriptor && p.data[1] == 1 {
			if id := idOf(p.data); known(id) {
				return description{id: id, bus: p.bus, dev: p.dev, descriptors: p.data}
			}
		}
	}
	return description{}
}

func known(id scanner.ID) bool {
	_, ok := scanner.Lookup(id)
	return ok
}

// stepsOf keeps what the driver of one device did: no other device, and none
// of USB's standard requests, which the system makes.
func stepsOf(packets []packet, d description) ([]step, error) {
	steps := make([]step, 0, len(packets))
	open := make(map[uint64]bool) // a transfer that was kept
	for _, p := range packets {
		switch {
		case p.bus != d.bus || p.dev != d.dev || p.id == 0:
		case !p.done && !p.bulk && p.setup.Standard():
		case !p.done:
			if open[p.id] {
				return nil, fmt.Errorf("%w: transfer %#x is submitted twice", ErrFormat, p.id)
			}
			open[p.id] = true
			steps = append(steps, p.step)
		case open[p.id]:
			delete(open, p.id)
			steps = append(steps, p.step)
		}
	}
	return steps, nil
}
