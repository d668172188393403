package sbi

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/dhamani-iq/dhamani/internal/durable"
)

// Files of an identity's folder.
const (
	KeyFile         = "device.key" // PKCS #8, PEM
	CertificateFile = "device.crt" // PEM
)

// ErrIdentity says that the folder's key and certificate are of no use.
var ErrIdentity = errors.New("key and certificate of the scanner service are not right")

// Identity signs what the service says, as RS256, the algorithm of the
// interface.
type Identity struct {
	key  *rsa.PrivateKey
	cert []byte // DER
}

const (
	keyBits  = 2048
	certLife = 5 * 365 * 24 * time.Hour
)

// LoadIdentity reads key and certificate from a folder. Where there is no key
// it makes one with a certificate of its own, which only development accepts:
// a programme's authority gives another for the same key. It owes ErrIdentity.
func LoadIdentity(dir string) (*Identity, error) {
	raw, err := os.ReadFile(filepath.Join(dir, KeyFile)) //nolint:gosec // the service's own folder
	if errors.Is(err, os.ErrNotExist) {
		return makeIdentity(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("read key: %w", ErrIdentity)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("read key: %w: it must be an RSA key", ErrIdentity)
	}
	cert, err := ReadCertificate(filepath.Join(dir, CertificateFile))
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("read certificate: %w: it is another key's", ErrIdentity)
	}
	return &Identity{key, cert.Raw}, nil
}

// ReadCertificate reads a PEM certificate. It owes ErrIdentity.
func ReadCertificate(name string) (*x509.Certificate, error) {
	raw, err := os.ReadFile(name) //nolint:gosec // the configuration's file
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("read certificate: %w", ErrIdentity)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w: %w", ErrIdentity, err)
	}
	return cert, nil
}

func makeIdentity(dir string) (*Identity, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	now := time.Now()
	name := pkix.Name{Organization: []string{"Dhamani"}, CommonName: "Dhamani scanner service"}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.Unix()), Subject: name, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLife),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	// The certificate first: a folder with a key is whole.
	if err := durable.WriteFile(filepath.Join(dir, CertificateFile), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o644); err != nil {
		return nil, fmt.Errorf("keep certificate: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(dir, KeyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs}), 0o600); err != nil {
		return nil, fmt.Errorf("keep key: %w", err)
	}
	return &Identity{key, cert}, nil
}

// sign makes a JWS of v in compact form (RFC 7515), its certificate with it.
func (id *Identity) sign(v any) (string, error) {
	header, err := json.Marshal(map[string]any{"alg": "RS256", "typ": "JWT", "x5c": []string{base64.StdEncoding.EncodeToString(id.cert)}})
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	payload, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, id.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
