package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/internal/durable"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Request makes a workstation's folder with its keys and returns the request
// that the centre answers with a grant. The private keys never leave the
// folder. Asked again, it returns a request for the same keys.
func Request(dir, facility, name string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	keys, err := keystore.Create(keysPath(dir))
	if errors.Is(err, os.ErrExist) {
		keys, err = keystore.Open(keysPath(dir))
	}
	if err != nil {
		return nil, fmt.Errorf("make key store: %w", err)
	}
	request := &wire.EnrolRequest{FacilityName: facility, Name: name}
	if err := signRequest(keys, request); err != nil {
		return nil, err
	}
	if _, err := keys.EnsureSecret(keyCache); err != nil {
		return nil, fmt.Errorf("make cache secret: %w", err)
	}
	raw, err := wire.Encode(request)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return raw, nil
}

func signRequest(keys *keystore.Store, request *wire.EnrolRequest) error {
	author, err := keys.EnsureSigner(keyAuthor)
	if err != nil {
		return fmt.Errorf("make author key: %w", err)
	}
	terminal, err := keys.EnsureSigner(keyTerminal)
	if err != nil {
		return fmt.Errorf("make terminal key: %w", err)
	}
	channel, err := keys.EnsureSigner(keyTLS)
	if err != nil {
		return fmt.Errorf("make tls key: %w", err)
	}
	if err := request.Sign(author, terminal, channel); err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	return nil
}

// Accept puts the centre's grant into the folder that asked for it. It owes
// ErrGrant when it was made for other keys.
func Accept(dir string, grant []byte) error {
	parsed, err := parseGrant(grant)
	if err != nil {
		return err
	}
	keys, err := keystore.Open(keysPath(dir))
	if err != nil {
		return fmt.Errorf("open key store: %w", err)
	}
	h := &Home{Dir: dir, Grant: parsed}
	if err := h.unlock(keys); err != nil {
		return err
	}
	if _, err := trustOf(parsed); err != nil {
		return err
	}
	if err := durable.WriteFile(grantPath(dir), grant, 0o600); err != nil {
		return fmt.Errorf("write grant: %w", err)
	}
	if _, err := os.Stat(configPath(dir)); err == nil {
		return nil // a renewed grant leaves the configuration as it is
	}
	return writeConfig(dir, Config{})
}

// Change rewrites the configuration of an enrolled workstation.
func Change(dir string, change func(*Config)) error {
	c, err := readConfig(dir)
	if err != nil {
		return err
	}
	change(&c)
	return writeConfig(dir, c)
}

func writeConfig(dir string, c Config) error {
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode configuration: %w", err)
	}
	if err := durable.WriteFile(configPath(dir), append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
