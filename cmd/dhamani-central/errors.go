package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// The exit codes; the root command's help lists them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 4 // the request cannot be granted
	exitUntrusted   = 5 // a proof or signature does not hold
	exitInterrupted = 130
)

// usageError is a command line that cannot be run as it was written.
type usageError struct {
	cmd string
	err error
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// table says for the errors of the packages below what to do about them and
// how to exit. The first row that fits counts.
var table = []struct {
	err  error
	code int
	next string
}{
	{context.Canceled, exitInterrupted, ""},
	{authority.ErrNotInitialised, exitFailed, "make a centre with 'dhamani-central init', or give its folder with --dir"},
	{authority.ErrInitialised, exitRefused, "choose another folder with --dir"},
	{wire.ErrProof, exitUntrusted, "have the workstation make its request anew"},
	{wire.ErrMalformed, exitUntrusted, "check that the file is the one that 'dhamani enrol request' wrote"},
	{authority.ErrKIDCollision, exitRefused, "have the workstation make new keys and a new request"},
	{authority.ErrConflict, exitRefused, "see 'dhamani-central status' for what is enrolled"},
	{authority.ErrRevoked, exitRefused, "enrol under another facility number"},
	{authority.ErrRequest, exitRefused, ""},
	{store.ErrNotFound, exitRefused, "see 'dhamani-central status' and 'patient list' for what there is"},
	{store.ErrCorrupt, exitFailed, "restore the folder from a backup"},
	{keystore.ErrPermissions, exitFailed, "let only the centre's user read the folder keys: chmod -R go= keys"},
	{os.ErrPermission, exitFailed, "run it as the centre's user"},
}

// exitCode is the one place where an error becomes an exit code.
func exitCode(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	for _, row := range table {
		if errors.Is(err, row.err) {
			return row.code
		}
	}
	return exitFailed
}

// nextStep is what a person should do about err, empty when only the error
// itself helps.
func nextStep(err error) string {
	if wrong, ok := errors.AsType[usageError](err); ok {
		return fmt.Sprintf("run '%s --help'", wrong.cmd)
	}
	for _, row := range table {
		if errors.Is(err, row.err) {
			return row.next
		}
	}
	return ""
}

// report prints err once: what went wrong, then what to do.
func report(w io.Writer, asJSON bool, err error) {
	code, next := exitCode(err), nextStep(err)
	if asJSON {
		_ = json.NewEncoder(w).Encode(map[string]any{"error": err.Error(), "exit": code, "next": next})
		return
	}
	p := &printer{w: w}
	p.printf("dhamani-central: %v\n", err)
	if next != "" {
		p.printf("  next: %s\n", next)
	}
}
