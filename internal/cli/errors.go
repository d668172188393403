package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes that every program has. Others are a program's own.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitInterrupted = 130
)

// Table says for the errors of the packages below how to exit and what to do
// about them. The first row that fits counts; without one it is ExitFailed.
type Table []struct {
	Err  error
	Code int
	Next string // one imperative sentence, without a full stop; empty when only the error itself helps
}

// Judge is the one place where an error becomes an exit code and a next step:
// what Advise attached, else wrong usage, else an interrupt, else the table.
func (t Table) Judge(err error) (code int, next string) {
	if err == nil {
		return ExitOK, ""
	}
	if advice, ok := errors.AsType[*adviceError](err); ok {
		return advice.code, advice.next
	}
	if wrong, ok := errors.AsType[*usageError](err); ok {
		return ExitUsage, fmt.Sprintf("run '%s --help'", wrong.cmd)
	}
	if errors.Is(err, context.Canceled) {
		return ExitInterrupted, ""
	}
	for _, row := range t {
		if errors.Is(err, row.Err) {
			return row.Code, row.Next
		}
	}
	return ExitFailed, ""
}

// report prints err once, what went wrong and then what to do, and returns
// the exit code. An error that cannot be written has nobody to be told to.
func (t Table) report(w io.Writer, program string, asJSON bool, err error) int {
	code, next := t.Judge(err)
	switch {
	case asJSON:
		_ = PrintJSON(w, map[string]any{"error": err.Error(), "exit": code, "next": next})
	case code == ExitInterrupted:
		_, _ = fmt.Fprintf(w, "%s: interrupted\n", program)
	case next == "":
		_, _ = fmt.Fprintf(w, "%s: %v\n", program, err)
	default:
		_, _ = fmt.Fprintf(w, "%s: %v\n  next: %s\n", program, err, next)
	}
	return code
}

// usageError is a command line that cannot be run as it was written.
type usageError struct {
	cmd string // path of the command whose help says how
	err error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// WrongUsage reports a command line that cannot be run as it was written.
func WrongUsage(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{cmd.CommandPath(), fmt.Errorf(format, args...)}
}

// adviceError is an error with the exit code and the next step that fit the
// place where it happened.
type adviceError struct {
	err  error
	code int
	next string
}

func (e *adviceError) Error() string { return e.err.Error() }
func (e *adviceError) Unwrap() error { return e.err }

// Advise attaches an exit code and the next step to err, for commands that
// know better than the table.
func Advise(err error, code int, next string) error { return &adviceError{err, code, next} }
