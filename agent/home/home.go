// Package home is a workstation's folder: its configuration, its keys, the
// certificates that the centre has granted, and the files of a running agent.
//
//	agent.json            configuration
//	keys/                 author, terminal and tls key, cache secret (crypto/keystore)
//	operators/            credentials of the people who work here (crypto/operator)
//	grant.cbor            the centre's grant (wire.EnrolGrant)
//	cache.db              the cache
//	agent.sock            control socket
package home

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Errors of a folder that is not ready for use.
var (
	ErrNotEnrolled = errors.New("workstation is not enrolled yet")
	ErrConfig      = errors.New("configuration is not right")
	ErrGrant       = errors.New("grant is not for this workstation")
)

// Names of the keys in the key store.
const (
	keyAuthor   = "author"
	keyTerminal = "terminal"
	keyTLS      = "tls"
	keyCache    = "cache"
)

// Config is what a technician may change, in agent.json. Unknown names are
// errors. What the centre decides (facility, role, address of the centre)
// stands in the grant instead.
type Config struct {
	// Readers names the card readers to serve; empty means all.
	Readers []string `json:"readers,omitempty"`
	// Listen is the loopback address of the page, localapi.DefaultAddr when
	// empty; port 0 takes a free one.
	Listen string `json:"listen,omitempty"`
	// ScannerService lets other programs use the fingerprint scanners; off
	// when it is not there.
	ScannerService *ScannerService `json:"scanner_service,omitempty"`
	// SoftScanner is the unix socket of a soft scanner (dhamani scanner soft),
	// which is used in the place of all others: for demonstrations and trials.
	// Every finger that it gives is marked as of no device.
	SoftScanner string `json:"soft_scanner,omitempty"`
	// Liveness says what counts of a scanner's own word about whether a finger is
	// alive: "ask" (the default) refuses what it calls an artefact, "required"
	// also what it does not call alive, "off" asks nobody.
	Liveness string `json:"liveness,omitempty"`
	// Centre overrides the address of the centre in the grant.
	Centre string `json:"centre,omitempty"`
	// FacilityKind is what kind of facility this is, by which patients' shares
	// differ: "public", "primary", "private-wing" or "private". While it is not
	// said, the highest share is shown, provisionally.
	FacilityKind entitle.Place `json:"facility_kind,omitzero"`
	// AlertRules names a table of alerts (docs/formats/alerts.md) that is used in
	// the place of what the centre publishes, and CoverRules one of the rules of
	// entitlement; a relative name is of this folder.
	AlertRules string `json:"alert_rules,omitempty"`
	CoverRules string `json:"cover_rules,omitempty"`
	// LockMinutes is how long an operator may leave the page alone before they
	// are signed out; DefaultLock when 0, at most MaxLockMinutes.
	LockMinutes int `json:"lock_minutes,omitempty"`
}

// An operator who has left is signed out after DefaultLock, or as the
// configuration says, within MaxLockMinutes.
const (
	DefaultLock    = 10 * time.Minute
	MaxLockMinutes = 240
)

// Lock is how long an operator may be away.
func (c *Config) Lock() time.Duration {
	if c.LockMinutes == 0 {
		return DefaultLock
	}
	return time.Duration(c.LockMinutes) * time.Minute
}

// Home is an enrolled workstation's folder, read and checked.
type Home struct {
	Dir      string
	Config   Config
	Grant    *wire.EnrolGrant
	Role     string    // in the terminal certificate
	Expires  time.Time // end of the terminal certificate
	Terminal card.Terminal
	Author   envelope.Author
	TLS      *tls.Config // for the centre
	Trust    *trust.Store
	CacheKey [32]byte

	terms vocabulary
	rules inUse
}

func configPath(dir string) string { return filepath.Join(dir, "agent.json") }
func keysPath(dir string) string   { return filepath.Join(dir, "keys") }
func grantPath(dir string) string  { return filepath.Join(dir, "grant.cbor") }

// SocketPath is where the agent of a folder listens for the command line.
func SocketPath(dir string) string { return filepath.Join(dir, "agent.sock") }

// CachePath is where the agent of a folder keeps its cache.
func CachePath(dir string) string { return filepath.Join(dir, "cache.db") }

