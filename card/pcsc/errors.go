//go:build cgo || windows

package pcsc

import (
	"errors"
	"fmt"

	"github.com/ebfe/scard"

	"github.com/dhamani-iq/dhamani/card"
)

// families is the one table from PC/SC return codes to errors that callers
// branch on. pcsc-lite and Windows share the codes of the 8010xxxx range; the
// rest are Windows' own for a service that went away under a call.
var families = map[scard.Error]error{
	scard.ErrNoService:      card.ErrServiceDown, // 8010001D: on a dead context for ever
	scard.ErrServiceStopped: card.ErrServiceDown, // 8010001E
	scard.ErrCommError:      card.ErrServiceDown, // 80100013: the call in flight when pcscd stops
	scard.ErrInvalidHandle:  card.ErrServiceDown, // 80100003: a restarted service does not know it
	scard.ErrShutdown:       card.ErrServiceDown, // 80100018
	scard.ErrServerTooBusy:  card.ErrServiceDown, // 80100031
	0x00000006:              card.ErrServiceDown, // ERROR_INVALID_HANDLE
	0x0000006D:              card.ErrServiceDown, // ERROR_BROKEN_PIPE: remote desktop session ended
	0x000006BA:              card.ErrServiceDown, // RPC_S_SERVER_UNAVAILABLE
	0x000006BE:              card.ErrServiceDown, // RPC_S_CALL_FAILED

	scard.ErrSharingViolation: card.ErrBusy, // 8010000B: another program holds it exclusively

	scard.ErrNoSmartcard: card.ErrNoCard, // 8010000C

	scard.ErrUnknownReader:      card.ErrNoReader, // 80100009
	scard.ErrReaderUnavailable:  card.ErrNoReader, // 80100017
	scard.ErrNoReadersAvailable: card.ErrNoReader, // 8010002E

	scard.ErrNotTransacted: card.ErrRemoved, // 80100016: the first call after a tear
	scard.ErrRemovedCard:   card.ErrRemoved, // 80100069: and every later one
	scard.ErrCommDataLost:  card.ErrRemoved, // 8010002F

	scard.ErrResetCard: card.ErrReset, // 80100068: also after a card was put back

	scard.ErrUnresponsiveCard: card.ErrUnpowered, // 80100066
	scard.ErrUnpoweredCard:    card.ErrUnpowered, // 80100067
	scard.ErrInvalidAtr:       card.ErrUnpowered, // 80100015

	scard.ErrProtoMismatch: ErrProtocol, // 8010000F

	scard.ErrReaderUnsupported: card.ErrTransport, // 8010001A
	scard.ErrCardUnsupported:   card.ErrTransport, // 8010001C
	scard.ErrUnsupportedCard:   card.ErrTransport, // 80100065
	scard.ErrUnknownError:      card.ErrTransport, // 80100014
	scard.ErrInternalError:     card.ErrTransport, // 80100001

	scard.ErrSecurityViolation: ErrDenied, // 8010006A
	scard.ErrNoAccess:          ErrDenied, // 80100027
}

// fail words a binding's error. It passes nil and foreign errors on.
func fail(op string, err error) error {
	var code scard.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &code):
		return &Error{Op: op, Code: uint32(code), Err: families[code]}
	default:
		return fmt.Errorf("%s: %w", op, err)
	}
}

// failExchange is fail for a call on a connected card, where a card or a
// reader that is not there any more was there a moment ago.
func failExchange(op string, err error) error {
	err = fail(op, err)
	var coded *Error
	if !errors.As(err, &coded) {
		return err
	}
	switch {
	case coded.Err == nil:
		coded.Err = card.ErrTransport
	case errors.Is(coded.Err, card.ErrNoCard), errors.Is(coded.Err, card.ErrNoReader), errors.Is(coded.Err, card.ErrUnpowered):
		coded.Err = card.ErrRemoved
	}
	return err
}

// guard turns a panic inside the binding into an error: it indexes into what
// the service returned without looking at its length.
func guard(op string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: %w: the binding broke down: %v", op, card.ErrTransport, p)
	}
}
