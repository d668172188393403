package piv

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

// Connect reaches the card in one reader, anew each time.
type Connect func(ctx context.Context) (card.Transport, error)

// signLimit is how long one signature may take, from connecting to the card.
const signLimit = 20 * time.Second

// Keys are the public keys of a PIV card's two slots.
type Keys struct{ Authentication, Signature *ecdsa.PublicKey }

// ReadKeys reads the keys of the card in a reader, without any PIN. It owes
// what Open and Card.Key owe.
func ReadKeys(ctx context.Context, connect Connect) (*Keys, error) {
	t, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	c, err := Open(ctx, t)
	if err != nil {
		return nil, err
	}
	defer c.Close() //nolint:errcheck // only read
	return c.keys(ctx)
}

func (c *Card) keys(ctx context.Context) (*Keys, error) {
	k := new(Keys)
	var err error
	if k.Authentication, err = c.Key(ctx, SlotAuthentication); err != nil {
		return nil, err
	}
	k.Signature, err = c.Key(ctx, SlotSignature)
	return k, err
}

// Token signs with a PIV card on behalf of one who has given its PIN. For each
// signature it connects to the reader, finds the same card again, gives the PIN
// and has the card forget it behind the signature: between two signatures the
// card is free for other programs, and none of them signs with it. It is safe
// for concurrent use.
type Token struct {
	connect Connect
	keys    Keys
	guid    [16]byte

	mu    sync.Mutex
	pin   redact.String // guarded by mu
	ended error         // guarded by mu; set once the PIN must not be tried again
}

// NewToken proves that the card in a reader has these keys and that the PIN is
// right. No other card gets to see the PIN. It owes ErrOtherCard for a card
// with other keys, what Open, Card.Key, Card.Verify and Card.Sign owe, and
// ctx.Err().
func NewToken(ctx context.Context, connect Connect, keys Keys, pin redact.String) (*Token, error) {
	if err := CheckPIN(pin); err != nil {
		return nil, err
	}
	t := &Token{connect: connect, keys: keys, pin: pin}
	err := t.with(ctx, func(c *Card) error {
		if err := t.hasKeys(ctx, c); err != nil {
			return err
		}
		var err error
		t.guid, err = c.GUID(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var digest [32]byte
	_, _ = rand.Read(digest[:]) // never fails
	if _, err := t.sign(ctx, SlotAuthentication, keys.Authentication, digest); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Token) with(ctx context.Context, fn func(*Card) error) error {
	transport, err := t.connect(ctx)
	if err != nil {
		return err
	}
	c, err := Open(ctx, transport)
	if err != nil {
		return err
	}
	return errors.Join(fn(c), c.Close())
}

// hasKeys owes ErrOtherCard for a card whose certificates name other keys.
func (t *Token) hasKeys(ctx context.Context, c *Card) error {
	has, err := c.keys(ctx)
	if err != nil {
		return err
	}
	if !has.Authentication.Equal(t.keys.Authentication) || !has.Signature.Equal(t.keys.Signature) {
		return ErrOtherCard
	}
	return nil
}

// same owes ErrOtherCard for another card than NewToken found. One without a
// number, as many are, is told from others by its keys.
func (t *Token) same(ctx context.Context, c *Card) error {
	guid, err := c.GUID(ctx)
	switch {
	case err != nil:
		return err
	case guid != t.guid:
		return ErrOtherCard
	case guid == [16]byte{}:
		return t.hasKeys(ctx, c)
	}
	return nil
}

// sign is one signature. A PIN that was refused once is never tried again: the
// card would block it.
func (t *Token) sign(ctx context.Context, slot Slot, public *ecdsa.PublicKey, digest [32]byte) (signature []byte, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended != nil {
		return nil, t.ended
	}
	err = t.with(ctx, func(c *Card) error {
		if err := t.same(ctx, c); err != nil {
			return err
		}
		err := c.Verify(ctx, t.pin)
		if errors.Is(err, ErrPIN) || errors.Is(err, ErrPINBlocked) {
			t.ended, t.pin = err, redact.String{}
			return err
		}
		if err == nil {
			signature, err = c.Sign(ctx, slot, public, digest)
		}
		// A card whose answer was lost may have taken the PIN. One that cannot
		// forget has signed all the same.
		_ = c.Forget(context.WithoutCancel(ctx))
		return err
	})
	if err != nil {
		return nil, err
	}
	return signature, nil
}

// Signer returns a slot's key. It signs SHA-256 digests and owes what Card.Sign
// and Card.Verify owe, card.ErrTooSlow, and ErrClosed.
func (t *Token) Signer(slot Slot) crypto.Signer {
	public := t.keys.Authentication
	if slot == SlotSignature {
		public = t.keys.Signature
	}
	return &signer{t, slot, public}
}

// Close forgets the PIN. It waits for a signature that is being made.
func (t *Token) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended, t.pin = ErrClosed, redact.String{}
}

type signer struct {
	token  *Token
	slot   Slot
	public *ecdsa.PublicKey
}

// Public implements crypto.Signer.
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer.
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if len(digest) != 32 || opts != nil && opts.HashFunc() != crypto.SHA256 {
		return nil, fmt.Errorf("sign in slot %v: want a sha-256 digest, have %d bytes", s.slot, len(digest))
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), signLimit, card.ErrTooSlow)
	defer cancel()
	return s.token.sign(ctx, s.slot, s.public, [32]byte(digest))
}
