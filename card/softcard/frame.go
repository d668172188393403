package softcard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Frames of the virtual reader vpcd: a length of two bytes, big endian, then
// as many bytes. A frame of one byte from the reader is a control code;
// anything longer is a command APDU. The card answers commands, and the code
// for the answer to reset.
const (
	controlOff   = 0
	controlOn    = 1
	controlReset = 2
	controlATR   = 4

	maxFrame = 65535
)

// ErrFrame is returned when a reader sends what vpcd never sends.
var ErrFrame = errors.New("malformed vpcd frame")

// readFrame reads one frame into buf, which has maxFrame bytes. It owes
// io.EOF at the end between two frames, ErrFrame and the errors of r.
func readFrame(r io.Reader, buf []byte) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if n == 0 {
		return nil, fmt.Errorf("read frame of no bytes: %w", ErrFrame)
	}
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return buf[:n], nil
}

// writeFrame writes one frame in a single write, so that no part of it waits
// for an acknowledgement.
func writeFrame(w io.Writer, p []byte) error {
	if len(p) > maxFrame {
		return fmt.Errorf("write frame of %d bytes: %w", len(p), ErrFrame)
	}
	out := make([]byte, 2, 2+len(p))
	binary.BigEndian.PutUint16(out, uint16(len(p))) // #nosec G115 -- at most maxFrame
	_, err := w.Write(append(out, p...))
	return err
}
