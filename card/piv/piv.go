// Package piv is the host side of a PIV card (NIST SP 800-73-4), as far as an
// operator's credential needs it: two certificates, the PIN, and signatures on
// P-256 with the keys of slots 9A and 9C.
package piv

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

// Errors on which callers branch. A card that is taken away is
// card.ErrRemoved; a status word that means nothing here is a *card.StatusError.
var (
	// ErrNotPIV: the card has no PIV application.
	ErrNotPIV = errors.New("not a piv card")
	// ErrMalformed: the card's answer is no such data object.
	ErrMalformed = errors.New("malformed answer of a piv card")
	// ErrNoCertificate: there is none in the slot.
	ErrNoCertificate = errors.New("no certificate in the slot of the piv card")
	// ErrKey: the slot's key is not on P-256.
	ErrKey = errors.New("key of the piv card is not on P-256")
	// ErrOtherCard: another card lies in the reader, or one that signs with another key.
	ErrOtherCard = errors.New("another piv card than before")
	// ErrPIN: the PIN was wrong; always a *PINError.
	ErrPIN = errors.New("PIN of the piv card is wrong")
	// ErrPINForm: what was given cannot be a PIN. The card has not seen it.
	ErrPINForm = errors.New("want a PIN of 6 to 8 digits")
	// ErrPINBlocked: too many wrong ones were tried.
	ErrPINBlocked = errors.New("PIN of the piv card is blocked")
	// ErrClosed: the token was closed.
	ErrClosed = errors.New("piv card is not in use any more")
)

// PINError says that the PIN was wrong.
type PINError struct{ Left int } // tries before the card blocks it, 1 to 15

// Error implements error.
func (e *PINError) Error() string {
	return fmt.Sprintf("%v, tries left: %d", ErrPIN, e.Left)
}

// Unwrap returns ErrPIN.
func (e *PINError) Unwrap() error { return ErrPIN }

// Slot is a key reference (SP 800-73-4 part 1, table 4b).
type Slot uint8

// The slots in use.
const (
	SlotAuthentication Slot = 0x9A // one VERIFY is enough for many signatures
	SlotSignature      Slot = 0x9C // asks for a VERIFY right before each signature
)

// String returns the slot's two hexadecimal digits.
func (s Slot) String() string { return fmt.Sprintf("%02X", uint8(s)) }

// object is the tag of the slot's certificate (part 1, table 3).
func (s Slot) object() tlv.Tag {
	if s == SlotSignature {
		return tagSignatureCertificate
	}
	return tagAuthenticationCertificate
}

const (
	insVerify              = 0x20
	insGeneralAuthenticate = 0x87
	insSelect              = 0xA4
	insGetData             = 0xCB
	insGetResponse         = 0xC0

	pinReference  = 0x80 // the PIV card application's own PIN
	forgetPIN     = 0xFF // P1 of a VERIFY that takes the last one back (part 2, 3.2.1)
	algorithmP256 = 0x11 // SP 800-78-4 table 6-2

	minPIN, maxPIN = 6, 8
	// maxObject bounds what one command brings back: the largest container that
	// SP 800-73-4 knows holds 12,710 bytes.
	maxObject = 12710 + 16
	// answerLimit is how long one answer may take; signing lasts a second at most.
	answerLimit = 10 * time.Second
)

// aid is the application identifier without its version (part 1, 2.2).
var aid = []byte{0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00}

// Card is a PIV card whose application is selected. It is used by one
// goroutine at a time.
type Card struct{ t card.Transport }

// Open selects the application and takes t over: when it fails t is closed. It
// owes ErrNotPIV, ErrMalformed and the errors of card.Transport.
func Open(ctx context.Context, t card.Transport) (*Card, error) {
	c := &Card{t}
	if err := c.choose(ctx); err != nil {
		_ = t.Close()
		return nil, err
	}
	return c, nil
}

// Close lets go of the card.
func (c *Card) Close() error { return c.t.Close() }

func (c *Card) choose(ctx context.Context) error {
	r, err := c.exchange(ctx, apdu.Command{INS: insSelect, P1: 0x04, Data: aid, Ne: apdu.MaxShortNe})
	if err != nil {
		return fmt.Errorf("select piv: %w", err)
	}
	if r.SW != apdu.SWOK {
		return fmt.Errorf("select piv: status %v: %w", r.SW, ErrNotPIV)
	}
	if err := parseTemplate(r.Data); err != nil {
		return fmt.Errorf("select piv: %w: %w", ErrNotPIV, err)
	}
	return nil
}

// Certificate reads a slot's certificate. It owes ErrNoCertificate,
// ErrMalformed and the errors of card.Transport.
func (c *Card) Certificate(ctx context.Context, slot Slot) (*x509.Certificate, error) {
	raw, err := c.object(ctx, slot.object())
	if err != nil {
		return nil, fmt.Errorf("certificate of slot %v: %w", slot, err)
	}
	if len(raw) == 0 {
		return nil, fmt.Errorf("slot %v: %w", slot, ErrNoCertificate)
	}
	cert, err := parseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("certificate of slot %v: %w", slot, err)
	}
	return cert, nil
}

