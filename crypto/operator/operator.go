// Package operator keeps the credentials of the people who work at a
// workstation, one file each (docs/formats/operator.md): the keys by which an
// operator is known to cards and signs entries, sealed under a passphrase, or
// the public halves of those in the operator's own PIV card, and what the
// centre has granted to them.
package operator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"regexp"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/internal/strictcbor"
)

// Errors on which callers branch. A credential that exists already is
// fs.ErrExist.
var (
	// ErrUnknown: there is no operator of that name here.
	ErrUnknown = errors.New("no such operator")
	// ErrSecret: the passphrase is wrong.
	ErrSecret = errors.New("passphrase is wrong")
	// ErrWeak: a new passphrase is too short, too long or no text.
	ErrWeak = errors.New("passphrase is not acceptable")
	// ErrFormat: a file is no such credential.
	ErrFormat = errors.New("malformed operator credential")
	// ErrID: an identifier has other characters than a-z, 0-9 and the hyphen.
	ErrID = errors.New("malformed operator identifier")
	// ErrNotGranted: the centre's answer has not been put in place yet.
	ErrNotGranted = errors.New("operator is not granted yet")
	// ErrNoCard: the operator's PIV card lies in no reader that is free.
	ErrNoCard = errors.New("operator's card is in no free reader")
	// ErrKind: the credential is of the other kind.
	ErrKind = errors.New("credential is of another kind")
)

// WaitError says that too many wrong passphrases were tried.
type WaitError struct{ Wait time.Duration }

// Error implements error.
func (e *WaitError) Error() string {
	return fmt.Sprintf("too many wrong passphrases, wait %s", e.Wait.Round(time.Second))
}

// Kind says where an operator's private keys are.
type Kind uint8

// The kinds.
const (
	KindPassphrase Kind = iota + 1 // in the file, sealed under a passphrase
	KindPIV                        // in a PIV card (NIST SP 800-73-4), slots 9A and 9C
)

// String returns the kind's lower-case name.
func (k Kind) String() string {
	switch k {
	case KindPassphrase:
		return "passphrase"
	case KindPIV:
		return "piv"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Bounds of a credential.
const (
	maxID    = 24
	maxName  = 128     // bytes
	maxGrant = 1 << 20 // bytes
	maxFile  = maxGrant + 4096
)

var validID = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// CheckID owes ErrID for what cannot name an operator.
func CheckID(id string) error {
	if len(id) > maxID || !validID.MatchString(id) {
		return fmt.Errorf("operator %q: %w", id, ErrID)
	}
	return nil
}

// Credential is one operator's file.
//
//	{1: id tstr, 2: name tstr, 3: kind uint, 4: author key bstr .size 65,
//	 5: terminal key bstr .size 65, 6: lock, 7: grant bstr, empty until it is there}
type Credential struct {
	ID       string   `cbor:"1,keyasint"`
	Name     string   `cbor:"2,keyasint"`
	Kind     Kind     `cbor:"3,keyasint"`
	Author   [65]byte `cbor:"4,keyasint"` // SEC 1 uncompressed point on P-256
	Terminal [65]byte `cbor:"5,keyasint"`
	Lock     lock     `cbor:"6,keyasint"`
	Grant    []byte   `cbor:"7,keyasint"`
}

var codec = strictcbor.New(strictcbor.Limits{Depth: 4, Items: 16, Pairs: 16})

// encode writes a credential. It owes ErrFormat.
func (c *Credential) encode() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	raw, err := codec.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode operator credential: %w", err)
	}
	return raw, nil
}

// parse reads a credential. It owes ErrFormat.
func parse(raw []byte) (*Credential, error) {
	if len(raw) > maxFile {
		return nil, fmt.Errorf("credential of %d bytes: %w", len(raw), ErrFormat)
	}
	c := new(Credential)
	if err := codec.Unmarshal(raw, c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return c, c.check()
}

func (c *Credential) check() error {
	if err := CheckID(c.ID); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if c.Name == "" || len(c.Name) > maxName || !utf8.ValidString(c.Name) || len(c.Grant) > maxGrant {
		return fmt.Errorf("name or grant: %w", ErrFormat)
	}
	for _, r := range c.Name {
		if unicode.IsControl(r) {
			return fmt.Errorf("name with a control character: %w", ErrFormat)
		}
	}
	for _, point := range [][65]byte{c.Author, c.Terminal} {
		if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point[:]); err != nil {
			return fmt.Errorf("key is not on P-256: %w", ErrFormat)
		}
	}
	if c.Author == c.Terminal {
		return fmt.Errorf("one key for two purposes: %w", ErrFormat)
	}
	switch c.Kind {
	case KindPassphrase:
		return c.Lock.check()
	case KindPIV:
		if !c.Lock.empty() {
			return fmt.Errorf("lock of a credential in a card: %w", ErrFormat)
		}
		return nil
	}
	return fmt.Errorf("%s: %w", c.Kind, ErrFormat)
}

// PublicKeys returns the author's and the terminal's key.
func (c *Credential) PublicKeys() (author, terminal *ecdsa.PublicKey, err error) {
	if author, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), c.Author[:]); err != nil {
		return nil, nil, fmt.Errorf("author key: %w", ErrFormat)
	}
	if terminal, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), c.Terminal[:]); err != nil {
		return nil, nil, fmt.Errorf("terminal key: %w", ErrFormat)
	}
	return author, terminal, nil
}
