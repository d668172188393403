package card

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// Lengths say which APDUs pass between this host and a card. What does not
// fit goes through command chaining and 61xx.
type Lengths struct {
	Short    int  // most bytes of data each way in a short APDU, at most 256; 0 stands for 256
	Extended bool // extended APDUs pass, up to the longest that the application has; used under secure messaging
}

// bounded returns lengths that a link can use.
func (l Lengths) bounded() Lengths {
	if l.Short < 1 || l.Short > apdu.MaxShortNe {
		l.Short = apdu.MaxShortNe
	}
	return l
}

// encode puts a command into as few APDUs as the lengths allow, and says how
// much data the answer to any of them may have. A command that fits into one
// short APDU is short always: it saves bytes, and every reader knows it.
func (l *link) encode(c apdu.Command) (blocks [][]byte, limit int, err error) {
	if !l.extends(c) {
		blocks, err = apdu.Split(c, l.lengths.Short)
		return blocks, apdu.MaxShortNe, err
	}
	c.Extended = true
	raw, err := c.Encode()
	return [][]byte{raw}, max(c.Ne, apdu.MaxShortNe), err
}

// extends reports whether a command goes out as one extended APDU. In plain
// none does: an answer that a reader has spoilt would be taken for the card's.
func (l *link) extends(c apdu.Command) bool {
	return l.lengths.Extended && l.sm != nil && (len(c.Data) > apdu.MaxShortData || c.Ne > apdu.MaxShortNe)
}

// blame adds ErrLengths to the failure of a command that went out as an
// extended APDU, when the reader may be the cause, and tells the Prober. An
// error that says why by itself stays as it is.
func (l *link) blame(ctx context.Context, c apdu.Command, err error) error {
	if err == nil || l.fault == nil || !l.extends(c) || ctx.Err() != nil || explained(err) {
		return err
	}
	l.fault()
	return fmt.Errorf("%w: %w", ErrLengths, err)
}

// explained reports whether a failure of the transport has a cause that is
// not the length of the command.
func explained(err error) bool {
	for _, cause := range []error{ErrRemoved, ErrReset, ErrServiceDown, ErrBusy, ErrNoCard, ErrNoReader, ErrUnpowered, ErrSessionEnded} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// echoCommand is GET DATA with odd INS for the echo: n bytes of data each way,
// where a short command, which takes 255 only, gets a zero byte after them.
func echoCommand(n int, extended bool) (c apdu.Command, want []byte) {
	size := n
	if !extended {
		size = min(n, apdu.MaxShortData)
	}
	filling := make([]byte, size-tlv.HeaderLen(0x53, size-2))
	for i := range filling {
		filling[i] = byte(i%251) + 1 // #nosec G115 -- below 252; the period shares no factor with any block
	}
	data := tlv.Make(0x53, filling)
	want = append(bytes.Clone(data), make([]byte, n-len(data))...)
	return apdu.Command{INS: insGetDataDO, P1: DataEcho >> 8, P2: DataEcho & 0xFF, Data: data, Ne: n, Extended: extended}, want
}
