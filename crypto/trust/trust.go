// Package trust answers whose keys count: it reads and makes the signed lists
// of the programme (docs/formats/entry.md), and checks against them what
// cards and the centre show.
//
// A workstation works for weeks without the centre, so a list that is past its
// date is reported by Age and still used; what the caller makes of that is the
// caller's decision. A list older than the one at hand is never taken.
package trust

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// Sentinels on which callers branch.
var (
	// ErrFormat: the bytes are no such message.
	ErrFormat = errors.New("malformed trust message")
	// ErrSignature: the message is not signed by whom it has to be.
	ErrSignature = errors.New("trust message signature does not verify")
	// ErrRollback: the list is older than the one at hand.
	ErrRollback = errors.New("list is older than the one at hand")
	// ErrFork: the edition is another one than that at hand with its number.
	ErrFork = errors.New("another edition with the number of the one at hand")
	// ErrRulesFormat: the rules are written in a way that a later program knows.
	ErrRulesFormat = errors.New("unknown format of rules")
	// ErrTooLarge: the text is longer than any may be.
	ErrTooLarge = errors.New("text of rules is too long")
	// ErrUnknownKey: no list names this key for this use.
	ErrUnknownKey = errors.New("key is not in the trust list")
	// ErrKeyRevoked: the key had been revoked by then.
	ErrKeyRevoked = errors.New("key was revoked")
	// ErrKeyExpired: the key was not valid yet, or no more, by then.
	ErrKeyExpired = errors.New("key was not valid at that time")
	// ErrUnknownIssuer: a card's file is signed by none of the issuers.
	ErrUnknownIssuer = errors.New("card issuer is not in the trust list")
	// ErrExpired: the card's own validity has ended.
	ErrExpired = errors.New("card has expired")
	// ErrDuplicateKey: two keys of a list share an identifier.
	ErrDuplicateKey = errors.New("key identifier occurs twice")
)

// Usage says what a key may sign.
type Usage uint8

// The usages.
const (
	UsageIssuer   Usage = iota + 1 // EF.CardSecurity and EF.ID
	UsageAuthor                    // entries, by a workstation
	UsageCentre                    // receipts
	UsageOperator                  // entries, by a person
	UsageTerms                     // editions of the terminology table and of rules
)

// String returns the usage's lower-case name.
func (u Usage) String() string {
	switch u {
	case UsageIssuer:
		return "issuer"
	case UsageAuthor:
		return "author"
	case UsageCentre:
		return "centre"
	case UsageOperator:
		return "operator"
	case UsageTerms:
		return "terms"
	}
	return fmt.Sprintf("usage(%d)", uint8(u))
}

// Key is one key of the trust list. Times are kept to the minute.
type Key struct {
	KID       [4]byte
	Public    *ecdsa.PublicKey
	Usage     Usage
	Facility  uint32
	Name      string // at most 255 bytes
	NotBefore time.Time
	NotAfter  time.Time
	Revoked   time.Time // zero: not revoked
}

// KIDOf returns the identifier of a P-256 key: the first four bytes of the
// SHA-256 of its uncompressed point (SEC 1 section 2.3.3). A key that is no
// point has the identifier of nothing, and no list will take it.
func KIDOf(pub *ecdsa.PublicKey) [4]byte {
	point, err := pub.Bytes()
	if err != nil {
		return [4]byte{}
	}
	sum := sha256.Sum256(point)
	return [4]byte(sum[:4])
}

// The external additional data of the messages: each says what it is, so that
// no signature is good for two kinds.
const (
	aadTrust    = "dhamani trust list v1"
	aadBlock    = "dhamani block list v1"
	aadSecurity = "dhamani card security v1"
	aadIdentity = "dhamani identity v1"
	aadReceipt  = "dhamani receipt v1"
	aadEdition  = "dhamani terms v1"
	aadRules    = "dhamani rules v1 " // and the kind
)

// epochZero is the origin of every count of minutes and days.
var epochZero = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// maxMinutes keeps a time inside what time.Duration can carry: the year 2255.
const maxMinutes = 1<<27 - 1

func fromMinutes(m uint32) time.Time { return epochZero.Add(time.Duration(m) * time.Minute) }

func toMinutes(t time.Time) (uint32, error) {
	m := (t.Unix() - epochZero.Unix()) / 60
	if t.Before(epochZero) || m > maxMinutes {
		return 0, fmt.Errorf("time %s: %w", t.UTC().Format(time.RFC3339), ErrFormat)
	}
	return uint32(m), nil // #nosec G115 -- at most 27 bits
}

// verified reads a COSE_Sign1 and checks it against one key.
func verified(raw []byte, pub *ecdsa.PublicKey, aad string) ([]byte, error) {
	m, err := cose.ParseSign1(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := m.Verify(pub, []byte(aad)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return m.Payload, nil
}

// keyID reads the four-byte key identifier of a message.
func keyID(m *cose.Signed) ([4]byte, error) {
	if len(m.KID) != 4 {
		return [4]byte{}, fmt.Errorf("key identifier of %d bytes: %w", len(m.KID), ErrFormat)
	}
	return [4]byte(m.KID), nil
}
