package cvc

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"

	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// Template is what the issuer decides about a certificate.
type Template struct {
	CHR    string // "IQ", 1 to 9 of A-Z and 0-9, 5 digits
	Public *ecdsa.PublicKey
	Kind   Kind
	Roles  Roles
	Rights Rights
	From   Date
	To     Date
}

// Issue makes a certificate signed by signer, whose own certificate is parent;
// a nil parent makes a self-signed anchor. It refuses to give what the parent
// itself does not have, and to let a child outlive its parent. It owes
// ErrIssuer and ErrFormat.
func Issue(t Template, parent *Certificate, signer crypto.Signer) (*Certificate, error) {
	car, issuer := t.CHR, t.Public
	if parent != nil {
		car, issuer = parent.CHR, parent.Public
	}
	if err := allowed(t, parent); err != nil {
		return nil, fmt.Errorf("issue %s: %w", t.CHR, err)
	}
	return sign(t, car, issuer, signer)
}

// sign makes the certificate in the name of car, whose key signer has to hold.
func sign(t Template, car string, issuer *ecdsa.PublicKey, signer crypto.Signer) (*Certificate, error) {
	signing, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok || issuer == nil || !issuer.Equal(signing) {
		return nil, fmt.Errorf("issue %s: key is not the issuer's: %w", t.CHR, ErrIssuer)
	}
	body, err := encodeBody(t, car)
	if err != nil {
		return nil, fmt.Errorf("issue %s: %w", t.CHR, err)
	}
	signature, err := cose.SignES256(signer, body)
	if err != nil {
		return nil, fmt.Errorf("issue %s: %w", t.CHR, err)
	}
	c, err := Parse(tlv.Make(tagCertificate, body, tlv.Make(tagSignature, signature)))
	if err != nil {
		return nil, fmt.Errorf("issue %s: %w", t.CHR, err)
	}
	return c, nil
}

func allowed(t Template, parent *Certificate) error {
	if parent == nil {
		if t.Kind != KindAnchor {
			return fmt.Errorf("only an anchor signs itself: %w", ErrIssuer)
		}
		return nil
	}
	if !mayIssue(parent.Kind, t.Kind) {
		return fmt.Errorf("%s for %s: %w", parent.Kind, t.Kind, ErrIssuer)
	}
	if !parent.Roles.Has(t.Roles) || !parent.Rights.Has(t.Rights) {
		return fmt.Errorf("more roles or rights than the issuer has: %w", ErrIssuer)
	}
	if t.From.Before(parent.From) || parent.To.Before(t.To) {
		return fmt.Errorf("valid outside the issuer's days: %w", ErrIssuer)
	}
	return nil
}

// mayIssue is the order of the chain: anchor, facility, terminal.
func mayIssue(parent, child Kind) bool {
	return parent == KindAnchor && child == KindFacility || parent == KindFacility && child == KindTerminal
}

func encodeBody(t Template, car string) ([]byte, error) {
	if t.Public == nil || t.Public.Curve != elliptic.P256() {
		return nil, fmt.Errorf("key is not on P-256: %w", ErrFormat)
	}
	point, err := t.Public.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	key := [][]byte{tlv.Make(tagOID, oidECDSASHA256), tlv.Make(tagPoint, point)}
	if t.Kind == KindAnchor {
		key = [][]byte{key[0], p256Before, key[1], p256After}
	}
	return tlv.Make(tagBody, bytes.Join([][]byte{
		tlv.Make(tagProfile, []byte{0}),
		tlv.Make(tagCAR, []byte(car)),
		tlv.Make(tagPublicKey, key...),
		tlv.Make(tagCHR, []byte(t.CHR)),
		tlv.Make(tagCHAT, tlv.Make(tagOID, chatOID), tlv.Make(tagDiscretionary, encodeCHAT(t.Kind, t.Roles, t.Rights))),
		tlv.Make(tagEffective, t.From[:]),
		tlv.Make(tagExpiration, t.To[:]),
	}, nil)), nil
}
