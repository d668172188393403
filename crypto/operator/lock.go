package operator

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// lock is how the private keys of a credential are sealed, and how often a
// wrong passphrase was tried since the last right one.
//
//	{1: passes uint, 2: memory uint (KiB), 3: lanes uint, 4: salt bstr .size 16,
//	 5: sealed bstr .size 124, 6: failures uint, 7: last failure uint (POSIX seconds)}
//
// sealed = nonce(12) || AES-256-GCM(Argon2id(passphrase, salt), author scalar(32)
// || terminal scalar(32) || vault(32)) with the additional data of [Credential.aad].
type lock struct {
	Passes   uint32 `cbor:"1,keyasint"`
	Memory   uint32 `cbor:"2,keyasint"`
	Lanes    uint8  `cbor:"3,keyasint"`
	Salt     []byte `cbor:"4,keyasint"`
	Sealed   []byte `cbor:"5,keyasint"`
	Failures uint32 `cbor:"6,keyasint"`
	FailedAt uint64 `cbor:"7,keyasint"`
}

// Argon2id (RFC 9106). New credentials take the second recommended option of
// its section 4; nothing weaker is read, and nothing that would keep a
// workstation busy for minutes.
const (
	argonPasses, maxPasses = 3, 16
	argonMemory, maxMemory = 64 << 10, 1 << 20 // KiB
	argonLanes, maxLanes   = 4, 16

	saltSize   = 16
	keySize    = 32
	scalarSize = 32
	nonceSize  = 12
	tagSize    = 16
	plainSize  = 2*scalarSize + VaultSize
	sealedSize = nonceSize + plainSize + tagSize
)

// VaultSize is the length of the secret that seals what an operator has earned.
const VaultSize = 32

// Wrong passphrases: the first ones cost nothing but their own time, each one
// behind them doubles the wait.
const (
	freeFailures = 3
	firstWait    = 5 * time.Second
	longestWait  = 15 * time.Minute
)

// Bounds of a passphrase, after normalisation.
const (
	MinPassphrase = 10  // characters
	maxPassphrase = 256 // bytes
)

const sealContext = "dhamani operator keys v1"

func (l *lock) empty() bool {
	return l.Passes == 0 && l.Memory == 0 && l.Lanes == 0 && len(l.Salt) == 0 && len(l.Sealed) == 0 && l.Failures == 0 && l.FailedAt == 0
}

func (l *lock) check() error {
	if l.Passes < argonPasses || l.Passes > maxPasses || l.Memory < argonMemory || l.Memory > maxMemory ||
		l.Lanes < 1 || l.Lanes > maxLanes {
		return fmt.Errorf("argon2id with %d passes over %d KiB: %w", l.Passes, l.Memory, ErrFormat)
	}
	if len(l.Salt) != saltSize || len(l.Sealed) != sealedSize {
		return fmt.Errorf("salt or sealed keys: %w", ErrFormat)
	}
	return nil
}

// wait is how long to wait at a moment before the next passphrase is tried. A
// clock that was set back makes nobody wait longer than the failures are worth.
func (l *lock) wait(now time.Time) time.Duration {
	if l.Failures < freeFailures {
		return 0
	}
	due := longestWait
	if n := l.Failures - freeFailures; n < 8 { // 5 s * 2^8 is above the longest
		due = min(firstWait<<n, longestWait)
	}
	since := max(now.Sub(time.Unix(int64(l.FailedAt), 0)), 0) // #nosec G115 -- written by fail
	return max(due-since, 0)
}

// rewind begins the wait anew at a moment before the last failure: the clock was
// ahead then, and is right now or is behind. It reports whether it did.
func (l *lock) rewind(now time.Time) bool {
	at := uint64(max(now.Unix(), 0)) // #nosec G115 -- not negative
	if l.FailedAt <= at {
		return false
	}
	l.FailedAt = at
	return true
}

// fail counts one passphrase as wrong; clearing is what a right one does.
func (l *lock) fail(now time.Time) {
	if l.Failures < 1<<31 {
		l.Failures++
	}
	l.FailedAt = uint64(max(now.Unix(), 0)) // #nosec G115 -- not negative
}

func (l *lock) forgive() { l.Failures, l.FailedAt = 0, 0 }

