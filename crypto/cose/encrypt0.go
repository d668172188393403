package cose

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
)

// IVSize is the length of the A256GCM nonce (RFC 9053 section 4.1).
const IVSize = 12

// Encrypt0 encrypts plaintext with A256GCM and returns a tagged COSE_Encrypt0
// that carries its nonce. One key must never see one iv twice.
func Encrypt0(key, iv, plaintext, aad []byte) ([]byte, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	if len(iv) != IVSize {
		return nil, fmt.Errorf("nonce of %d bytes: %w", len(iv), ErrUnsupported)
	}
	ciphertext := gcm.Seal(nil, iv, plaintext, EncStructure(ProtectedA256GCM, aad))
	out := make([]byte, 0, len(ciphertext)+32)
	out = append(out, tagEncrypt0, 0x83)
	out = AppendBytes(out, ProtectedA256GCM)
	out = AppendBytes(append(out, 0xa1, byte(headerIV)), iv)
	return AppendBytes(out, ciphertext), nil
}

// ParseEncrypt0 reads a tagged COSE_Encrypt0 with an attached ciphertext. It
// owes ErrFormat and ErrUnsupported.
func ParseEncrypt0(raw []byte) (*Encrypted, error) {
	var w encrypt0Wire
	if err := parse(raw, tagEncrypt0, &w); err != nil {
		return nil, fmt.Errorf("read COSE_Encrypt0: %w", err)
	}
	kid, iv, err := headers(w.Protected, w.Unprotected, algA256GCM)
	if err != nil {
		return nil, fmt.Errorf("read COSE_Encrypt0: %w", err)
	}
	if len(iv) != IVSize || len(w.Ciphertext) < 16 {
		return nil, fmt.Errorf("read COSE_Encrypt0: nonce or ciphertext: %w", ErrFormat)
	}
	return &Encrypted{KID: kid, IV: iv, Ciphertext: w.Ciphertext, protected: w.Protected}, nil
}

// Open decrypts with the received protected header as additional data. It
// owes ErrDecrypt.
func (m *Encrypted) Open(key, aad []byte) ([]byte, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	plaintext, err := gcm.Open(nil, m.IV, m.Ciphertext, EncStructure(m.protected, aad))
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("key of %d bytes: %w", len(key), ErrUnsupported)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("set up AES-256: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("set up AES-256-GCM: %w", err)
	}
	return gcm, nil
}
