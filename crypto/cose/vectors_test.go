package cose

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// dataDir returns a folder of third-party test data, or skips the test.
func dataDir(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("DHAMANI_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the vectors of %s are not here; set DHAMANI_DATA to the folder that holds them", name)
	}
	return dir
}

type vectorKey struct {
	X, Y string
	XHex string `json:"x_hex"`
	YHex string `json:"y_hex"`
}

type vector struct {
	Title string
	Fail  bool
	Input struct {
		Plaintext string
		Sign0     *struct {
			Key           vectorKey
			Alg, External string
		}
		Encrypted *struct {
			External  string
			Protected *struct{ Alg string }
		}
	}
	Intermediates struct {
		ToBeSign string `json:"ToBeSign_hex"`
		AAD      string `json:"AAD_hex"`
		CEK      string `json:"CEK_hex"`
	}
	Output struct{ CBOR string }
}

// outOfScope lists the vectors that the working group accepts and that are
// refused here for another reason than their algorithm.
var outOfScope = map[string]string{
	"sign1-tests/sign-pass-01.json": "the algorithm is not protected",
	"sign1-tests/sign-pass-03.json": "there is no tag",
}

// otherAlgorithm names the algorithm of a vector that is not ES256 or A256GCM:
// EdDSA, ES384, ES512, HSS-LMS; A128GCM, A192GCM, AES-CCM, ChaCha20/Poly1305.
func otherAlgorithm(v vector) string {
	alg := "not protected" // encrypted-tests/enc-pass-01 and -03, both A128GCM
	if v.Input.Encrypted != nil {
		if p := v.Input.Encrypted.Protected; p != nil {
			alg = p.Alg
		}
	} else if alg = v.Input.Sign0.Alg; alg == "ES256" {
		return ""
	}
	if alg == "A256GCM" {
		return ""
	}
	return alg
}

func TestWorkingGroupVectors(t *testing.T) {
	dir := dataDir(t, "cose-wg")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	agree, refused := 0, make(map[string]int) // by reason
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v vector
		if json.Unmarshal(raw, &v) != nil || (v.Input.Sign0 == nil && v.Input.Encrypted == nil) {
			continue // messages with recipients, several signers or a MAC
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.ToSlash(rel)
		t.Run(name, func(t *testing.T) {
			err := playVector(t, v)
			reason := cmp.Or(outOfScope[name], otherAlgorithm(v))
			if reason != "" {
				refused[reason]++
				if !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrFormat) {
					t.Fatalf("out of scope (%s), but: %v", reason, err)
				}
				return
			}
			agree++
			if v.Fail != (err != nil) {
				t.Fatalf("%s: should fail %v, error %v", v.Title, v.Fail, err)
			}
		})
	}
	t.Logf("%d vectors of Sign1 and Encrypt0 agree; refused as out of scope: %v", agree, refused)
	if agree < 10 {
		t.Errorf("only %d vectors were compared", agree)
	}
}

// playVector reads, checks and, when it is sound, writes the message again.
func playVector(t *testing.T, v vector) error {
	t.Helper()
	raw := unhex(t, v.Output.CBOR)
	if in := v.Input.Sign0; in != nil {
		m, err := ParseSign1(raw)
		if err != nil {
			return err
		}
		external := unhex(t, in.External)
		toSign := SigStructure(m.protected, external, m.Payload)
		if want := unhex(t, v.Intermediates.ToBeSign); !v.Fail && !bytes.Equal(want, toSign) {
			t.Errorf("Sig_structure is %x, not %x", toSign, want)
		}
		return m.Verify(publicKey(t, in.Key), external)
	}
	m, err := ParseEncrypt0(raw)
	if err != nil {
		return err
	}
	external := unhex(t, v.Input.Encrypted.External)
	if want := unhex(t, v.Intermediates.AAD); !v.Fail && !bytes.Equal(want, EncStructure(m.protected, external)) {
		t.Errorf("Enc_structure is not %x", want)
	}
	key := unhex(t, v.Intermediates.CEK)
	plain, err := m.Open(key, external)
	if err != nil {
		return err
	}
	if string(plain) != v.Input.Plaintext {
		t.Errorf("plaintext is %q", plain)
	}
	if again, err := Encrypt0(key, m.IV, plain, external); err != nil || !bytes.Equal(again, raw) {
		t.Errorf("written again: %x, %v", again, err)
	}
	return nil
}

func publicKey(t *testing.T, k vectorKey) *ecdsa.PublicKey {
	t.Helper()
	point := []byte{4}
	for _, c := range [][2]string{{k.X, k.XHex}, {k.Y, k.YHex}} {
		raw := unhex(t, c[1])
		if c[0] != "" {
			var err error
			if raw, err = base64.RawURLEncoding.DecodeString(c[0]); err != nil {
				t.Fatal(err)
			}
		}
		point = append(point, raw...)
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatalf("key of the vector: %v", err)
	}
	return pub
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
