package sbi

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// sealed is a block for one recipient.
type sealed struct {
	data       []byte
	key        string // AES key under RSA-OAEP with SHA-256, base64url
	thumbprint string // SHA-256 of the recipient's certificate, upper case
}

// seal encrypts a block with AES-256-GCM under a key of its own. The exclusive
// or of time and transaction gives the nonce (its last 12 bytes) and what is
// authenticated beside (its last 16).
func seal(recipient *x509.Certificate, block []byte, timestamp, transaction string) (sealed, error) {
	public, ok := recipient.PublicKey.(*rsa.PublicKey)
	if !ok {
		return sealed{}, fmt.Errorf("encrypt: %w: the recipient has no RSA key", ErrIdentity)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, key, nil)
	if err != nil {
		return sealed{}, fmt.Errorf("encrypt: %w", err)
	}
	gcm, err := newGCM(key)
	if err != nil {
		return sealed{}, err
	}
	mixed := mix(timestamp, transaction)
	own := sha256.Sum256(recipient.Raw)
	return sealed{
		data: gcm.Seal(nil, mixed[len(mixed)-12:], block, mixed[len(mixed)-16:]), key: base64.RawURLEncoding.EncodeToString(wrapped),
		thumbprint: strings.ToUpper(hex.EncodeToString(own[:])),
	}, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return gcm, nil
}

// mix is the exclusive or of two texts, the shorter with zeros in front; 16
// bytes at least.
func mix(a, b string) []byte {
	out := make([]byte, max(len(a), len(b), 16))
	for i := range a {
		out[len(out)-len(a)+i] ^= a[i]
	}
	for i := range b {
		out[len(out)-len(b)+i] ^= b[i]
	}
	return out
}
