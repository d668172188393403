package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/crypto/trust"
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
		return lookUp(err).code
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
		return lookUp(err).next
	}
}

// table says for the errors of the packages below what to do about them and
// how to exit. The first row that fits counts.
var table = []struct {
	err  error
	code int
	next string
}{
	{card.ErrServiceDown, exitNoCard, startService},
	{pcsc.ErrDenied, exitNoCard, "run it as a user who may use the card readers, or install the polkit rule"},
	{pcsc.ErrNoCgo, exitNoCard, "use a program built with cgo and libpcsclite-dev"},
	{card.ErrNoReader, exitNoCard, "plug a card reader in; 'dhamani reader list' shows them"},
	{card.ErrNoCard, exitNoCard, "put a card into the reader"},
	{card.ErrRemoved, exitNoCard, "put the card back and leave it in until the command ends"},
	{card.ErrReset, exitNoCard, "run the command again; close other programs that use the card"},
	{card.ErrBusy, exitNoCard, "close the other program that uses the card, then run the command again"},
	{card.ErrUnpowered, exitNoCard, "take the card out, wipe its contacts and put it in with the chip first"},
	{card.ErrTransport, exitNoCard, "unplug the reader and plug it in again"},
	{card.ErrNotDhamani, exitRefused, "put a Dhamani health card into the reader"},
	{card.ErrBlocked, exitRefused, "send the holder to the card office: the card is blocked"},
	{card.ErrTerminated, exitRefused, "send the holder to the card office: the card has ended"},
	{card.ErrMalformed, exitRefused, "try another card; if only this one fails, have it replaced"},
	{card.ErrNotActivated, exitRefused, "personalise the card first"},
	{card.ErrSecurityStatus, exitRefused, "check that the workstation's role allows this and its certificate has not ended"},
	{card.ErrSecureMessaging, exitUntrusted, "do not trust this card or reader; try the card in another reader"},
	{card.ErrChain, exitUntrusted, "do not rely on this card; report it to the card office"},
	{trust.ErrUnknownIssuer, exitUntrusted, "synchronise the trust list; if it stays, do not trust this card"},
	{trust.ErrSignature, exitUntrusted, "do not trust this card; report it to the card office"},
	{trust.ErrExpired, exitRefused, "send the holder to the card office: the card has expired"},
	{home.ErrNotEnrolled, exitFailed, "enrol the workstation, or give its folder with --home"},
	{home.ErrConfig, exitFailed, "correct agent.json in the folder given with --home"},
	{keystore.ErrPermissions, exitFailed, "let only the agent's user read the folder keys: chmod -R go= keys"},
	{os.ErrPermission, exitFailed, "run it as the agent's user or as an administrator"},
}

type advice struct {
	code int
	next string
}

func lookUp(err error) advice {
	for _, row := range table {
		if errors.Is(err, row.err) {
			return advice{row.code, row.next}
		}
	}
	return advice{code: exitFailed}
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
