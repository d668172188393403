package cose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// SignatureSize is the length of a raw ES256 signature r || s.
const SignatureSize = 64

var (
	p256Order     = elliptic.P256().Params().N
	p256HalfOrder = new(big.Int).Rsh(p256Order, 1)
)

// SignES256 signs message with ES256 (RFC 9053 section 2.1): ECDSA on P-256
// with SHA-256. The signer gives an ASN.1 signature, as every crypto.Signer of
// an ECDSA key does; the result is r || s with s in the lower half of the
// order, whichever of the two the signer chose.
func SignES256(signer crypto.Signer, message []byte) ([]byte, error) {
	pub, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, fmt.Errorf("sign: key is not on P-256: %w", ErrUnsupported)
	}
	digest := sha256.Sum256(message)
	der, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	var r, s big.Int
	in, inner := cryptobyte.String(der), cryptobyte.String(nil)
	if !in.ReadASN1(&inner, asn1.SEQUENCE) || !in.Empty() ||
		!inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) || !inner.Empty() ||
		!inRange(&r) || !inRange(&s) {
		return nil, fmt.Errorf("sign: the signer's answer: %w", ErrFormat)
	}
	if s.Cmp(p256HalfOrder) > 0 {
		s.Sub(p256Order, &s)
	}
	raw := make([]byte, SignatureSize)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return raw, nil
}

// VerifyES256 checks a raw r || s signature of message. Both halves of the
// order are accepted for s; who needs one signature to have one form asks
// [LowS] as well. It owes ErrSignature and ErrUnsupported (not P-256).
func VerifyES256(pub *ecdsa.PublicKey, message, raw []byte) error {
	if pub == nil || pub.Curve != elliptic.P256() {
		return fmt.Errorf("verify: key is not on P-256: %w", ErrUnsupported)
	}
	if len(raw) != SignatureSize {
		return fmt.Errorf("signature of %d bytes: %w", len(raw), ErrSignature)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[:32]))
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[32:]))
	})
	der, err := b.Bytes()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	digest := sha256.Sum256(message)
	if !ecdsa.VerifyASN1(pub, digest[:], der) {
		return ErrSignature
	}
	return nil
}

// LowS reports whether the s of a raw signature lies in the lower half of the
// order. Of the two signatures (r, s) and (r, n-s), which are equally valid,
// exactly one does.
func LowS(raw []byte) bool {
	return len(raw) == SignatureSize && new(big.Int).SetBytes(raw[32:]).Cmp(p256HalfOrder) <= 0
}

func inRange(v *big.Int) bool { return v.Sign() > 0 && v.Cmp(p256Order) < 0 }
