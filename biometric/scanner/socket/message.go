// Package socket takes a scanner across a unix socket: a program serves a
// scanner that it has, a soft one as a rule, and another one drives it as if
// it were plugged in. It carries transfers, never images: the driver is the
// same as over USB.
package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// message is one message in either direction, integers big-endian:
//
//	length of what follows u32 | kind u8 | arg u8 | id u32 | data
//
// The id is chosen by who drives; an answer has that of what it answers.
type message struct {
	kind kind
	arg  uint8 // an endpoint, or the status of an answer
	id   uint32
	data []byte
}

type kind uint8

// The kinds. The serving side says hello first and answers afterwards.
const (
	kindHello   kind = iota + 1 // vendor u16 | product u16 | length u8 | serial | descriptors
	kindOpen                    // takes the scanner
	kindControl                 // type u8 | request u8 | value u16 | index u16 | size u16 | data, when the host sends
	kindSubmit                  // arg endpoint | size u32; answered when the read ends
	kindCancel                  // takes the read with this id back; the read is answered
	kindWrite                   // arg endpoint | data
	kindAnswer                  // arg status | what the device sent
	kindPresent                 // answered with verdict u8 | score u8, or nothing
)

const (
	headLen    = 6       // kind, arg and id
	maxData    = 1 << 20 // more than any transfer of a scanner
	setupLen   = 8
	maxPending = 16 // reads that one driver may have pending
)

// errMessage is returned for what is no message.
var errMessage = errors.New("malformed message of a scanner's socket")

func (m message) append(to []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(headLen+len(m.data))) // #nosec G115 -- at most maxData
	to = append(to, byte(m.kind), m.arg)
	return append(binary.BigEndian.AppendUint32(to, m.id), m.data...)
}

func writeMessage(w io.Writer, m message) error {
	if len(m.data) > maxData {
		return fmt.Errorf("%w: %d bytes", errMessage, len(m.data))
	}
	_, err := w.Write(m.append(make([]byte, 0, 4+headLen+len(m.data))))
	return err
}

// sender is the writing half of a connection.
type sender struct {
	conn  net.Conn
	write sync.Mutex // held while a message is written
}

// put gives up on who does not read.
func (s *sender) put(m message) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(transferTime)); err != nil {
		return err
	}
	return writeMessage(s.conn, m)
}

// readMessage reads one message; its length is bounded before memory is taken.
func readMessage(r io.Reader) (message, error) {
	var head [4 + headLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return message{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	m := message{kind: kind(head[4]), arg: head[5], id: binary.BigEndian.Uint32(head[6:])}
	if n < headLen || n > headLen+maxData || m.kind < kindHello || m.kind > kindPresent {
		return message{}, fmt.Errorf("%w: kind %d of %d bytes", errMessage, m.kind, n)
	}
	if n > headLen {
		m.data = make([]byte, n-headLen)
		if _, err := io.ReadFull(r, m.data); err != nil {
			return message{}, err
		}
	}
	return m, nil
}

// hello describes a scanner.
func hello(d scanner.Device) message {
	serial := d.Serial[:min(len(d.Serial), 255)]
	data := binary.BigEndian.AppendUint16(nil, d.Model.ID.Vendor)
	data = binary.BigEndian.AppendUint16(data, d.Model.ID.Product)
	data = append(append(data, byte(len(serial))), serial...) // #nosec G115 -- at most 255
	return message{kind: kindHello, data: append(data, d.Descriptors...)}
}

// parseHello reads what hello writes. It owes scanner.ErrNoScanner for a model
// that is not in the device table.
func parseHello(m message) (scanner.Device, error) {
	if m.kind != kindHello || len(m.data) < 5 || len(m.data) < 5+int(m.data[4]) {
		return scanner.Device{}, fmt.Errorf("%w: no hello", errMessage)
	}
	id := scanner.ID{Vendor: binary.BigEndian.Uint16(m.data), Product: binary.BigEndian.Uint16(m.data[2:])}
	model, ok := scanner.Lookup(id)
	if !ok {
		return scanner.Device{}, fmt.Errorf("scanner %v behind the socket: %w", id, scanner.ErrNoScanner)
	}
	end := 5 + int(m.data[4])
	return scanner.Device{Model: model, Serial: string(m.data[5:end]), Descriptors: m.data[end:], Soft: true}, nil
}

// control is a control transfer as a message; of one that the device answers
// only the size goes along.
func control(setup scanner.Setup, data []byte) message {
	out := []byte{setup.Type, setup.Request}
	out = binary.BigEndian.AppendUint16(out, setup.Value)
	out = binary.BigEndian.AppendUint16(out, setup.Index)
	out = binary.BigEndian.AppendUint16(out, uint16(len(data))) // #nosec G115 -- checked by the caller
	if !setup.In() {
		out = append(out, data...)
	}
	return message{kind: kindControl, data: out}
}

func parseControl(raw []byte) (scanner.Setup, []byte, error) {
	if len(raw) < setupLen {
		return scanner.Setup{}, nil, fmt.Errorf("%w: control transfer", errMessage)
	}
	setup := scanner.Setup{Type: raw[0], Request: raw[1], Value: binary.BigEndian.Uint16(raw[2:]), Index: binary.BigEndian.Uint16(raw[4:])}
	size, data := int(binary.BigEndian.Uint16(raw[6:])), raw[setupLen:]
	switch {
	case setup.In() && len(data) == 0:
		return setup, make([]byte, size), nil
	case !setup.In() && len(data) == size:
		return setup, data, nil
	}
	return scanner.Setup{}, nil, fmt.Errorf("%w: control transfer of %d bytes with %d", errMessage, size, len(data))
}

// statuses are the errors that a Transport owes, by their number in an answer;
// 0 is success.
var statuses = []error{
	nil, scanner.ErrTransfer, scanner.ErrUnplugged, scanner.ErrStalled, scanner.ErrTimeout, scanner.ErrClosed, scanner.ErrBusy, errTakenBack,
}

// errTakenBack ends a read that its driver has taken back.
var errTakenBack = errors.New("read was taken back")

// statusOf is the number of an error: that of ErrTransfer for an unknown one.
func statusOf(err error) uint8 {
	if err == nil {
		return 0
	}
	for i, known := range statuses[1:] {
		if errors.Is(err, known) {
			return uint8(i + 1) // #nosec G115 -- a short list
		}
	}
	return 1
}

func errorOf(status uint8) error {
	if int(status) < len(statuses) {
		return statuses[status]
	}
	return scanner.ErrTransfer
}
