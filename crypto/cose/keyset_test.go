package cose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestKeySet puts the working group's keys to the use that keys have here: the
// key pairs of P-256 sign and verify, the symmetric keys seal and open where
// they are of 256 bits, and are refused where they are not.
func TestKeySet(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(dataDir(t, "cose-wg"), "KeySet.txt"))
	if err != nil {
		t.Fatal(err)
	}
	field := regexp.MustCompile(`/ (\w+) / -?\d+:(?:h'([0-9a-f\s]*)'|(\d+))`)
	pairs, sealing, short, other := 0, 0, 0, 0
	for part := range strings.SplitSeq(string(raw), "{") {
		key := make(map[string][]byte)
		for _, m := range field.FindAllStringSubmatch(part, -1) {
			value, err := hex.DecodeString(strings.Join(strings.Fields(m[2]), ""))
			if err != nil {
				t.Fatal(err)
			}
			key[m[1]] = append(value, m[3]...)
		}
		switch {
		case string(key["kty"]) == "2" && string(key["crv"]) == "1":
			pairs++
			usePair(t, key["x"], key["y"], key["d"])
		case string(key["kty"]) == "4" && len(key["k"]) == 32:
			sealing++
			useSecret(t, key["k"])
		case string(key["kty"]) == "4":
			short++
			if _, err := Encrypt0(key["k"], make([]byte, 12), nil, nil); !errors.Is(err, ErrUnsupported) {
				t.Errorf("a key of %d bytes: %v", len(key["k"]), err)
			}
		case len(key) > 0 || strings.Contains(part, `"-1":`):
			other++
		}
	}
	if pairs != 3 || sealing != 2 || short != 1 || other != 4 {
		t.Errorf("%d key pairs of P-256, %d keys of 256 bits, %d shorter, %d of other curves", pairs, sealing, short, other)
	}
}

func usePair(t *testing.T, x, y, d []byte) {
	t.Helper()
	point := append(append([]byte{4}, x...), y...)
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
	if err != nil || !private.PublicKey.Equal(pub) {
		t.Fatalf("the private key is another's: %v", err)
	}
	message, err := Sign1(private, []byte("kid1"), []byte("text"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseSign1(message)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(pub, []byte("aad")); err != nil {
		t.Error(err)
	}
	point[len(point)-1] ^= 1
	if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point); err == nil {
		t.Error("a point that is not on the curve was taken")
	}
}

func useSecret(t *testing.T, k []byte) {
	t.Helper()
	iv := make([]byte, 12)
	_, _ = rand.Read(iv)
	message, err := Encrypt0(k, iv, []byte("text"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseEncrypt0(message)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := m.Open(k, []byte("aad")); err != nil || !bytes.Equal(plain, []byte("text")) {
		t.Errorf("%q, %v", plain, err)
	}
}
