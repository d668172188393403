package cose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	other "github.com/veraison/go-cose"
)

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestSign1(t *testing.T) {
	key := newKey(t)
	aad := []byte("what it is")
	for _, size := range []int{0, 1, 23, 24, 255, 256, 70000} {
		payload := bytes.Repeat([]byte{0x5a}, size)
		for _, kid := range [][]byte{nil, {1, 2, 3, 4}, bytes.Repeat([]byte{7}, MaxKeyID)} {
			raw, err := Sign1(key, kid, payload, aad)
			if err != nil {
				t.Fatal(err)
			}
			m, err := ParseSign1(raw)
			if err != nil {
				t.Fatalf("payload of %d bytes: %v", size, err)
			}
			if !bytes.Equal(m.Payload, payload) || !bytes.Equal(m.KID, kid) {
				t.Error("payload or key identifier differs")
			}
			if err := m.Verify(&key.PublicKey, aad); err != nil {
				t.Errorf("verify: %v", err)
			}
			if err := m.Verify(&key.PublicKey, nil); !errors.Is(err, ErrSignature) {
				t.Errorf("other aad: %v", err)
			}
			if err := m.Verify(&newKey(t).PublicKey, aad); !errors.Is(err, ErrSignature) {
				t.Errorf("other key: %v", err)
			}
		}
	}
}