// Load reads and checks the folder of an enrolled workstation. It owes
// ErrNotEnrolled, ErrConfig and the errors of keystore.Open.
func Load(dir string) (*Home, error) {
	h := &Home{Dir: dir}
	var err error
	if h.Config, err = readConfig(dir); err != nil {
		return nil, err
	}
	if err := h.readRules(); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(grantPath(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("folder %s: %w", dir, ErrNotEnrolled)
	}
	if err != nil {
		return nil, fmt.Errorf("read grant: %w", err)
	}
	keys, err := keystore.Open(keysPath(dir))
	if err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	if h.Grant, err = parseGrant(raw); err != nil {
		return nil, err
	}
	if err := h.unlock(keys); err != nil {
		return nil, err
	}
	if h.Trust, err = trustOf(h.Grant); err != nil {
		return nil, err
	}
	return h, nil
}

func parseGrant(raw []byte) (*wire.EnrolGrant, error) {
	grant := new(wire.EnrolGrant)
	if err := wire.Decode(raw, grant); err != nil {
		return nil, fmt.Errorf("read grant: %w", err)
	}
	return grant, nil
}

// trustOf makes a trust store of the lists that came with the grant. Newer
// ones come from the cache and the centre.
func trustOf(g *wire.EnrolGrant) (*trust.Store, error) {
	root, err := g.RootKey()
	if err != nil {
		return nil, fmt.Errorf("read grant: %w", err)
	}
	store := trust.NewStore(root)
	if err := store.UpdateTrust(g.Trust); err != nil {
		return nil, fmt.Errorf("trust list of the grant: %w", err)
	}
	if err := store.UpdateBlock(g.Block); err != nil {
		return nil, fmt.Errorf("block list of the grant: %w", err)
	}
	return store, nil
}

// unlock fills in what the keys and certificates are used for, and refuses a
// grant that was made for other keys.
func (h *Home) unlock(keys *keystore.Store) error {
	author, err := keys.Signer(keyAuthor)
	if err != nil {
		return fmt.Errorf("author key: %w", err)
	}
	h.Author = envelope.Author{KID: h.Grant.AuthorKID, Signer: author}
	if pub, ok := author.Public().(*ecdsa.PublicKey); !ok || trust.KIDOf(pub) != h.Grant.AuthorKID {
		return fmt.Errorf("author key: %w", ErrGrant)
	}
	terminal, err := keys.Signer(keyTerminal)
	if err != nil {
		return fmt.Errorf("terminal key: %w", err)
	}
	h.Terminal = card.Terminal{Chain: h.Grant.TerminalChain, Signer: terminal}
	if err := h.readTerminal(terminal.Public()); err != nil {
		return err
	}
	channel, err := keys.Signer(keyTLS)
	if err != nil {
		return fmt.Errorf("tls key: %w", err)
	}
	if h.TLS, err = tlsConfig(h.Grant, tls.Certificate{Certificate: [][]byte{h.Grant.TLSCert}, PrivateKey: channel}); err != nil {
		return err
	}
	secret, err := keys.Secret(keyCache)
	if err != nil {
		return fmt.Errorf("cache secret: %w", err)
	}
	if copy(h.CacheKey[:], secret.Reveal()) != len(h.CacheKey) {
		return fmt.Errorf("cache secret of %d bytes: %w", len(secret.Reveal()), ErrConfig)
	}
	return nil
}

// readTerminal takes role and end from the terminal certificate.
func (h *Home) readTerminal(public any) error {
	chain := h.Grant.TerminalChain
	leaf, err := cvc.Parse(chain[len(chain)-1])
	if err != nil {
		return fmt.Errorf("terminal certificate: %w", err)
	}
	if !leaf.Public.Equal(public) {
		return fmt.Errorf("terminal key: %w", ErrGrant)
	}
	if !leaf.Roles.Single() {
		return fmt.Errorf("terminal certificate for roles %v: %w", leaf.Roles, ErrGrant)
	}
	h.Role, h.Expires = leaf.Roles.String(), leaf.To.Time().AddDate(0, 0, 1)
	return nil
}

func tlsConfig(g *wire.EnrolGrant, own tls.Certificate) (*tls.Config, error) {
	ca, err := x509.ParseCertificate(g.TLSCA)
	if err != nil {
		return nil, fmt.Errorf("authority of the centre: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: roots, Certificates: []tls.Certificate{own},
	}, nil
}

func readConfig(dir string) (Config, error) {
	var c Config
	raw, err := os.ReadFile(configPath(dir))
	if errors.Is(err, os.ErrNotExist) {
		return c, fmt.Errorf("folder %s: %w", dir, ErrNotEnrolled)
	}
	if err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("%s: %w: %w", configPath(dir), ErrConfig, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("%s: %w: text behind the end", configPath(dir), ErrConfig)
	}
	if c.Liveness != "" && c.Liveness != "ask" && c.Liveness != "off" && c.Liveness != "required" {
		return c, fmt.Errorf("%s: %w: liveness is ask, off or required", configPath(dir), ErrConfig)
	}
	if c.SoftScanner != "" && c.ScannerService != nil && c.ScannerService.On {
		return c, fmt.Errorf("%s: %w: soft_scanner and scanner_service exclude each other: nobody gets made-up fingers as a device's", configPath(dir), ErrConfig)
	}
	if c.LockMinutes < 0 || c.LockMinutes > MaxLockMinutes {
		return c, fmt.Errorf("%s: %w: lock_minutes must be 1 to %d", configPath(dir), ErrConfig, MaxLockMinutes)
	}
	return c, nil
}
