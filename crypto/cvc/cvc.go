// Package cvc issues, reads and checks the card verifiable certificates of
// BSI TR-03110 part 3, appendix C, in Dhamani's profile: ECDSA on P-256 with
// SHA-256, and an authorization template of roles and rights.
//
// Three certificates make a chain: anchor (held by the card), facility,
// terminal. The terminal's authority is what all three allow. A link
// certificate leads from an anchor to the one that takes its place.
package cvc

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"regexp"

	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// MaxSize bounds a certificate, in bytes. An anchor takes about 480.
const MaxSize = 1024

// Sentinels on which callers branch.
var (
	// ErrFormat: the bytes are no certificate of this profile.
	ErrFormat = errors.New("malformed card verifiable certificate")
	// ErrSignature: the issuer did not sign it.
	ErrSignature = errors.New("certificate signature does not verify")
	// ErrIssuer: it names another issuer than the one at hand, or an issuer
	// of a kind that may not issue it.
	ErrIssuer = errors.New("certificate is not of this issuer")
	// ErrExpired: it ended before the date.
	ErrExpired = errors.New("certificate has expired")
	// ErrAuthority: the chain leaves the terminal no role, or several.
	ErrAuthority = errors.New("certificate chain gives no single role")
)

// The data objects of TR-03110 part 3, D.2.
const (
	tagCertificate   = tlv.Tag(0x7f21)
	tagBody          = tlv.Tag(0x7f4e)
	tagProfile       = tlv.Tag(0x5f29)
	tagCAR           = tlv.Tag(0x42)
	tagPublicKey     = tlv.Tag(0x7f49)
	tagOID           = tlv.Tag(0x06)
	tagPoint         = tlv.Tag(0x86)
	tagCHR           = tlv.Tag(0x5f20)
	tagCHAT          = tlv.Tag(0x7f4c)
	tagDiscretionary = tlv.Tag(0x53)
	tagEffective     = tlv.Tag(0x5f25)
	tagExpiration    = tlv.Tag(0x5f24)
	tagSignature     = tlv.Tag(0x5f37)
)

// oidECDSASHA256 is id-TA-ECDSA-SHA-256, 0.4.0.127.0.7.2.2.2.2.3.
var oidECDSASHA256 = []byte{0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03}

var reference = regexp.MustCompile(`^IQ[A-Z0-9]{1,9}[0-9]{5}$`)

// Certificate is one parsed certificate:
//
//	7F21 { 7F4E { 5F29 00, 42 CAR, 7F49 { 06 OID, [81..85], 86 point, [87] },
//	              5F20 CHR, 7F4C { 06 OID, 53 authorization }, 5F25 from, 5F24 to },
//	       5F37 signature r || s }
//
// It is not verified by being parsed.
type Certificate struct {
	Raw    []byte // the whole, as received
	CAR    string // certification authority reference: the issuer's CHR
	CHR    string // certificate holder reference
	Public *ecdsa.PublicKey
	Kind   Kind
	Roles  Roles
	Rights Rights
	From   Date // first day
	To     Date // last day

	body      []byte // 7F4E with its head, which is what is signed
	signature []byte
}

// SelfSigned reports whether the certificate names itself as its issuer.
func (c *Certificate) SelfSigned() bool { return c.CAR == c.CHR }

// Parse reads one certificate. Every object has to be there, in order and in
// shortest form, with nothing after it; the point has to lie on P-256; domain
// parameters stand in an anchor, all of them and P-256's own, and nowhere
// else. It owes ErrFormat.
func Parse(raw []byte) (*Certificate, error) {
	c, err := parse(raw)
	if err != nil {
		if errors.Is(err, ErrFormat) {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		return nil, fmt.Errorf("read certificate: %w: %w", ErrFormat, err)
	}
	return c, nil
}

// Cut reads the certificate at the beginning of raw, and returns what lies
// behind it. It owes ErrFormat.
func Cut(raw []byte) (c *Certificate, rest []byte, err error) {
	_, rest, err = tlv.Next(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("read certificate: %w: %w", ErrFormat, err)
	}
	c, err = Parse(raw[:len(raw)-len(rest)])
	return c, rest, err
}

func parse(raw []byte) (*Certificate, error) {
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("certificate of %d bytes: %w", len(raw), ErrFormat)
	}
	outer, err := tlv.Field(raw, tagCertificate)
	if err != nil {
		return nil, err
	}
	parts, err := tlv.Fields(outer, tagBody, tagSignature)
	if err != nil {
		return nil, err
	}
	f, err := tlv.Fields(parts[0], tagProfile, tagCAR, tagPublicKey, tagCHR, tagCHAT, tagEffective, tagExpiration)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(f[0], []byte{0}) || len(parts[1]) != cose.SignatureSize {
		return nil, fmt.Errorf("profile or signature: %w", ErrFormat)
	}
	c := &Certificate{Raw: raw, CAR: string(f[1]), CHR: string(f[3]), signature: parts[1]}
	c.body = outer[:len(outer)-tlv.HeaderLen(tagSignature, len(parts[1]))-len(parts[1])]
	if !reference.MatchString(c.CAR) || !reference.MatchString(c.CHR) {
		return nil, fmt.Errorf("reference: %w", ErrFormat)
	}
	chat, err := tlv.Fields(f[4], tagOID, tagDiscretionary)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(chat[0], chatOID) {
		return nil, fmt.Errorf("authorization of another scheme: %w", ErrFormat)
	}
	if c.Kind, c.Roles, c.Rights, err = decodeCHAT(chat[1]); err != nil {
		return nil, err
	}
	if c.Public, err = parseKey(f[2], c.Kind == KindAnchor); err != nil {
		return nil, err
	}
	if c.From, err = ParseDate(f[5]); err != nil {
		return nil, err
	}
	if c.To, err = ParseDate(f[6]); err != nil {
		return nil, err
	}
	if c.To.Before(c.From) {
		return nil, fmt.Errorf("ends before it begins: %w", ErrFormat)
	}
	return c, nil
}

// parseKey reads the value of 7F49 (TR-03110 part 3, D.3.3).
func parseKey(b []byte, anchor bool) (*ecdsa.PublicKey, error) {
	oid, rest, err := tlv.Next(b)
	if err != nil {
		return nil, err
	}
	if oid.Tag != tagOID || !bytes.Equal(oid.Value, oidECDSASHA256) {
		return nil, fmt.Errorf("key of another algorithm: %w", ErrFormat)
	}
	if anchor {
		inner, before := bytes.CutPrefix(rest, p256Before)
		inner, after := bytes.CutSuffix(inner, p256After)
		if rest = inner; !before || !after {
			return nil, fmt.Errorf("domain parameters are not P-256's: %w", ErrFormat)
		}
	}
	point, err := tlv.Field(rest, tagPoint)
	if err != nil {
		return nil, err
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("point is not on P-256: %w", ErrFormat)
	}
	return pub, nil
}
