package wire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// ErrProof is returned when a request for enrolment does not prove that its
// sender holds the three private keys.
var ErrProof = errors.New("proof of possession does not hold")

const enrolContext = "dhamani enrolment v1"

// EnrolRequest is made at a workstation and carried to the centre: the three
// public keys that the workstation has made, each of which signs the whole.
//
//	{1: facility name tstr, 2: workstation name tstr, 3: author key bstr .size 65,
//	 4: terminal key bstr .size 65, 5: TLS key bstr .size 65,
//	 6: author proof bstr .size 64, 7: terminal proof bstr .size 64, 8: TLS proof bstr .size 64}
//
// A proof is an ES256 signature (r||s) over the bytes of ToSign.
type EnrolRequest struct {
	FacilityName  string   `cbor:"1,keyasint"`
	Name          string   `cbor:"2,keyasint"`
	AuthorKey     [65]byte `cbor:"3,keyasint"`
	TerminalKey   [65]byte `cbor:"4,keyasint"`
	TLSKey        [65]byte `cbor:"5,keyasint"`
	AuthorProof   [64]byte `cbor:"6,keyasint"`
	TerminalProof [64]byte `cbor:"7,keyasint"`
	TLSProof      [64]byte `cbor:"8,keyasint"`
}

func (m *EnrolRequest) check() error {
	for _, name := range []string{m.FacilityName, m.Name} {
		if err := bound("name", len(name), 1, MaxName); err != nil {
			return err
		}
		for _, r := range name {
			if r == utf8.RuneError || unicode.IsControl(r) {
				return fmt.Errorf("name with a control character: %w", ErrMalformed)
			}
		}
	}
	if m.AuthorKey == m.TerminalKey || m.AuthorKey == m.TLSKey || m.TerminalKey == m.TLSKey {
		return fmt.Errorf("one key for two purposes: %w", ErrMalformed)
	}
	return nil
}

// ToSign returns what each proof signs: the CBOR array
//
//	["dhamani enrolment v1", facility name, workstation name, author key, terminal key, TLS key]
func (m *EnrolRequest) ToSign() ([]byte, error) {
	return codec.Marshal([]any{
		enrolContext, m.FacilityName, m.Name,
		m.AuthorKey[:], m.TerminalKey[:], m.TLSKey[:],
	})
}

// Sign fills in the three keys and proofs from P-256 signers.
func (m *EnrolRequest) Sign(author, terminal, tls crypto.Signer) error {
	keys := []struct {
		name   string
		signer crypto.Signer
		key    *[65]byte
		proof  *[64]byte
	}{
		{"author", author, &m.AuthorKey, &m.AuthorProof},
		{"terminal", terminal, &m.TerminalKey, &m.TerminalProof},
		{"tls", tls, &m.TLSKey, &m.TLSProof},
	}
	for _, k := range keys {
		pub, ok := k.signer.Public().(*ecdsa.PublicKey)
		if !ok || pub.Curve != elliptic.P256() {
			return fmt.Errorf("sign enrolment request: %s key is not on P-256", k.name)
		}
		point, err := pub.Bytes()
		if err != nil {
			return fmt.Errorf("sign enrolment request: %s key: %w", k.name, err)
		}
		copy(k.key[:], point)
	}
	msg, err := m.ToSign()
	if err != nil {
		return fmt.Errorf("sign enrolment request: %w", err)
	}
	for _, k := range keys {
		sig, err := cose.SignES256(k.signer, msg)
		if err != nil {
			return fmt.Errorf("sign enrolment request: %s key: %w", k.name, err)
		}
		copy(k.proof[:], sig)
	}
	return nil
}

// EnrolKeys are the public keys of a request whose proofs hold.
type EnrolKeys struct{ Author, Terminal, TLS *ecdsa.PublicKey }

// Verify checks the three proofs and returns the keys. It owes ErrProof, and
// ErrMalformed for a key that is no point on P-256.
func (m *EnrolRequest) Verify() (EnrolKeys, error) {
	var out EnrolKeys
	msg, err := m.ToSign()
	if err != nil {
		return out, fmt.Errorf("verify enrolment request: %w", err)
	}
	for _, k := range []struct {
		name  string
		into  **ecdsa.PublicKey
		key   []byte
		proof []byte
	}{
		{"author", &out.Author, m.AuthorKey[:], m.AuthorProof[:]},
		{"terminal", &out.Terminal, m.TerminalKey[:], m.TerminalProof[:]},
		{"tls", &out.TLS, m.TLSKey[:], m.TLSProof[:]},
	} {
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), k.key)
		if err != nil {
			return EnrolKeys{}, fmt.Errorf("verify enrolment request: %s key: %w", k.name, ErrMalformed)
		}
		if err := cose.VerifyES256(pub, msg, k.proof); err != nil {
			return EnrolKeys{}, fmt.Errorf("verify enrolment request: %s key: %w", k.name, ErrProof)
		}
		*k.into = pub
	}
	return out, nil
}

// EnrolGrant is the centre's answer: all that a workstation needs to talk to
// cards and to the centre.
//
//	{1: facility uint, 2: author kid bstr .size 4, 3: TLS certificate bstr (X.509 DER),
//	 4: TLS CA bstr (X.509 DER), 5: [1*8 CVC bstr], 6: anchor CVC bstr,
//	 7: root key bstr .size 65, 8: trust list bstr, 9: block list bstr,
//	 10: centre URL tstr, 11: centre name tstr}
type EnrolGrant struct {
	Facility      uint32   `cbor:"1,keyasint"`
	AuthorKID     [4]byte  `cbor:"2,keyasint"`
	TLSCert       []byte   `cbor:"3,keyasint"`
	TLSCA         []byte   `cbor:"4,keyasint"`
	TerminalChain [][]byte `cbor:"5,keyasint"` // child of the anchor first; links to newer anchors before the facility
	Anchor        []byte   `cbor:"6,keyasint"`
	Root          [65]byte `cbor:"7,keyasint"` // signs the trust and block lists
	Trust         []byte   `cbor:"8,keyasint"`
	Block         []byte   `cbor:"9,keyasint"`
	CentreURL     string   `cbor:"10,keyasint"`
	CentreName    string   `cbor:"11,keyasint"`
}

// RootKey returns the key that signs the lists. It owes ErrMalformed.
func (m *EnrolGrant) RootKey() (*ecdsa.PublicKey, error) {
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), m.Root[:])
	if err != nil {
		return nil, fmt.Errorf("root key: %w", ErrMalformed)
	}
	return pub, nil
}

func (m *EnrolGrant) check() error {
	if m.Facility == 0 {
		return fmt.Errorf("facility zero: %w", ErrMalformed)
	}
	if err := bound("terminal chain", len(m.TerminalChain), 1, MaxChain); err != nil {
		return err
	}
	for _, cert := range append([][]byte{m.TLSCert, m.TLSCA, m.Anchor}, m.TerminalChain...) {
		if err := bound("certificate", len(cert), 1, MaxCertificate); err != nil {
			return err
		}
	}
	for _, list := range [][]byte{m.Trust, m.Block} {
		if err := bound("list", len(list), 1, MaxList); err != nil {
			return err
		}
	}
	if err := bound("centre url", len(m.CentreURL), 1, MaxText); err != nil {
		return err
	}
	return bound("centre name", len(m.CentreName), 0, MaxName)
}
