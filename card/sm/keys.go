// Package sm implements the secure messaging of ICAO Doc 9303 part 11
// clause 9.8 and BSI TR-03110-3 annex F with AES-128: encryption in CBC mode,
// an eight-byte CMAC, and a send sequence counter, for the host side and the
// card side of a session alike.
package sm

import (
	"crypto/sha1" // #nosec G505 -- the key derivation of the standard for AES-128
	"fmt"
	"log/slog"
)

// KeyLen is the length of both session keys in bytes.
const KeyLen = 16

// Key is one session key. It prints as redacted in fmt, slog and JSON.
type Key [KeyLen]byte

const redacted = "[redacted]"

// Format implements fmt.Formatter for every verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText implements encoding.TextMarshaler.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// Keys are the two keys of one session.
type Keys struct {
	Enc Key // KSenc
	MAC Key // KSmac
}

// Derive computes both keys from the shared secret z, for P-256 the 32-byte x
// coordinate of the agreed point (ICAO Doc 9303-11 9.7.1):
//
//	KSenc = SHA-1(z || 00000001)[:16]
//	KSmac = SHA-1(z || 00000002)[:16]
func Derive(z []byte) Keys {
	return Keys{Enc: kdf(z, 1), MAC: kdf(z, 2)}
}

func kdf(z []byte, counter byte) Key {
	h := sha1.New() // #nosec G401 -- the standard prescribes SHA-1 here; no collision resistance is asked of it
	h.Write(z)
	h.Write([]byte{0, 0, 0, counter})
	return Key(h.Sum(nil)[:KeyLen])
}
