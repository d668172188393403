package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The exit codes; the root command's help lists them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNoCard      = 3 // no card service, no reader or no card
	exitRefused     = 4 // the card refused, or it is not a Dhamani card
	exitUntrusted   = 5 // a signature, certificate or trust check failed
	exitUnreachable = 6 // the centre or the agent cannot be reached
	exitInterrupted = 130
)

// usageError is a command line that cannot be run as it was written.
type usageError struct {
	cmd string
	err error
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// adviceError is an error with the exit code and the next step that fit the
// place where it happened, for commands that know better than the table.
type adviceError struct {
	err  error
	code int    // exit code
	next string // one imperative sentence, without a full stop
}

func (e *adviceError) Error() string { return e.err.Error() }
func (e *adviceError) Unwrap() error { return e.err }

// advise attaches an exit code and the next step to err.
func advise(err error, code int, next string) error {
	return &adviceError{err: err, code: code, next: next}
}

// exitCode is the one place where an error becomes an exit code.
func exitCode(err error) int {
	var advice *adviceError
	var wrong usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &advice):
		return advice.code
	case errors.As(err, &wrong):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	default:
		return exitFailed
	}
}

// nextStep is what a person should do about err, empty when only the error
// itself helps.
func nextStep(err error) string {
	var advice *adviceError
	var wrong usageError
	switch {
	case errors.As(err, &advice):
		return advice.next
	case errors.As(err, &wrong):
		return fmt.Sprintf("run '%s --help'", wrong.cmd)
	default:
		return ""
	}
}

// report prints err once: what went wrong, then what to do.
func report(w io.Writer, asJSON bool, err error) {
	code, next := exitCode(err), nextStep(err)
	if asJSON {
		_ = json.NewEncoder(w).Encode(map[string]any{"error": err.Error(), "exit": code, "next": next})
		return
	}
	if code == exitInterrupted {
		fmt.Fprintln(w, "dhamani: interrupted")
		return
	}
	fmt.Fprintf(w, "dhamani: %v\n", err)
	if next != "" {
		fmt.Fprintf(w, "  next: %s\n", next)
	}
}
