package card

import (
	"context"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/record"
)

// References for user verification, the P2 of VERIFY.
const (
	RefPIN      = 0x01
	RefFingers  = 0x10 // all fingers, to reset their tries
	FirstFinger = 0x11 // of MaxFingers
)

// Lengths of a PIN in digits. It travels as PINLen bytes.
const (
	MinPIN = 4
	MaxPIN = 8
	PINLen = 8
)

// Errors of user verification.
var (
	ErrVerifyBlocked = errors.New("no tries left for this verification")
	ErrNoReference   = errors.New("card holds no such PIN or finger")
	ErrPINForm       = errors.New("a PIN has 4 to 8 digits")
	ErrVerify        = errors.New("verification failed") // as a *VerifyError
)

// VerifyError says that a PIN was wrong or a finger was not the one.
type VerifyError struct {
	Left int // tries left before the card refuses all, 15 for more
}

// Error implements error.
func (e *VerifyError) Error() string {
	return fmt.Sprintf("%v, %d tries left", ErrVerify, e.Left)
}

// Unwrap returns ErrVerify.
func (e *VerifyError) Unwrap() error { return ErrVerify }

// encodePIN gives a PIN its form on the wire: ASCII digits, filled up with FF.
// It owes ErrPINForm. The caller clears what it returns.
func encodePIN(pin []byte) ([]byte, error) {
	if len(pin) < MinPIN || len(pin) > MaxPIN {
		return nil, ErrPINForm
	}
	out := make([]byte, PINLen)
	for i := range out {
		switch {
		case i >= len(pin):
			out[i] = 0xFF
		case pin[i] < '0' || pin[i] > '9':
			clear(out)
			return nil, ErrPINForm
		default:
			out[i] = pin[i]
		}
	}
	return out, nil
}

// VerifyPIN shows the card the PIN of who stands there. From then on the card
// takes the persons for whom it counts as verified, until the session ends.
//
// It owes ErrPINForm before anything is sent, *VerifyError for a wrong one,
// ErrVerifyBlocked, and ErrNoReference on a card without a PIN.
func (s *Session) VerifyPIN(ctx context.Context, pin []byte) error {
	data, err := encodePIN(pin)
	if err == nil {
		defer clear(data)
		err = s.verify(ctx, apdu.Command{INS: insVerify, P2: RefPIN, Data: data})
	}
	if err != nil {
		return fmt.Errorf("verify pin: %w", err)
	}
	return nil
}

// VerifyFinger has the card compare minutiae with an enrolled finger: compact
// is the compact card format of ISO/IEC 19794-2, three bytes a minutia,
// MinMinutiae to MaxMinutiae of them. It owes what VerifyPIN owes, and
// ErrRejected for what is no such template.
func (s *Session) VerifyFinger(ctx context.Context, ref uint8, compact []byte) error {
	data := tlv.Make(tagBiometric, tlv.Make(tagMinutiae, compact))
	defer clear(data)
	if err := s.verify(ctx, apdu.Command{INS: insVerifyDO, P2: ref, Data: data}); err != nil {
		return fmt.Errorf("verify finger: %w", err)
	}
	return nil
}

// AssertFinger tells the card that a finger matched its template of this
// reference on the host; see Templates. The card writes it down. score is ten
// times the negative logarithm of the false match rate: 40 stands for 1 in
// 10,000. It needs the right host-match and owes ErrNoReference.
func (s *Session) AssertFinger(ctx context.Context, ref, score uint8) error {
	data := tlv.Append(tlv.Make(tagReference, []byte{ref}), tagScore, []byte{score})
	if err := s.verify(ctx, putData(DataAssertion, data, 0)); err != nil {
		return fmt.Errorf("assert finger: %w", err)
	}
	return nil
}

// Tries returns how many tries the PIN or an enrolled finger has left, 15 for
// more; verified says that nothing is asked of it any more in this session. It
// owes ErrNoReference.
func (s *Session) Tries(ctx context.Context, ref uint8) (left int, verified bool, err error) {
	err = s.verify(ctx, apdu.Command{INS: insVerify, P2: ref})
	failed, wrong := errors.AsType[*VerifyError](err)
	switch {
	case err == nil:
		return 0, true, nil
	case wrong:
		return failed.Left, false, nil
	case errors.Is(err, ErrVerifyBlocked):
		return 0, false, nil
	}
	return 0, false, fmt.Errorf("read tries: %w", err)
}

