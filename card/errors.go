package card

import (
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/card/apdu"
)

// Errors of a session.
var (
	ErrNotDhamani      = errors.New("card does not hold the dhamani application")
	ErrNotActivated    = errors.New("card is not activated yet")
	ErrNotBlank        = errors.New("card is personalised already")
	ErrBlocked         = errors.New("card is blocked by its issuer")
	ErrTerminated      = errors.New("card is terminated")
	ErrMalformed       = errors.New("malformed answer of the card")
	ErrSecureMessaging = errors.New("secure messaging with the card failed") // another card, a clone, or a tampered link
	ErrChain           = errors.New("log of the card does not match its head")
	ErrEntryTooLarge   = errors.New("entry too large for the card")
	ErrLengths         = errors.New("reader mishandles long commands") // open the card again: short ones are used from then on
	ErrTooSlow         = errors.New("card answers too slowly")         // one answer, or a whole tap, took longer than any card needs
	ErrChanged         = errors.New("card changed an answer it gave before")
	ErrSessionEnded    = errors.New("card session has ended")
)

// Errors that stand for status words; see statusTable.
var (
	ErrSecurityStatus = errors.New("card does not allow this to the role")
	ErrConditions     = errors.New("card refuses this in its present state")
	ErrSequence       = errors.New("card holds another version than expected")
	ErrFileNotFound   = errors.New("card does not hold this file")
	ErrDataNotFound   = errors.New("card does not hold this data")
	ErrFull           = errors.New("card is full")
	ErrCardMemory     = errors.New("memory of the card failed")
	ErrRejected       = errors.New("card rejects the data")
	ErrUnsupported    = errors.New("card does not know this command")
)

// statusTable turns status words into errors, the only place that does. A row
// with an instruction goes before one without; what is not listed is no more
// than a StatusError.
var statusTable = []struct {
	ins byte // 0: any
	sw  apdu.SW
	err error
}{
	{insSelect, apdu.SWFileNotFound, ErrNotDhamani},
	{insSelect, apdu.SWWrongP1P2, ErrNotDhamani},
	{insSelect, apdu.SWWrongINS, ErrNotDhamani},
	{insSelect, apdu.SWWrongClass, ErrNotDhamani},
	{insAppendRecord, apdu.SWConditions, ErrSequence},
	{insPutData, apdu.SWConditions, ErrSequence},
	{0, apdu.SWSecurityStatus, ErrSecurityStatus},
	{0, apdu.SWConditions, ErrConditions},
	{0, apdu.SWFileNotFound, ErrFileNotFound},
	{0, apdu.SWReferenceNotFound, ErrDataNotFound},
	{0, apdu.SWNoSpace, ErrFull},
	{0, apdu.SWMemoryFailure, ErrCardMemory},
	{0, apdu.SWWrongData, ErrRejected},
	{0, apdu.SWWrongLength, ErrRejected},
	{0, apdu.SWWrongP1P2, ErrUnsupported},
	{0, apdu.SWWrongOffset, ErrUnsupported},
	{0, apdu.SWLastChainExpected, ErrUnsupported},
	{0, apdu.SWChainingUnsupported, ErrUnsupported},
	{0, apdu.SWWrongINS, ErrUnsupported},
	{0, apdu.SWWrongClass, ErrUnsupported},
	{0, apdu.SWSMMissing, ErrSecureMessaging},
	{0, apdu.SWSMIncorrect, ErrSecureMessaging},
}

// StatusError is a status word other than 9000 where 9000 was needed. It
// wraps the sentinel that the status word stands for.
type StatusError struct {
	Cmd byte    // INS of the command
	SW  apdu.SW // what the card answered
}

// Error implements error.
func (e *StatusError) Error() string {
	if err := e.Unwrap(); err != nil {
		return fmt.Sprintf("%v (command %02X, status %v)", err, e.Cmd, e.SW)
	}
	return fmt.Sprintf("card answers command %02X with status %v", e.Cmd, e.SW)
}

// Unwrap returns the sentinel of the status word, or nil.
func (e *StatusError) Unwrap() error {
	for _, row := range statusTable {
		if row.sw == e.SW && (row.ins == 0 || row.ins == e.Cmd) {
			return row.err
		}
	}
	return nil
}

// Step names one step of an authentication.
type Step string

// The steps in their order.
const (
	StepSetChip     Step = "select chip authentication"
	StepChip        Step = "agree on session keys"
	StepReference   Step = "name the certificate's issuer"
	StepCertificate Step = "present a certificate"
	StepSetTerminal Step = "select terminal authentication"
	StepChallenge   Step = "get a challenge"
	StepTerminal    Step = "answer the challenge"
)

// AuthError says at which step the card refused an authentication. It wraps
// the sentinel of the status word; a card that names another anchor than the
// terminal's chain begins with answers 6A88 to StepReference.
type AuthError struct {
	Step Step
	Cert int // index in Terminal.Chain for the two certificate steps
	SW   apdu.SW

	cmd byte
}

// Error implements error.
func (e *AuthError) Error() string {
	return fmt.Sprintf("card refuses authentication: %s: status %v", string(e.Step), e.SW)
}

// Unwrap returns the StatusError.
func (e *AuthError) Unwrap() error { return &StatusError{e.cmd, e.SW} }

// malformed wraps ErrMalformed with what was wrong.
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...))
}
