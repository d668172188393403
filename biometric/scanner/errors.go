package scanner

import "fmt"

// BusyError is ErrBusy with who holds the scanner.
type BusyError struct {
	Holder string // a program's name and process number; empty when unknown
}

func (e *BusyError) Error() string {
	if e.Holder == "" {
		return ErrBusy.Error()
	}
	return fmt.Sprintf("%v by %s", ErrBusy, e.Holder)
}

// Is makes it an ErrBusy.
func (e *BusyError) Is(target error) bool { return target == ErrBusy }

// RuleFile is the udev rule that lets the agent's group open scanners.
const RuleFile = "70-dhamani-scanner.rules"

// DeniedError is ErrDenied with what was not to be opened.
type DeniedError struct{ Node string }

func (e *DeniedError) Error() string {
	return fmt.Sprintf("%v: no permission for %s; install the udev rule %s", ErrDenied, e.Node, RuleFile)
}

// Is makes it an ErrDenied.
func (e *DeniedError) Is(target error) bool { return target == ErrDenied }