// normal gives a passphrase its one form (NFC, as RFC 8265 section 4.2.2 has
// it), so that every keyboard of the three languages types the same.
func normal(passphrase string) ([]byte, error) {
	if len(passphrase) > 4*maxPassphrase || !utf8.ValidString(passphrase) {
		return nil, ErrWeak
	}
	out := norm.NFC.Bytes([]byte(passphrase))
	if len(out) == 0 || len(out) > maxPassphrase {
		return nil, ErrWeak
	}
	return out, nil
}

// CheckPassphrase owes ErrWeak for what may not be a new passphrase.
func CheckPassphrase(passphrase string) error {
	text, err := normal(passphrase)
	if err == nil && utf8.RuneCount(text) < MinPassphrase {
		err = ErrWeak
	}
	clear(text)
	if err != nil {
		return fmt.Errorf("new passphrase: want %d characters or more, at most %d bytes: %w", MinPassphrase, maxPassphrase, err)
	}
	return nil
}

// secrets are what a passphrase opens.
type secrets struct {
	author, terminal *ecdsa.PrivateKey
	vault            [VaultSize]byte
}

// aad binds the sealed keys to their credential and its parameters: the CBOR
// array [context, id, author key, terminal key, passes, memory, lanes, salt].
func (c *Credential) aad() ([]byte, error) {
	return codec.Marshal([]any{
		sealContext, c.ID, c.Author[:], c.Terminal[:], c.Lock.Passes, c.Lock.Memory, c.Lock.Lanes, c.Lock.Salt,
	})
}

func (c *Credential) cipher(passphrase string) (cipher.AEAD, error) {
	text, err := normal(passphrase)
	if err != nil {
		return nil, err
	}
	key := argon2.IDKey(text, c.Lock.Salt, c.Lock.Passes, c.Lock.Memory, c.Lock.Lanes, keySize)
	clear(text)
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal puts the keys under a passphrase, with a fresh salt.
func (c *Credential) seal(s *secrets, passphrase string) error {
	if err := CheckPassphrase(passphrase); err != nil {
		return err
	}
	c.Lock = lock{Passes: argonPasses, Memory: argonMemory, Lanes: argonLanes, Salt: make([]byte, saltSize)}
	nonce := make([]byte, nonceSize, sealedSize)
	_, _ = rand.Read(c.Lock.Salt) // never fails
	_, _ = rand.Read(nonce)
	plain := make([]byte, 0, plainSize)
	defer func() { clear(plain) }()
	for _, key := range []*ecdsa.PrivateKey{s.author, s.terminal} {
		scalar, err := key.Bytes()
		if err != nil {
			return fmt.Errorf("seal operator's keys: %w", err)
		}
		plain = append(plain, scalar...)
		clear(scalar)
	}
	plain = append(plain, s.vault[:]...)
	aead, err := c.cipher(passphrase)
	if err != nil {
		return fmt.Errorf("seal operator's keys: %w", err)
	}
	aad, err := c.aad()
	if err != nil {
		return fmt.Errorf("seal operator's keys: %w", err)
	}
	c.Lock.Sealed = aead.Seal(nonce, nonce, plain, aad)
	return nil
}

// open takes the keys out. It owes ErrSecret, and ErrFormat for keys that are
// not those of the credential.
func (c *Credential) open(passphrase string) (*secrets, error) {
	if c.Kind != KindPassphrase {
		return nil, ErrKind
	}
	aead, err := c.cipher(passphrase)
	if errors.Is(err, ErrWeak) {
		return nil, ErrSecret // it never was one
	}
	if err != nil {
		return nil, err
	}
	aad, err := c.aad()
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, c.Lock.Sealed[:nonceSize], c.Lock.Sealed[nonceSize:], aad)
	if err != nil {
		return nil, ErrSecret
	}
	defer clear(plain)
	s := &secrets{vault: [VaultSize]byte(plain[2*scalarSize:])}
	if s.author, err = scalarOf(plain[:scalarSize], c.Author); err != nil {
		return nil, err
	}
	s.terminal, err = scalarOf(plain[scalarSize:2*scalarSize], c.Terminal)
	return s, err
}

func scalarOf(raw []byte, public [65]byte) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return nil, fmt.Errorf("sealed key: %w", ErrFormat)
	}
	if point, err := key.PublicKey.Bytes(); err != nil || [65]byte(point) != public {
		return nil, fmt.Errorf("sealed key is another one: %w", ErrFormat)
	}
	return key, nil
}
