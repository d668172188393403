// Package apdu encodes and parses the command and response pairs of
// ISO/IEC 7816-4:2020 clause 5: short and extended lengths, command chaining,
// and responses that the card hands out in parts (61xx, 6Cxx).
//
// It does no input or output and keeps no state.
package apdu

import (
	"errors"
	"fmt"
)

// Limits of the two length forms (ISO/IEC 7816-4 5.2).
const (
	MaxShortData    = 255   // bytes of command data behind a one-byte Lc
	MaxShortNe      = 256   // Ne that a one-byte Le can ask for (coded 00)
	MaxExtendedData = 65535 // bytes of command data behind a three-byte Lc
	MaxExtendedNe   = 65536 // Ne that a two-byte Le can ask for (coded 0000)
)

// ClassChained is the bit of CLA that says that more blocks of the same
// command follow (ISO/IEC 7816-4 5.3.3).
const ClassChained byte = 0x10

// Errors of this package.
var (
	// ErrLength is returned for a command or a response whose length bytes
	// disagree with its length, or that does not fit the form asked for.
	ErrLength = errors.New("wrong apdu length")
	// ErrClass is returned for CLA FF, which the standard forbids.
	ErrClass = errors.New("invalid apdu class")
)

// Command is one command APDU.
//
//	CLA INS P1 P2 [Lc Data] [Le]
//
// Ne is the largest number of response bytes expected; 0 means that Le is
// absent. Extended selects the long form of Lc and Le.
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte
	Ne               int
	Extended         bool
}

// Header returns the four bytes CLA INS P1 P2.
func (c Command) Header() [4]byte { return [4]byte{c.CLA, c.INS, c.P1, c.P2} }

// OddINS reports whether the data fields are BER-TLV coded, which the lowest
// bit of INS says (ISO/IEC 7816-4 5.5).
func (c Command) OddINS() bool { return c.INS&1 == 1 }

// String gives the header and the lengths, never the data.
func (c Command) String() string {
	return fmt.Sprintf("%02X %02X %02X %02X (%d bytes, expects %d)", c.CLA, c.INS, c.P1, c.P2, len(c.Data), c.Ne)
}

// Encode returns the command's bytes. It owes ErrLength when data or Ne do
// not fit the form, and ErrClass.
func (c Command) Encode() ([]byte, error) {
	maxData, maxNe, lengths := MaxShortData, MaxShortNe, 2
	if c.Extended {
		maxData, maxNe, lengths = MaxExtendedData, MaxExtendedNe, 5
	}
	switch {
	case c.CLA == 0xFF:
		return nil, fmt.Errorf("encode command: %w", ErrClass)
	case len(c.Data) > maxData:
		return nil, fmt.Errorf("encode command with %d bytes of data: %w", len(c.Data), ErrLength)
	case c.Ne < 0 || c.Ne > maxNe:
		return nil, fmt.Errorf("encode command that expects %d bytes: %w", c.Ne, ErrLength)
	case c.Extended && len(c.Data) == 0 && c.Ne == 0:
		return nil, fmt.Errorf("encode extended command without lengths: %w", ErrLength)
	}
	out := make([]byte, 0, 4+lengths+len(c.Data))
	out = append(out, c.CLA, c.INS, c.P1, c.P2)
	if !c.Extended {
		if len(c.Data) > 0 {
			out = append(out, byte(len(c.Data))) // #nosec G115 -- at most MaxShortData
			out = append(out, c.Data...)
		}
		if c.Ne > 0 {
			out = append(out, byte(c.Ne)) // #nosec G115 -- 256 is coded 00
		}
		return out, nil
	}
	out = append(out, 0)
	if len(c.Data) > 0 {
		out = append(out, byte(len(c.Data)>>8), byte(len(c.Data))) // #nosec G115 -- at most MaxExtendedData
		out = append(out, c.Data...)
	}
	if c.Ne > 0 {
		out = append(out, byte(c.Ne>>8), byte(c.Ne)) // #nosec G115 -- 65536 is coded 0000
	}
	return out, nil
}

// Parse reads one command of either form; Data is a part of raw. It owes
// ErrLength (which covers bytes left over) and ErrClass.
func Parse(raw []byte) (Command, error) {
	if len(raw) < 4 {
		return Command{}, fmt.Errorf("parse command of %d bytes: %w", len(raw), ErrLength)
	}
	c := Command{CLA: raw[0], INS: raw[1], P1: raw[2], P2: raw[3]}
	if c.CLA == 0xFF {
		return Command{}, fmt.Errorf("parse command: %w", ErrClass)
	}
	body := raw[4:]
	switch {
	case len(body) == 0:
	case len(body) == 1:
		c.Ne = neOf(int(body[0]), MaxShortNe)
	case body[0] != 0:
		n := int(body[0])
		switch len(body) - 1 - n {
		case 0:
		case 1:
			c.Ne = neOf(int(body[1+n]), MaxShortNe)
		default:
			return Command{}, fmt.Errorf("parse command of %d bytes with Lc %d: %w", len(raw), n, ErrLength)
		}
		c.Data = body[1 : 1+n : 1+n]
	case len(body) == 3:
		c.Extended = true
		c.Ne = neOf(int(body[1])<<8|int(body[2]), MaxExtendedNe)
	case len(body) > 3:
		c.Extended = true
		n := int(body[1])<<8 | int(body[2])
		rest := len(body) - 3 - n
		if n == 0 || (rest != 0 && rest != 2) {
			return Command{}, fmt.Errorf("parse command of %d bytes with Lc %d: %w", len(raw), n, ErrLength)
		}
		if rest == 2 {
			c.Ne = neOf(int(body[3+n])<<8|int(body[4+n]), MaxExtendedNe)
		}
		c.Data = body[3 : 3+n : 3+n]
	default:
		return Command{}, fmt.Errorf("parse command of %d bytes: %w", len(raw), ErrLength)
	}
	return c, nil
}

func neOf(le, whenZero int) int {
	if le == 0 {
		return whenZero
	}
	return le
}

// Chain splits a command into short commands that carry its data in order:
// all but the last have the chaining bit set and expect nothing. A Ne above
// 256 is coded as Le 00; the card then hands the rest out with 61xx. A command
// that fits into one block comes back as one block.
func Chain(c Command) ([][]byte, error) { return Split(c, MaxShortNe) }

// Split is Chain for a reader that passes at most so many bytes of data each
// way, 1 to MaxShortNe; a block of a command has MaxShortData at most.
func Split(c Command, most int) ([][]byte, error) {
	if most < 1 || most > MaxShortNe {
		return nil, fmt.Errorf("split command into blocks of %d bytes: %w", most, ErrLength)
	}
	if c.Ne < 0 || c.Ne > MaxExtendedNe || len(c.Data) > MaxExtendedData {
		return nil, fmt.Errorf("chain command with %d bytes of data that expects %d: %w", len(c.Data), c.Ne, ErrLength)
	}
	size := min(most, MaxShortData)
	blocks := make([][]byte, 0, 1+len(c.Data)/size)
	data := c.Data
	for len(data) > size {
		b := Command{CLA: c.CLA | ClassChained, INS: c.INS, P1: c.P1, P2: c.P2, Data: data[:size]}
		raw, err := b.Encode()
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, raw)
		data = data[size:]
	}
	last := Command{CLA: c.CLA &^ ClassChained, INS: c.INS, P1: c.P1, P2: c.P2, Data: data, Ne: min(c.Ne, most)}
	raw, err := last.Encode()
	if err != nil {
		return nil, err
	}
	return append(blocks, raw), nil
}
