package wire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

const operatorContext = "dhamani operator v1"

// OperatorRequest is made at a workstation for one of the people who work at
// it, and carried to the centre: the two public keys of the operator, each of
// which signs the whole.
//
//	{1: facility uint, 2: name tstr, 3: author key bstr .size 65, 4: terminal key bstr .size 65,
//	 5: author proof bstr .size 64, 6: terminal proof bstr .size 64}
//
// A proof is an ES256 signature (r||s) over the bytes of ToSign.
type OperatorRequest struct {
	Facility      uint32   `cbor:"1,keyasint"` // of the workstation
	Name          string   `cbor:"2,keyasint"`
	AuthorKey     [65]byte `cbor:"3,keyasint"`
	TerminalKey   [65]byte `cbor:"4,keyasint"`
	AuthorProof   [64]byte `cbor:"5,keyasint"`
	TerminalProof [64]byte `cbor:"6,keyasint"`
}

func (m *OperatorRequest) check() error {
	if m.Facility == 0 {
		return fmt.Errorf("facility zero: %w", ErrMalformed)
	}
	if err := bound("name", len(m.Name), 1, MaxName); err != nil {
		return err
	}
	for _, r := range m.Name {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return fmt.Errorf("name with a control character: %w", ErrMalformed)
		}
	}
	if m.AuthorKey == m.TerminalKey {
		return fmt.Errorf("one key for two purposes: %w", ErrMalformed)
	}
	return nil
}

// ToSign returns what each proof signs: the CBOR array
//
//	["dhamani operator v1", facility, name, author key, terminal key]
func (m *OperatorRequest) ToSign() ([]byte, error) {
	return codec.Marshal([]any{operatorContext, m.Facility, m.Name, m.AuthorKey[:], m.TerminalKey[:]})
}

// Sign fills in the two keys and proofs from P-256 signers.
func (m *OperatorRequest) Sign(author, terminal crypto.Signer) error {
	for _, k := range []struct {
		name   string
		signer crypto.Signer
		key    *[65]byte
	}{{"author", author, &m.AuthorKey}, {"terminal", terminal, &m.TerminalKey}} {
		pub, ok := k.signer.Public().(*ecdsa.PublicKey)
		if !ok || pub.Curve != elliptic.P256() {
			return fmt.Errorf("sign operator's request: %s key is not on P-256", k.name)
		}
		point, err := pub.Bytes()
		if err != nil {
			return fmt.Errorf("sign operator's request: %s key: %w", k.name, err)
		}
		copy(k.key[:], point)
	}
	msg, err := m.ToSign()
	if err != nil {
		return fmt.Errorf("sign operator's request: %w", err)
	}
	for _, k := range []struct {
		name   string
		signer crypto.Signer
		proof  *[64]byte
	}{{"author", author, &m.AuthorProof}, {"terminal", terminal, &m.TerminalProof}} {
		sig, err := cose.SignES256(k.signer, msg)
		if err != nil {
			return fmt.Errorf("sign operator's request: %s key: %w", k.name, err)
		}
		copy(k.proof[:], sig)
	}
	return nil
}

// Verify checks the two proofs and returns the keys. It owes ErrProof, and
// ErrMalformed for a key that is no point on P-256.
func (m *OperatorRequest) Verify() (author, terminal *ecdsa.PublicKey, err error) {
	msg, err := m.ToSign()
	if err != nil {
		return nil, nil, fmt.Errorf("verify operator's request: %w", err)
	}
	for _, k := range []struct {
		name       string
		into       **ecdsa.PublicKey
		key, proof []byte
	}{
		{"author", &author, m.AuthorKey[:], m.AuthorProof[:]},
		{"terminal", &terminal, m.TerminalKey[:], m.TerminalProof[:]},
	} {
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), k.key)
		if err != nil {
			return nil, nil, fmt.Errorf("verify operator's request: %s key: %w", k.name, ErrMalformed)
		}
		if err := cose.VerifyES256(pub, msg, k.proof); err != nil {
			return nil, nil, fmt.Errorf("verify operator's request: %s key: %w", k.name, ErrProof)
		}
		*k.into = pub
	}
	return author, terminal, nil
}

// OperatorGrant is the centre's answer: the operator's certificates, which end
// in the operator's role.
//
//	{1: facility uint, 2: name tstr, 3: author kid bstr .size 4, 4: [1*8 CVC bstr], 5: trust list bstr,
//	 6: anchor CVC bstr, under which the chain begins}
type OperatorGrant struct {
	Facility      uint32   `cbor:"1,keyasint"`
	Name          string   `cbor:"2,keyasint"`
	AuthorKID     [4]byte  `cbor:"3,keyasint"`
	TerminalChain [][]byte `cbor:"4,keyasint"` // child of the anchor first
	Trust         []byte   `cbor:"5,keyasint"` // the list that names the author key
	Anchor        []byte   `cbor:"6,keyasint"`
}

func (m *OperatorGrant) check() error {
	if m.Facility == 0 {
		return fmt.Errorf("facility zero: %w", ErrMalformed)
	}
	if err := bound("name", len(m.Name), 1, MaxName); err != nil {
		return err
	}
	if err := bound("terminal chain", len(m.TerminalChain), 1, MaxChain); err != nil {
		return err
	}
	for _, cert := range append([][]byte{m.Anchor}, m.TerminalChain...) {
		if err := bound("certificate", len(cert), 1, MaxCertificate); err != nil {
			return err
		}
	}
	return bound("list", len(m.Trust), 1, MaxList)
}