// ChangePIN replaces the PIN by another, when the old one is right. It owes
// what VerifyPIN owes.
func (s *Session) ChangePIN(ctx context.Context, old, chosen []byte) error {
	from, err := encodePIN(old)
	if err != nil {
		return fmt.Errorf("change pin: old one: %w", err)
	}
	defer clear(from)
	to, err := encodePIN(chosen)
	if err != nil {
		return fmt.Errorf("change pin: new one: %w", err)
	}
	defer clear(to)
	data := append(append(make([]byte, 0, 2*PINLen), from...), to...)
	defer clear(data)
	if err := s.verify(ctx, apdu.Command{INS: insChangeRef, P2: RefPIN, Data: data}); err != nil {
		return fmt.Errorf("change pin: %w", err)
	}
	return nil
}

// UnblockPIN gives the PIN all its tries again, and another value unless
// chosen is nil. It needs the role issuer and the right unblock.
func (s *Session) UnblockPIN(ctx context.Context, chosen []byte) error {
	cmd := apdu.Command{INS: insResetRetry, P1: 0x03, P2: RefPIN}
	if chosen != nil {
		data, err := encodePIN(chosen)
		if err != nil {
			return fmt.Errorf("unblock pin: %w", err)
		}
		defer clear(data)
		cmd.P1, cmd.Data = 0x02, data
	}
	if err := s.verify(ctx, cmd); err != nil {
		return fmt.Errorf("unblock pin: %w", err)
	}
	return nil
}

// UnblockFingers gives the fingers all their tries again. It needs what
// UnblockPIN needs.
func (s *Session) UnblockFingers(ctx context.Context) error {
	if err := s.verify(ctx, apdu.Command{INS: insResetRetry, P1: 0x03, P2: RefFingers}); err != nil {
		return fmt.Errorf("unblock fingers: %w", err)
	}
	return nil
}

// SetPIN gives a card in use a PIN that counts for these persons. It needs
// what UnblockPIN needs.
func (s *Session) SetPIN(ctx context.Context, who record.Persons, pin []byte) error {
	return setPIN(ctx, s.link, who, pin)
}

// PutPIN gives the card a PIN that counts for these persons.
func (b *Blank) PutPIN(ctx context.Context, who record.Persons, pin []byte) error {
	return setPIN(ctx, b.link, who, pin)
}

func setPIN(ctx context.Context, l *link, who record.Persons, pin []byte) error {
	digits, err := encodePIN(pin)
	if err != nil {
		return fmt.Errorf("set pin: %w", err)
	}
	defer clear(digits)
	data := tlv.Append(tlv.Make(tagPersons, appendPersons(who)), tagPIN, digits)
	defer clear(data)
	if err := verifyOver(ctx, l, putData(DataPIN, data, 0)); err != nil {
		return fmt.Errorf("set pin: %w", err)
	}
	return nil
}

func (s *Session) verify(ctx context.Context, c apdu.Command) error {
	return verifyOver(ctx, s.link, c)
}

// verifyOver sends a command about a reference and gives its status words
// their meaning here.
func verifyOver(ctx context.Context, l *link, c apdu.Command) error {
	r, err := l.send(ctx, c, sm.Encrypted)
	if err != nil {
		return err
	}
	left, failed := r.SW.Tries()
	switch {
	case failed:
		return &VerifyError{left}
	case r.SW == apdu.SWMethodBlocked:
		return ErrVerifyBlocked
	case r.SW == apdu.SWReferenceNotFound:
		return ErrNoReference
	case r.SW == apdu.SWConditions:
		return fmt.Errorf("%w: status %v", ErrConditions, r.SW) // PUT DATA expects no version here
	case r.SW != apdu.SWOK:
		return &StatusError{c.INS, r.SW}
	}
	return nil
}
