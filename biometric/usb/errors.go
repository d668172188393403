//go:build cgo

package usb

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/google/gousb"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// families is the one table from libusb's errors to those that callers branch
// on.
var families = map[gousb.Error]error{
	gousb.ErrorIO:       scanner.ErrTransfer,
	gousb.ErrorAccess:   scanner.ErrDenied,
	gousb.ErrorNoDevice: scanner.ErrUnplugged,
	gousb.ErrorNotFound: scanner.ErrUnplugged,
	gousb.ErrorBusy:     scanner.ErrBusy,
	gousb.ErrorTimeout:  scanner.ErrTimeout,
	gousb.ErrorPipe:     scanner.ErrStalled,
	gousb.ErrorOverflow: scanner.ErrTransfer,
}

// endings is the same for how transfers end.
var endings = map[gousb.TransferStatus]error{
	gousb.TransferError:     scanner.ErrTransfer,
	gousb.TransferTimedOut:  scanner.ErrTimeout,
	gousb.TransferCancelled: scanner.ErrClosed,
	gousb.TransferStall:     scanner.ErrStalled,
	gousb.TransferNoDevice:  scanner.ErrUnplugged,
	gousb.TransferOverflow:  scanner.ErrTransfer,
}

// coded finds libusb's code in a text: gousb does not wrap every error.
var coded = regexp.MustCompile(`\[code (-\d+)\]`)

// fail words libusb's errors. It passes others on.
func fail(err error) error {
	var status gousb.TransferStatus
	if errors.As(err, &status) && endings[status] != nil {
		return fmt.Errorf("%w: %w", endings[status], err)
	}
	var code gousb.Error
	if !errors.As(err, &code) {
		if m := coded.FindStringSubmatch(fmt.Sprint(err)); m != nil {
			n, _ := strconv.Atoi(m[1]) // a number, by the expression
			code = gousb.Error(n)      //nolint:gosec // a small number of libusb's
		}
	}
	if family := families[code]; family != nil {
		return fmt.Errorf("%w: %w", family, err)
	}
	return err
}

// explain is fail for an opening: it names the holder and the file.
func explain(at place, err error) error {
	err = fail(err)
	switch {
	case errors.Is(err, scanner.ErrBusy):
		return &scanner.BusyError{Holder: holder(at.node())}
	case errors.Is(err, scanner.ErrDenied):
		return &scanner.DeniedError{Node: at.node()}
	default:
		return err
	}
}