func TestEveryByteOfSign1Counts(t *testing.T) {
	key := newKey(t)
	raw, err := Sign1(key, []byte{1, 2, 3, 4}, []byte("payload"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	kidAt := bytes.Index(raw, []byte{0x44, 1, 2, 3, 4}) // the identifier is a hint and not signed
	for i := range raw {
		for bit := range 8 {
			bad := bytes.Clone(raw)
			bad[i] ^= 1 << bit
			m, err := ParseSign1(bad)
			if err == nil {
				err = m.Verify(&key.PublicKey, []byte("aad"))
			}
			if err == nil && (i < kidAt-1 || i > kidAt+4) {
				t.Errorf("bit %d of byte %d does not count", bit, i)
			}
		}
		if _, err := ParseSign1(raw[:i]); err == nil {
			t.Errorf("cut at %d is read", i)
		}
	}
	if _, err := ParseSign1(append(bytes.Clone(raw), 0)); !errors.Is(err, ErrFormat) {
		t.Errorf("trailing byte: %v", err)
	}
}

func TestEncrypt0(t *testing.T) {
	key, iv := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, IVSize)
	raw, err := Encrypt0(key, iv, []byte("text"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseEncrypt0(raw)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := m.Open(key, []byte("aad")); err != nil || string(text) != "text" {
		t.Errorf("open: %q, %v", text, err)
	}
	if _, err := m.Open(key, nil); !errors.Is(err, ErrDecrypt) {
		t.Errorf("other aad: %v", err)
	}
	if _, err := m.Open(make([]byte, 32), []byte("aad")); !errors.Is(err, ErrDecrypt) {
		t.Errorf("other key: %v", err)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		m, err := ParseEncrypt0(bad)
		if err == nil {
			_, err = m.Open(key, []byte("aad"))
		}
		if err == nil {
			t.Errorf("byte %d does not count", i)
		}
	}
	if _, err := Encrypt0(key[:16], iv, nil, nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("short key: %v", err)
	}
	if _, err := Encrypt0(key, iv[:8], nil, nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("short nonce: %v", err)
	}
}

// TestRefused holds messages that other decoders read, or once read.
func TestRefused(t *testing.T) {
	sig := "5840" + strings.Repeat("11", 64)
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"empty":                      {"", ErrFormat},
		"no tag":                     {"8443a10126a041aa" + sig, ErrFormat},
		"tag of two bytes":           {"d8128443a10126a041aa" + sig, ErrFormat},
		"other tag":                  {"d08443a10126a041aa" + sig, ErrFormat},
		"five elements":              {"d28543a10126a041aa" + sig + "00", ErrFormat},
		"three elements":             {"d28343a10126a041aa", ErrFormat},
		"indefinite array":           {"d29f43a10126a041aa" + sig + "ff", ErrFormat},
		"indefinite payload":         {"d28443a10126a05f41aaff" + sig, ErrFormat},
		"long head":                  {"d2845803a10126a041aa" + sig, ErrFormat},
		"detached payload":           {"d28443a10126a0f6" + sig, ErrFormat},
		"text payload":               {"d28443a10126a061aa" + sig, ErrFormat},
		"array for payload":          {"d28443a10126a08101" + sig, ErrFormat},
		"tagged payload":             {"d28443a10126a0c541aa" + sig, ErrFormat},
		"short signature":            {"d28443a10126a041aa4111", ErrFormat},
		"null signature":             {"d28443a10126a041aaf6", ErrFormat},
		"null unprotected":           {"d28443a10126f641aa" + sig, ErrFormat},
		"protected not a map":        {"d2844101a041aa" + sig, ErrFormat},
		"protected repeats a key":    {"d28445a201260126a041aa" + sig, ErrFormat},
		"protected unsorted":         {"d28446a20441010126a041aa" + sig, ErrFormat},
		"protected with a tail":      {"d28444a1012600a041aa" + sig, ErrFormat},
		"unprotected repeats a key":  {"d28443a10126a204410104410241aa" + sig, ErrFormat},
		"key identifier is a number": {"d28443a10126a1040141aa" + sig, ErrFormat},
		"label is bytes":             {"d28443a10126a141010141aa" + sig, ErrFormat},
		"label in both":              {"d28446a20126044101a104410241aa" + sig, ErrFormat},
		"algorithm unprotected":      {"d28440a1012641aa" + sig, ErrUnsupported},
		"empty protected map":        {"d28441a0a1012641aa" + sig, ErrUnsupported},
		"null protected":             {"d28441f6a041aa" + sig, ErrFormat},
		"other algorithm":            {"d28444a1013822a041aa" + sig, ErrUnsupported},
		"algorithm is text":          {"d2844aa101654553323536a041aa" + sig, ErrFormat},
		"critical":                   {"d28446a20126028104a104410141aa" + sig, ErrUnsupported},
		"critical unprotected":       {"d28443a10126a102810441aa" + sig, ErrUnsupported},
		"long key identifier":        {"d28443a10126a1045841" + strings.Repeat("00", 65) + "41aa" + sig, ErrFormat},
		"huge length":                {"d2845bffffffffffffffff", ErrFormat},
		"huge array":                 {"d29bffffffffffffffff", ErrFormat},
		"nested deeply":              {"d28443a10126a10a" + strings.Repeat("81", 20) + "0041aa" + sig, ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := hex.DecodeString(strings.ReplaceAll(c.raw, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseSign1(raw); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := ParseSign1(make([]byte, MaxMessage+1)); !errors.Is(err, ErrFormat) {
		t.Errorf("too long: %v", err)
	}
}

func TestAgreesWithGoCose(t *testing.T) {
	key := newKey(t)
	aad, payload, kid := []byte("external"), []byte("the payload"), []byte{9, 8, 7, 6}

	ours, err := Sign1(key, kid, payload, aad)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := other.NewVerifier(other.AlgorithmES256, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	var read other.Sign1Message
	if err := read.UnmarshalCBOR(ours); err != nil {
		t.Fatalf("go-cose reads ours: %v", err)
	}
	if err := read.Verify(aad, verifier); err != nil {
		t.Errorf("go-cose verifies ours: %v", err)
	}

	signer, err := other.NewSigner(other.AlgorithmES256, key)
	if err != nil {
		t.Fatal(err)
	}
	headers := other.Headers{
		Protected:   other.ProtectedHeader{other.HeaderLabelAlgorithm: other.AlgorithmES256},
		Unprotected: other.UnprotectedHeader{other.HeaderLabelKeyID: kid},
	}
	theirs, err := other.Sign1(rand.Reader, signer, headers, payload, aad)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseSign1(theirs)
	if err != nil {
		t.Fatalf("we read go-cose's: %v", err)
	}
	if err := m.Verify(&key.PublicKey, aad); err != nil || !bytes.Equal(m.KID, kid) {
		t.Errorf("we verify go-cose's: %v", err)
	}
}

// fixedSigner signs with a given ASN.1 answer.
type fixedSigner struct {
	crypto.Signer
	answer []byte
	err    error
}

func (s fixedSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return s.answer, s.err
}

func TestSignES256(t *testing.T) {
	key := newKey(t)
	message := []byte("message")
	for range 64 {
		raw, err := SignES256(key, message)
		if err != nil {
			t.Fatal(err)
		}
		if !LowS(raw) {
			t.Fatal("s is in the upper half")
		}
		if err := VerifyES256(&key.PublicKey, message, raw); err != nil {
			t.Fatal(err)
		}
		mirrored := bytes.Clone(raw)
		new(big.Int).Sub(p256Order, new(big.Int).SetBytes(raw[32:])).FillBytes(mirrored[32:])
		if LowS(mirrored) {
			t.Fatal("both forms count as the lower one")
		}
		if err := VerifyES256(&key.PublicKey, message, mirrored); err != nil {
			t.Fatalf("the other form is valid ECDSA too: %v", err)
		}
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("token is gone")
	for name, c := range map[string]struct {
		signer crypto.Signer
		want   error
	}{
		"p384":        {p384, ErrUnsupported},
		"rsa":         {rsaKey, ErrUnsupported},
		"fails":       {fixedSigner{key, nil, broken}, broken},
		"empty":       {fixedSigner{key, nil, nil}, ErrFormat},
		"not asn.1":   {fixedSigner{key, []byte{1, 2, 3}, nil}, ErrFormat},
		"zero r":      {fixedSigner{key, []byte{0x30, 6, 2, 1, 0, 2, 1, 1}, nil}, ErrFormat},
		"negative s":  {fixedSigner{key, []byte{0x30, 6, 2, 1, 1, 2, 1, 0xff}, nil}, ErrFormat},
		"third value": {fixedSigner{key, []byte{0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1}, nil}, ErrFormat},
		"tail":        {fixedSigner{key, []byte{0x30, 6, 2, 1, 1, 2, 1, 1, 0}, nil}, ErrFormat},
	} {
		if _, err := SignES256(c.signer, message); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := VerifyES256(&p384.PublicKey, message, make([]byte, 64)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("verify on P-384: %v", err)
	}
	if err := VerifyES256(nil, message, make([]byte, 64)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("verify without a key: %v", err)
	}
	for _, n := range []int{0, 63, 64, 65} {
		if err := VerifyES256(&key.PublicKey, message, make([]byte, n)); !errors.Is(err, ErrSignature) {
			t.Errorf("zeros of length %d: %v", n, err)
		}
	}
}

func TestAppendAgreesWithLibrary(t *testing.T) {
	for _, v := range []uint64{0, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, 1<<64 - 1} {
		want, err := cbor.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendUint(nil, v); !bytes.Equal(got, want) {
			t.Errorf("%d is %x, not %x", v, got, want)
		}
	}
	for _, n := range []int{0, 23, 24, 255, 256, 65536} {
		want, err := cbor.Marshal(make([]byte, n))
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendBytes(nil, make([]byte, n)); !bytes.Equal(got, want) {
			t.Errorf("string of %d bytes differs", n)
		}
	}
}

func FuzzParseSign1(f *testing.F) {
	raw, err := Sign1(newKey(f), []byte{1, 2, 3, 4}, []byte("payload"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	key := newKey(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ParseSign1(raw)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if m.Verify(&key.PublicKey, nil) == nil {
			t.Fatal("verifies under a key that signed nothing")
		}
		if !bytes.Equal(m.protected, ProtectedES256) || len(m.KID) == 0 {
			return
		}
		again := AssembleSign1(m.KID, m.Payload, m.signature)
		if len(again) == len(raw) && !bytes.Equal(again, raw) {
			t.Fatalf("%x is written again as %x", raw, again)
		}
	})
}

func FuzzParseEncrypt0(f *testing.F) {
	raw, err := Encrypt0(make([]byte, 32), make([]byte, IVSize), []byte("text"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ParseEncrypt0(raw)
		if err != nil {
			return
		}
		if text, err := m.Open(make([]byte, 32), nil); err == nil && bytes.Equal(m.protected, ProtectedA256GCM) {
			again, err := Encrypt0(make([]byte, 32), m.IV, text, nil)
			if err != nil || len(again) == len(raw) && !bytes.Equal(again, raw) {
				t.Fatalf("%x is written again as %x, %v", raw, again, err)
			}
		}
	})
}

func BenchmarkSign1(b *testing.B) {
	key, payload := newKey(b), make([]byte, 200)
	for b.Loop() {
		if _, err := Sign1(key, []byte{1, 2, 3, 4}, payload, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifySign1(b *testing.B) {
	key := newKey(b)
	raw, err := Sign1(key, []byte{1, 2, 3, 4}, make([]byte, 200), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m, err := ParseSign1(raw)
		if err != nil {
			b.Fatal(err)
		}
		if err := m.Verify(&key.PublicKey, nil); err != nil {
			b.Fatal(err)
		}
	}
}
