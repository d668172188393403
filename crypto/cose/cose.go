// Package cose writes and reads the two COSE messages (RFC 9052) that Dhamani
// uses, strictly: COSE_Sign1 with ES256 and COSE_Encrypt0 with A256GCM, both
// tagged, in core deterministic CBOR.
//
// What is verified is always the bytes received, never an encoding made anew.
package cose

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
)

// MaxMessage bounds a message that is read, in bytes. A trust list of 100,000
// keys takes half of it.
const MaxMessage = 16 << 20

// MaxKeyID bounds a key identifier, in bytes.
const MaxKeyID = 64

// Header parameters of RFC 9052 section 3.1 and algorithms of RFC 9053.
const (
	headerAlg  = int64(1)
	headerCrit = int64(2)
	headerKID  = int64(4)
	headerIV   = int64(5)

	algES256   = int64(-7)
	algA256GCM = int64(3)

	tagEncrypt0 = 0xd0 // #6.16, as the one byte that it takes
	tagSign1    = 0xd2 // #6.18
)

// Sentinels on which callers branch.
var (
	// ErrFormat: the bytes are no message of the expected shape.
	ErrFormat = errors.New("malformed COSE message")
	// ErrUnsupported: a sound message of another algorithm, with a critical
	// header that is not understood, or a key on another curve.
	ErrUnsupported = errors.New("unsupported COSE message")
	// ErrSignature: the signature is not the key's over these bytes.
	ErrSignature = errors.New("signature does not verify")
	// ErrDecrypt: the ciphertext is not the key's over these bytes.
	ErrDecrypt = errors.New("ciphertext does not decrypt")
)

// The protected headers that are written: {1: -7} and {1: 3}.
var (
	ProtectedES256   = []byte{0xa1, 0x01, 0x26}
	ProtectedA256GCM = []byte{0xa1, 0x01, 0x03}
)

// Signed is a parsed COSE_Sign1 (RFC 9052 section 4.2), not yet verified:
//
//	18([ protected bstr {1: -7}, unprotected {4: kid}, payload bstr, signature bstr(64) ])
type Signed struct {
	KID       []byte // key identifier from either header, may be empty
	Payload   []byte
	protected []byte
	signature []byte
}

// Encrypted is a parsed COSE_Encrypt0 (RFC 9052 section 5.2):
//
//	16([ protected bstr {1: 3}, unprotected {5: iv bstr(12)}, ciphertext bstr ])
type Encrypted struct {
	KID        []byte
	IV         []byte
	Ciphertext []byte // with the 16-byte tag at its end
	protected  []byte
}

type sign1Wire struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[any]any
	Payload     []byte
	Signature   []byte
}

type encrypt0Wire struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[any]any
	Ciphertext  []byte
}

// Sign1 signs payload with ES256 and returns a tagged COSE_Sign1 with the
// payload attached. aad is the external additional data: it says what kind of
// message this is, and it is not sent. An empty kid leaves the header out.
func Sign1(signer crypto.Signer, kid, payload, aad []byte) ([]byte, error) {
	signature, err := SignES256(signer, SigStructure(ProtectedES256, aad, payload))
	if err != nil {
		return nil, err
	}
	return AssembleSign1(kid, payload, signature), nil
}

// AssembleSign1 puts a COSE_Sign1 together from a raw ES256 signature over
// SigStructure(ProtectedES256, aad, payload).
func AssembleSign1(kid, payload, signature []byte) []byte {
	out := make([]byte, 0, len(kid)+len(payload)+len(signature)+24)
	out = append(out, tagSign1, 0x84)
	out = AppendBytes(out, ProtectedES256)
	if len(kid) == 0 {
		out = append(out, 0xa0)
	} else {
		out = AppendBytes(append(out, 0xa1, byte(headerKID)), kid)
	}
	return AppendBytes(AppendBytes(out, payload), signature)
}

// ParseSign1 reads a tagged COSE_Sign1 with an attached payload. It owes
// ErrFormat and ErrUnsupported.
func ParseSign1(raw []byte) (*Signed, error) {
	var w sign1Wire
	if err := parse(raw, tagSign1, &w); err != nil {
		return nil, fmt.Errorf("read COSE_Sign1: %w", err)
	}
	if w.Payload == nil || len(w.Signature) != SignatureSize {
		return nil, fmt.Errorf("read COSE_Sign1: payload or signature: %w", ErrFormat)
	}
	kid, _, err := headers(w.Protected, w.Unprotected, algES256)
	if err != nil {
		return nil, fmt.Errorf("read COSE_Sign1: %w", err)
	}
	return &Signed{KID: kid, Payload: w.Payload, protected: w.Protected, signature: w.Signature}, nil
}

// Verify checks the signature over the received bytes. It owes ErrSignature.
func (m *Signed) Verify(pub *ecdsa.PublicKey, aad []byte) error {
	return VerifyES256(pub, SigStructure(m.protected, aad, m.Payload), m.signature)
}

// SigStructure returns the bytes that a COSE_Sign1 signs (RFC 9052 section
// 4.4): ["Signature1", protected, external_aad, payload].
func SigStructure(protected, aad, payload []byte) []byte {
	out := make([]byte, 0, len(protected)+len(aad)+len(payload)+32)
	out = append(out, 0x84, 0x60|10)
	out = append(out, "Signature1"...)
	return AppendBytes(AppendBytes(AppendBytes(out, protected), aad), payload)
}

// EncStructure returns the additional data of a COSE_Encrypt0 (RFC 9052
// section 5.3): ["Encrypt0", protected, external_aad].
func EncStructure(protected, aad []byte) []byte {
	out := make([]byte, 0, len(protected)+len(aad)+24)
	out = append(out, 0x83, 0x60|8)
	out = append(out, "Encrypt0"...)
	return AppendBytes(AppendBytes(out, protected), aad)
}
