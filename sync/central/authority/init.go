package authority

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// loopback is always in the server's certificate.
var loopback = []string{"localhost", "127.0.0.1", "::1"}

// Check reports what is wrong with the configuration, in words for people.
func (c *Config) Check() error {
	if c.Name == "" || len(c.Name) > wire.MaxName {
		return errors.New("configuration: name: must have 1 to 128 bytes")
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || len(c.URL) > wire.MaxText {
		return errors.New("configuration: url: must be https://host:port")
	}
	for _, host := range c.Hosts {
		if host == "" || len(host) > 253 || strings.ContainsAny(host, " /:") && net.ParseIP(host) == nil {
			return fmt.Errorf("configuration: hosts: %q is no DNS name or IP address", host)
		}
	}
	return nil
}

// Init makes a centre in dir: its keys, the anchor, the TLS CA and server
// certificate, and version 1 of both lists in the store. The configuration is
// written last, so a folder in which Init was interrupted is not a centre, and
// Init may be run on it again: it goes on with the keys that are there. It owes ErrInitialised.
func Init(ctx context.Context, dir string, st store.Store, config Config) (*Authority, error) {
	if err := config.Check(); err != nil {
		return nil, fmt.Errorf("initialise centre: %w", err)
	}
	if _, err := ReadConfig(dir); !errors.Is(err, ErrNotInitialised) {
		return nil, fmt.Errorf("initialise centre in %s: %w", dir, errors.Join(ErrInitialised, err))
	}
	a := &Authority{dir: dir, config: config, store: st}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"make keys", a.makeKeys},
		{"issue anchor", a.issueAnchor},
		{"issue tls ca", a.issueCA},
		{"issue server certificate", a.renewServer},
		{"sign lists", a.firstLists},
		{"write configuration", a.writeConfig},
	} {
		if err := step.run(ctx); err != nil {
			return nil, fmt.Errorf("initialise centre: %s: %w", step.name, err)
		}
	}
	return Open(ctx, dir, st)
}

func (a *Authority) makeKeys(context.Context) error {
	keys, err := keystore.Create(filepath.Join(a.dir, folderKeys))
	if errors.Is(err, fs.ErrExist) { // of an Init that was interrupted
		keys, err = keystore.Open(filepath.Join(a.dir, folderKeys))
	}
	if err != nil {
		return err
	}
	a.keys = keys
	for name, into := range map[string]*crypto.Signer{
		anchorKey(1): nil, keyIssuer: &a.issuer, keyRoot: &a.root, keyReceipt: &a.receipt,
		keyTLSCA: &a.tlsCA, keyTLSServer: nil,
	} {
		signer, err := keys.EnsureSigner(name)
		if err != nil {
			return err
		}
		if into != nil {
			*into = signer
		}
	}
	for _, name := range []string{secretWrap, secretFinger} {
		if _, err := keys.EnsureSecret(name); err != nil {
			return err
		}
	}
	a.rootKey, err = publicOf(a.root)
	return err
}

// firstLists signs version 1 of both lists, unless an Init that was
// interrupted has left them behind.
func (a *Authority) firstLists(ctx context.Context) error {
	now := time.Now()
	list := trust.List{Version: 1, Issued: now, Expires: now.Add(listLife)}
	for _, k := range []struct {
		signer crypto.Signer
		usage  trust.Usage
	}{{a.issuer, trust.UsageIssuer}, {a.receipt, trust.UsageCentre}} {
		pub, err := publicOf(k.signer)
		if err != nil {
			return err
		}
		list.Keys = append(list.Keys, trust.Key{
			Public: pub, Usage: k.usage, Name: a.config.Name,
			NotBefore: now.Add(-clockSlack), NotAfter: now.AddDate(anchorYears, 0, 0),
		})
	}
	return a.store.Update(ctx, func(w store.Writer) error {
		old, err := w.List(wire.ListTrust)
		if err == nil { // both were written together
			if _, err := trust.ParseList(old.Raw, a.rootKey); err != nil {
				return fmt.Errorf("the store is another centre's: %w", ErrInitialised)
			}
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := a.putTrust(w, list); err != nil {
			return err
		}
		return a.putBlock(w, trust.BlockList{Version: 1, Issued: now})
	})
}

func (a *Authority) writeConfig(context.Context) error {
	raw, err := json.MarshalIndent(a.config, "", "  ")
	if err != nil {
		return err
	}
	return a.writeFile(fileConfig, append(raw, '\n'))
}
