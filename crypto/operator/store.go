package operator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/internal/durable"
)

const (
	suffix       = ".cbor"
	maxOperators = 1000 // that are listed
)

// Store is the folder of a workstation's credentials. Within a process it is
// safe for concurrent use: one passphrase is tried at a time.
type Store struct {
	dir string
	mu  *sync.Mutex
}

// locks holds the mutex of each folder, so that two Stores of one folder agree
// on the number of failures.
var locks sync.Map // path -> *sync.Mutex

// Open returns the store in a folder, which New makes when it is needed.
func Open(dir string) *Store {
	mu, _ := locks.LoadOrStore(filepath.Clean(dir), new(sync.Mutex))
	return &Store{dir: dir, mu: mu.(*sync.Mutex)} //nolint:forcetypeassert // nothing else is stored
}

// Keys are an operator's keys in use.
type Keys struct {
	Author   crypto.Signer
	Terminal crypto.Signer
	Vault    [VaultSize]byte
}

// New makes an operator with fresh keys under a passphrase. It owes
// fs.ErrExist, ErrID and ErrWeak.
func (s *Store) New(id, name, passphrase string) (*Credential, *Keys, error) {
	if err := CheckPassphrase(passphrase); err != nil {
		return nil, nil, err
	}
	secret := new(secrets)
	var err error
	c := &Credential{ID: id, Name: name, Kind: KindPassphrase}
	for _, k := range []struct {
		into  **ecdsa.PrivateKey
		point *[65]byte
	}{{&secret.author, &c.Author}, {&secret.terminal, &c.Terminal}} {
		if *k.into, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, nil, fmt.Errorf("make operator's key: %w", err)
		}
		point, err := (*k.into).PublicKey.Bytes()
		if err != nil {
			return nil, nil, fmt.Errorf("make operator's key: %w", err)
		}
		copy(k.point[:], point)
	}
	_, _ = rand.Read(secret.vault[:]) // never fails
	if err := c.seal(secret, passphrase); err != nil {
		return nil, nil, err
	}
	return c, secret.keys(), s.add(c)
}

// NewPIV makes an operator whose keys are in a PIV card. It owes fs.ErrExist,
// ErrID and ErrFormat for keys that are not on P-256.
func (s *Store) NewPIV(id, name string, author, terminal *ecdsa.PublicKey) (*Credential, error) {
	c := &Credential{ID: id, Name: name, Kind: KindPIV}
	for _, k := range []struct {
		key   *ecdsa.PublicKey
		point *[65]byte
	}{{author, &c.Author}, {terminal, &c.Terminal}} {
		point, err := k.key.Bytes()
		if err != nil || len(point) != len(k.point) {
			return nil, fmt.Errorf("key of the card: %w", ErrFormat)
		}
		copy(k.point[:], point)
	}
	return c, s.add(c)
}

func (s *Store) add(c *Credential) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := CheckID(c.ID); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make folder of operators: %w", err)
	}
	if _, err := os.Lstat(s.path(c.ID)); err == nil {
		return fmt.Errorf("operator %s: %w", c.ID, fs.ErrExist)
	}
	return s.write(c)
}

func (s *Store) path(id string) string { return filepath.Join(s.dir, id+suffix) }

// Get reads an operator's credential. It owes ErrUnknown, ErrID and ErrFormat.
func (s *Store) Get(id string) (*Credential, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	f, err := os.Open(s.path(id)) // #nosec G304 -- the identifier was checked
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("operator %s: %w", id, ErrUnknown)
	}
	if err != nil {
		return nil, fmt.Errorf("read operator %s: %w", id, err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read operator %s: %w", id, err)
	}
	c, err := parse(raw)
	if err == nil && c.ID != id {
		err = fmt.Errorf("file of another operator: %w", ErrFormat)
	}
	if err != nil {
		return nil, fmt.Errorf("read operator %s: %w", id, err)
	}
	return c, nil
}

// List returns the credentials that can be read, by identifier, and the errors
// of the others.
func (s *Store) List() ([]*Credential, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list operators: %w", err)
	}
	var out []*Credential
	var errs []error
	for _, e := range entries[:min(len(entries), maxOperators)] {
		id, found := strings.CutSuffix(e.Name(), suffix)
		if !found || CheckID(id) != nil {
			continue
		}
		c, err := s.Get(id)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(x, y *Credential) int { return strings.Compare(x.ID, y.ID) })
	return out, errors.Join(errs...)
}

// Unlock gives the keys of an operator for a passphrase. The try is written
// down as a failure before the passphrase is tried, and taken back when it was
// right, so that ending the program in between is no free try. It owes
// ErrUnknown, ErrKind, ErrSecret and *WaitError.
func (s *Store) Unlock(id, passphrase string) (*Keys, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, secret, err := s.unlock(id, passphrase)
	if err != nil {
		return nil, err
	}
	return secret.keys(), nil
}

func (s *Store) unlock(id, passphrase string) (*Credential, *secrets, error) {
	c, err := s.Get(id)
	if err != nil {
		return nil, nil, err
	}
	if c.Kind != KindPassphrase {
		return nil, nil, fmt.Errorf("operator %s: %w", id, ErrKind)
	}
	now := time.Now()
	if c.Lock.rewind(now) {
		if err := s.write(c); err != nil {
			return nil, nil, err
		}
	}
	if wait := c.Lock.wait(now); wait > 0 {
		return nil, nil, fmt.Errorf("operator %s: %w", id, &WaitError{wait})
	}
	c.Lock.fail(now)
	if err := s.write(c); err != nil {
		return nil, nil, err
	}
	secret, err := c.open(passphrase)
	if err != nil {
		return nil, nil, fmt.Errorf("operator %s: %w", id, err)
	}
	c.Lock.forgive()
	return c, secret, s.write(c)
}

// ChangePassphrase seals the keys anew. It owes what Unlock owes, and ErrWeak.
func (s *Store) ChangePassphrase(id, old, fresh string) error {
	if err := CheckPassphrase(fresh); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, secret, err := s.unlock(id, old)
	if err != nil {
		return err
	}
	if err := c.seal(secret, fresh); err != nil {
		return err
	}
	return s.write(c)
}

// SetGrant puts the centre's answer to an operator's file.
func (s *Store) SetGrant(id string, grant []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.Get(id)
	if err != nil {
		return err
	}
	c.Grant = grant
	return s.write(c)
}

// Remove deletes an operator's credential, keys and all. It owes ErrUnknown.
func (s *Store) Remove(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := CheckID(id); err != nil {
		return err
	}
	err := os.Remove(s.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("operator %s: %w", id, ErrUnknown)
	}
	if err == nil {
		err = durable.SyncDir(s.dir)
	}
	if err != nil {
		return fmt.Errorf("remove operator %s: %w", id, err)
	}
	return nil
}

func (s *Store) write(c *Credential) error {
	raw, err := c.encode()
	if err != nil {
		return fmt.Errorf("write operator %s: %w", c.ID, err)
	}
	if err := durable.WriteFile(s.path(c.ID), raw, 0o600); err != nil {
		return fmt.Errorf("write operator %s: %w", c.ID, err)
	}
	return nil
}

func (s *secrets) keys() *Keys {
	return &Keys{Author: keystore.Signer(s.author), Terminal: keystore.Signer(s.terminal), Vault: s.vault}
}
