// Package authority holds the national keys of the reference centre and what
// is issued with them: the card anchor and the certificates of facilities and
// workstations (BSI TR-03110), the trust and block lists, cards, receipts and
// the TLS certificates of the centre and of its clients.
//
// Keys lie in a keystore folder, readable by its owner alone; what was issued
// lies in the store. The patients' section keys, identities and covers are
// sealed under a wrap key before the store sees them, and the templates of their
// fingers under another.
package authority

import (
	"context"
	"crypto"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/crypto/rules"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/durable"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// Errors on which callers branch; those of the store come through as well.
var (
	// ErrInitialised is returned by Init for a folder that holds a centre.
	ErrInitialised = errors.New("centre is initialised already")
	// ErrNotInitialised is returned by Open for a folder that does not.
	ErrNotInitialised = errors.New("centre is not initialised")
	// ErrRequest is returned for a request that cannot be granted as it is.
	ErrRequest = errors.New("request refused")
	// ErrConflict is returned for a request that contradicts what was issued.
	ErrConflict = errors.New("request contradicts what was issued")
	// ErrKIDCollision is returned for a new key whose identifier another key
	// of the trust list has; the workstation has to make another key.
	ErrKIDCollision = errors.New("key identifier is taken")
	// ErrDecided is returned for a review that somebody has closed.
	ErrDecided = errors.New("review is closed")
	// ErrRevoked is returned for a facility that is no longer enrolled.
	ErrRevoked = errors.New("facility is revoked")
)

// The names of the keys in the keystore. A facility's key has its number
// behind keyFacility.
const (
	keyAnchor    = "anchor"
	keyIssuer    = "issuer"
	keyRoot      = "root"
	keyReceipt   = "receipt"
	keyTerms     = "terms"
	keyTLSCA     = "tls-ca"
	keyTLSServer = "tls-server"
	keyFacility  = "facility-"
	keyCentre    = "centre"      // the centre's own facility, over keyLog
	keyLog       = "log-receipt" // tells cards what the centre holds of their logs
	secretWrap   = "wrap"
	secretFinger = "fingers" // seals templates and what is said of them, nothing else
)

// The files of a centre beside the keystore folder.
const (
	fileConfig    = "centre.json"
	fileAnchor    = "anchor" // .cvc; see anchorFile
	fileTLSCA     = "tls-ca.der"
	fileTLSServer = "tls-server.der"
	folderKeys    = "keys"
)

// How long things last.
const (
	anchorYears   = 10
	cardYears     = 5
	serverLife    = 2 * 365 * 24 * time.Hour
	serverRenewal = 60 * 24 * time.Hour // before its end
	listLife      = 30 * 24 * time.Hour
	clockSlack    = time.Hour // a client's clock may be that much behind
	maxValidity   = 3 * 366 * 24 * time.Hour
)

// Config is what a centre says of itself; it lies in centre.json.
type Config struct {
	// Name is shown to people, at most 128 bytes.
	Name string `json:"name"`
	// URL is where workstations reach the centre, https://host:port.
	URL string `json:"url"`
	// Hosts are the DNS names and IP addresses in the server's certificate.
	Hosts []string `json:"hosts"`
}

// Authority issues in the name of the centre. It may be used from any number
// of goroutines, and from several processes over the same store.
type Authority struct {
	dir    string
	config Config
	store  store.Store
	keys   *keystore.Store

	issuer, root, receipt, tlsCA crypto.Signer
	rootKey                      *ecdsa.PublicKey
	anchors                      atomic.Pointer[[]*anchor] // oldest first, never empty
	ca                           *x509.Certificate
	wrap, fingers                cipher.AEAD

	logs  logSigner
	words words
	cover *rules.Line[*entitle.Schedule]

	server atomic.Pointer[tls.Certificate]
	trust  *trust.Store
}

// Open opens a centre that Init made, with its lists loaded. It owes
// ErrNotInitialised.
func Open(ctx context.Context, dir string, st store.Store) (*Authority, error) {
	config, err := ReadConfig(dir)
	if err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	keys, err := keystore.Open(filepath.Join(dir, folderKeys))
	if err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	a := &Authority{dir: dir, config: config, store: st, keys: keys, cover: rules.NewLine(rules.Cover)}
	if err := a.load(ctx); err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	return a, nil
}

func (a *Authority) load(ctx context.Context) error {
	if err := a.logs.open(a.keys); err != nil {
		return err
	}
	for name, into := range map[string]*crypto.Signer{
		keyIssuer: &a.issuer, keyRoot: &a.root, keyReceipt: &a.receipt, keyTLSCA: &a.tlsCA,
	} {
		signer, err := a.keys.Signer(name)
		if err != nil {
			return err
		}
		*into = signer
	}
	var err error
	if a.rootKey, err = publicOf(a.root); err != nil {
		return err
	}
	raw, err := a.readFile(fileTLSCA)
	if err != nil {
		return err
	}
	if a.ca, err = x509.ParseCertificate(raw); err != nil {
		return fmt.Errorf("read tls ca: %w", err)
	}
	if err := a.loadServer(); err != nil {
		return err
	}
	if a.wrap, err = openSealer(a.keys, secretWrap); err != nil {
		return err
	}
	if a.fingers, err = openSealer(a.keys, secretFinger); err != nil {
		return err
	}
	a.trust = trust.NewStore(a.rootKey)
	return a.Reload(ctx)
}

// ReadConfig reads centre.json, in which unknown keys are errors.
func ReadConfig(dir string) (Config, error) {
	var config Config
	f, err := os.Open(filepath.Join(dir, fileConfig)) // #nosec G304 -- the administrator names the folder
	if errors.Is(err, os.ErrNotExist) {
		return config, ErrNotInitialised
	}
	if err != nil {
		return config, fmt.Errorf("read configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	dec := json.NewDecoder(f)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&config); err != nil {
		return config, fmt.Errorf("read configuration %s: %w", fileConfig, err)
	}
	return config, config.Check()
}

// Config returns the centre's configuration.
func (a *Authority) Config() Config { return a.config }

// Root returns the key that signs the lists.
func (a *Authority) Root() *ecdsa.PublicKey { return a.rootKey }

// Trust returns the lists as of the last Reload.
func (a *Authority) Trust() *trust.Store { return a.trust }

// Receipt signs that the entries of a batch are kept.
func (a *Authority) Receipt(r trust.Receipt) ([]byte, error) { return trust.SignReceipt(a.receipt, r) }

func (a *Authority) readFile(name string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(a.dir, name)) // #nosec G304 -- fixed names in the administrator's folder
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return raw, nil
}

func (a *Authority) writeFile(name string, content []byte) error {
	if err := durable.WriteFile(filepath.Join(a.dir, name), content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func publicOf(signer crypto.Signer) (*ecdsa.PublicKey, error) {
	pub, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("key is not on P-256")
	}
	return pub, nil
}

// stored maps a store error onto this package's for things that a request names.
func stored(err error, what string) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, store.ErrExists) {
		return fmt.Errorf("%s: %w: %w", what, ErrConflict, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
