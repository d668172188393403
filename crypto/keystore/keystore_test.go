package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func newStore(t *testing.T) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func TestKeysLast(t *testing.T) {
	s, dir := newStore(t)
	key, err := s.EnsureSigner("author-1")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := s.EnsureSecret("cache")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create again: %v", err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, get := range map[string]func(string) (crypto.Signer, error){"signer": again.Signer, "ensure": again.EnsureSigner} {
		got, err := get("author-1")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		pub, ok := got.Public().(*ecdsa.PublicKey)
		if !ok || !pub.Equal(key.Public()) {
			t.Errorf("%s gives another key", name)
		}
		digest := sha256.Sum256([]byte("text"))
		sig, err := got.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil || !ecdsa.VerifyASN1(pub, digest[:], sig) {
			t.Errorf("%s: signature is bad, %v", name, err)
		}
	}
	for name, get := range map[string]func() (bool, error){
		"secret": func() (bool, error) { v, err := again.Secret("cache"); return v.Equal(secret), err },
		"ensure": func() (bool, error) { v, err := again.EnsureSecret("cache"); return v.Equal(secret), err },
	} {
		if same, err := get(); err != nil || !same {
			t.Errorf("%s: same %v, %v", name, same, err)
		}
	}
	if secret.Len() != SecretSize || bytes.Equal(secret.Reveal(), make([]byte, SecretSize)) {
		t.Error("secret is not random")
	}
}

func TestNotFound(t *testing.T) {
	s, dir := newStore(t)
	if _, err := s.Signer("none"); !errors.Is(err, ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("signer: %v", err)
	}
	if _, err := s.Secret("none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("secret: %v", err)
	}
	if _, err := Open(dir + "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("open: %v", err)
	}
}

func TestNames(t *testing.T) {
	s, _ := newStore(t)
	for _, name := range []string{"", "A", "a/b", "../a", "a.b", "a b", "-a", "a-", "ä", strings.Repeat("a", 65), "a\n", "."} {
		if _, err := s.EnsureSigner(name); !errors.Is(err, ErrName) {
			t.Errorf("signer %q: %v", name, err)
		}
		if _, err := s.EnsureSecret(name); !errors.Is(err, ErrName) {
			t.Errorf("secret %q: %v", name, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		raw, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: raw})
	}
	short := pem.EncodeToMemory(&pem.Block{Type: secretBlock, Bytes: make([]byte, 31)})
	for name, text := range map[string][]byte{
		"empty":      nil,
		"not-pem":    []byte("key"),
		"p384":       pkcs8(p384),
		"rsa":        pkcs8(rsaKey),
		"bad-der":    pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: []byte{1, 2}}),
		"other-type": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte{1}}),
		"trailing":   append(bytes.Clone(short), "more"...),
		"short":      short,
		"huge":       bytes.Repeat([]byte{'\n'}, maxFile+1),
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newStore(t)
			for _, suffix := range []string{keySuffix, secretSuffix} {
				if err := os.WriteFile(filepath.Join(dir, name+suffix), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.EnsureSigner(name); !errors.Is(err, ErrFormat) {
				t.Errorf("signer: %v", err)
			}
			if _, err := s.EnsureSecret(name); !errors.Is(err, ErrFormat) {
				t.Errorf("secret: %v", err)
			}
		})
	}
}

func TestSignerPrintsNothing(t *testing.T) {
	s, dir := newStore(t)
	key, err := s.EnsureSigner("a")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "a"+keySuffix))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatal("not a P-256 key")
	}
	raw, err := private.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	decimal := fmt.Sprintf("%d", raw)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		out := fmt.Sprintf(format, key)
		if strings.Contains(out, hex.EncodeToString(raw)) || strings.Contains(out, strings.Trim(decimal, "[]")) ||
			strings.Contains(out, private.D.String()) { //nolint:staticcheck // what printing would show
			t.Errorf("%s prints the key", format)
		}
	}
}

func TestEnsureAtOnce(t *testing.T) {
	s, _ := newStore(t)
	keys := make([]crypto.Signer, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = s.EnsureSigner("one"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if pub, ok := keys[0].Public().(*ecdsa.PublicKey); !ok || k == nil || !pub.Equal(k.Public()) {
			t.Fatal("several keys under one name")
		}
	}
}