// Key reads the public key of a slot from its certificate. It owes what
// Certificate owes, and ErrKey.
func (c *Card) Key(ctx context.Context, slot Slot) (*ecdsa.PublicKey, error) {
	cert, err := c.Certificate(ctx, slot)
	if err != nil {
		return nil, err
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("slot %v: %w", slot, ErrKey)
	}
	return key, nil
}

// GUID reads the card's number from the card holder unique identifier; it is
// zero for a card that has none. It owes ErrMalformed and the errors of
// card.Transport.
func (c *Card) GUID(ctx context.Context) ([16]byte, error) {
	raw, err := c.object(ctx, tagCHUID)
	if err != nil || len(raw) == 0 {
		return [16]byte{}, err
	}
	return parseCHUID(raw)
}

// object reads a data object; one that is not there is empty.
func (c *Card) object(ctx context.Context, tag tlv.Tag) ([]byte, error) {
	r, err := c.exchange(ctx, apdu.Command{
		INS: insGetData, P1: 0x3F, P2: 0xFF, Ne: apdu.MaxShortNe,
		Data: tlv.Make(tagList, []byte{byte(tag >> 16), byte(tag >> 8), byte(tag)}), // #nosec G115 -- three bytes
	})
	switch {
	case err != nil:
		return nil, err
	case r.SW == apdu.SWFileNotFound:
		return nil, nil
	case r.SW != apdu.SWOK:
		return nil, &card.StatusError{Cmd: insGetData, SW: r.SW}
	}
	value, err := tlv.Field(r.Data, tagObject)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return value, nil
}

// CheckPIN owes ErrPINForm for what is no PIN.
func CheckPIN(pin redact.String) error {
	digits := pin.Reveal()
	if len(digits) < minPIN || len(digits) > maxPIN {
		return ErrPINForm
	}
	for _, d := range []byte(digits) {
		if d < '0' || d > '9' {
			return ErrPINForm
		}
	}
	return nil
}

// Verify gives the PIN to the card. It owes ErrPINForm, *PINError,
// ErrPINBlocked and the errors of card.Transport.
func (c *Card) Verify(ctx context.Context, pin redact.String) error {
	if err := CheckPIN(pin); err != nil {
		return err
	}
	block := []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	defer clear(block)
	copy(block, pin.Reveal())
	r, err := c.exchange(ctx, apdu.Command{INS: insVerify, P2: pinReference, Data: block})
	if err != nil {
		return fmt.Errorf("give PIN to the piv card: %w", err)
	}
	left, wrong := r.SW.Tries()
	switch {
	case r.SW == apdu.SWOK:
		return nil
	case r.SW == apdu.SWMethodBlocked, wrong && left == 0:
		return ErrPINBlocked
	case wrong:
		return &PINError{left}
	}
	return fmt.Errorf("give PIN to the piv card: %w", &card.StatusError{Cmd: insVerify, SW: r.SW})
}

// Forget has the card take the last VERIFY back, so that no other program
// signs on the strength of it. Cards older than SP 800-73-4 refuse.
func (c *Card) Forget(ctx context.Context) error {
	r, err := c.exchange(ctx, apdu.Command{INS: insVerify, P1: forgetPIN, P2: pinReference})
	if err == nil && r.SW != apdu.SWOK {
		err = &card.StatusError{Cmd: insVerify, SW: r.SW}
	}
	if err != nil {
		return fmt.Errorf("take back PIN of the piv card: %w", err)
	}
	return nil
}

// Sign signs a SHA-256 digest with a slot's key, which must be public, and
// returns the ASN.1 signature, checked. It owes ErrOtherCard, ErrMalformed,
// card.ErrSecurityStatus when the PIN is wanted first, and the errors of
// card.Transport.
func (c *Card) Sign(ctx context.Context, slot Slot, public *ecdsa.PublicKey, digest [32]byte) ([]byte, error) {
	r, err := c.exchange(ctx, apdu.Command{
		INS: insGeneralAuthenticate, P1: algorithmP256, P2: byte(slot), Ne: apdu.MaxShortNe,
		Data: tlv.Make(tagDynamic, tlv.Make(tagResponse), tlv.Make(tagChallenge, digest[:])),
	})
	if err == nil && r.SW != apdu.SWOK {
		err = &card.StatusError{Cmd: insGeneralAuthenticate, SW: r.SW}
	}
	if err != nil {
		return nil, fmt.Errorf("sign in slot %v: %w", slot, err)
	}
	signature, err := parseSignature(r.Data)
	if err != nil {
		return nil, fmt.Errorf("sign in slot %v: %w", slot, err)
	}
	if !ecdsa.VerifyASN1(public, digest[:], signature) {
		return nil, fmt.Errorf("sign in slot %v: %w", slot, ErrOtherCard)
	}
	return signature, nil
}
