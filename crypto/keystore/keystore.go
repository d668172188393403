// Package keystore keeps a machine's own keys in a folder: P-256 private keys
// as PKCS #8 (RFC 5958) and 32-byte secrets, one PEM file each, for the owner
// of the folder alone.
package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/dhamani-iq/dhamani/internal/durable"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

// SecretSize is the length of a secret, in bytes.
const SecretSize = 32

const (
	keySuffix    = ".key"
	keyBlock     = "PRIVATE KEY"
	secretSuffix = ".secret"
	secretBlock  = "DHAMANI SECRET"

	maxFile = 4096
)

// Sentinels on which callers branch. A store that exists already is
// [fs.ErrExist].
var (
	// ErrNotFound: there is no such folder, key or secret.
	ErrNotFound = errors.New("key not found")
	// ErrPermissions: others than the owner may read the folder or a file,
	// or it is not the owner's, or it is a link.
	ErrPermissions = errors.New("key file is open to others")
	// ErrFormat: a file does not hold what its name says.
	ErrFormat = errors.New("malformed key file")
	// ErrName: a name has other characters than a-z, 0-9 and the hyphen.
	ErrName = errors.New("malformed key name")
)

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

// Store is an open folder of keys. It is safe for concurrent use.
type Store struct {
	dir  string
	make sync.Mutex // one key is made at a time
}

// Create makes the folder and opens it. It owes fs.ErrExist.
func Create(dir string) (*Store, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create key store: %w", err)
	}
	if err := durable.SyncDir(filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("create key store: %w", err)
	}
	return Open(dir)
}

// Open opens a folder made by Create. It owes ErrNotFound and ErrPermissions.
func Open(dir string) (*Store, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("open key store: %w", notFound(err))
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("open key store: not a folder: %w", ErrFormat)
	}
	if err := private(info); err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	return &Store{dir: dir}, nil
}

// Signer returns a private key as a signer, which prints nothing of it. It
// owes ErrNotFound, ErrPermissions, ErrFormat and ErrName.
func (s *Store) Signer(name string) (crypto.Signer, error) {
	raw, err := s.read(name, keySuffix, keyBlock)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	parsed, err := x509.ParsePKCS8PrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", name, ErrFormat)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("read key %s: not on P-256: %w", name, ErrFormat)
	}
	return Signer(key), nil
}

// EnsureSigner returns the key of that name, and makes it when there is none.
// It owes what Signer owes, but for ErrNotFound.
func (s *Store) EnsureSigner(name string) (crypto.Signer, error) {
	s.make.Lock()
	defer s.make.Unlock()
	if key, err := s.Signer(name); !errors.Is(err, ErrNotFound) {
		return key, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key %s: %w", name, err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make key %s: %w", name, err)
	}
	if err := s.write(name, keySuffix, keyBlock, raw); err != nil {
		return nil, err
	}
	return s.Signer(name)
}

// Secret returns a secret of 32 bytes. It owes ErrNotFound, ErrPermissions,
// ErrFormat and ErrName.
func (s *Store) Secret(name string) (redact.Bytes, error) {
	raw, err := s.read(name, secretSuffix, secretBlock)
	if err != nil {
		return redact.Bytes{}, err
	}
	if len(raw) != SecretSize {
		return redact.Bytes{}, fmt.Errorf("read secret %s of %d bytes: %w", name, len(raw), ErrFormat)
	}
	return redact.NewBytes(raw), nil
}

// EnsureSecret returns the secret of that name, and makes it at random when
// there is none. It owes what Secret owes, but for ErrNotFound.
func (s *Store) EnsureSecret(name string) (redact.Bytes, error) {
	s.make.Lock()
	defer s.make.Unlock()
	if secret, err := s.Secret(name); !errors.Is(err, ErrNotFound) {
		return secret, err
	}
	raw := make([]byte, SecretSize)
	if _, err := rand.Read(raw); err != nil {
		return redact.Bytes{}, fmt.Errorf("make secret %s: %w", name, err)
	}
	if err := s.write(name, secretSuffix, secretBlock, raw); err != nil {
		return redact.Bytes{}, err
	}
	return s.Secret(name)
}

// read returns the content of a file's one PEM block.
func (s *Store) read(name, suffix, block string) ([]byte, error) {
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("read key: %w", ErrName)
	}
	f, err := openFile(filepath.Join(s.dir, name+suffix))
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", name, notFound(err))
	}
	text, err := readPrivate(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read key %s: %w", name, err)
	}
	defer clear(text)
	p, rest := pem.Decode(text)
	if p == nil || len(rest) != 0 || p.Type != block || len(p.Headers) != 0 {
		return nil, fmt.Errorf("read key %s: %w", name, ErrFormat)
	}
	return p.Bytes, nil
}

// readPrivate checks the file that is open, not the name, so that it cannot be
// exchanged in between.
func readPrivate(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, ErrFormat
	}
	if err := private(info); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

func (s *Store) write(name, suffix, block string, raw []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: block, Bytes: raw})
	defer clear(text)
	if err := durable.WriteFile(filepath.Join(s.dir, name+suffix), text, 0o600); err != nil {
		return fmt.Errorf("make key %s: %w", name, err)
	}
	return nil
}

func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

// Signer returns a private key as a signer that prints nothing of it.
func Signer(key *ecdsa.PrivateKey) crypto.Signer {
	return &signer{public: &key.PublicKey, sign: key.Sign}
}

// signer hides the private key: of a function, printing shows an address.
type signer struct {
	public *ecdsa.PublicKey
	sign   func(io.Reader, []byte, crypto.SignerOpts) ([]byte, error)
}

var _ crypto.Signer = (*signer)(nil)

// Public implements crypto.Signer.
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer.
func (s *signer) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.sign(r, digest, opts)
}
