package claim

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/hex"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

var update = flag.Bool("update", false, "write the vectors of docs/formats/carriers.md anew")

const document = "../../docs/formats/carriers.md"

// vectorKey is the key whose private scalar is 1.
func vectorKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	scalar := make([]byte, 32)
	scalar[31] = 1
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestVectors holds the document and the code together. A signature is made
// anew each time, so the text is verified and its payload compared.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	key := vectorKey(t)
	said := sign(t, key, someClaim())
	if *update {
		doc := replace(t, string(raw), "claim payload", hex.EncodeToString(payloadOf(t, key, said)))
		doc = replace(t, doc, "claim text", said)
		if err := os.WriteFile(document, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		raw = []byte(doc)
	}
	want, err := hex.DecodeString(vector(t, string(raw), "claim payload"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"code": said, "document": vector(t, string(raw), "claim text")} {
		if got := payloadOf(t, key, text); !bytes.Equal(got, want) {
			t.Errorf("%s: payload %x", name, got)
		}
	}
}

// payloadOf checks a claim's signature and returns its payload.
func payloadOf(t *testing.T, key *ecdsa.PrivateKey, text string) []byte {
	t.Helper()
	raw, err := unpack(text)
	if err != nil {
		t.Fatal(err)
	}
	m, err := cose.ParseSign1(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(&key.PublicKey, []byte("dhamani claim v1")); err != nil {
		t.Fatal(err)
	}
	return m.Payload
}

// place returns where the lines of a vector begin and end.
func place(t *testing.T, doc, name string) (from, to int) {
	t.Helper()
	head := "### Vector: " + name + "\n\n```\n"
	from = strings.Index(doc, head)
	if from < 0 {
		t.Fatalf("no vector %q", name)
	}
	from += len(head)
	return from, from + strings.Index(doc[from:], "```")
}

func vector(t *testing.T, doc, name string) string {
	t.Helper()
	from, to := place(t, doc, name)
	return strings.ReplaceAll(doc[from:to], "\n", "")
}

// replace puts a vector down in lines of 64 signs, none of which begins or
// ends with a space, which some editors would take away.
func replace(t *testing.T, doc, name, value string) string {
	t.Helper()
	from, to := place(t, doc, name)
	var lines strings.Builder
	for value != "" {
		n := min(64, len(value))
		for n < len(value) && (value[n-1] == ' ' || value[n] == ' ') {
			n++
		}
		lines.WriteString(value[:n] + "\n")
		value = value[n:]
	}
	return doc[:from] + lines.String() + doc[to:]
}
