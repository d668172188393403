package wire_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/hex"
	"flag"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

var update = flag.Bool("update", false, "write the vectors into docs/formats/wire.md")

const (
	document = "../../docs/formats/wire.md"
	marker   = "<!-- vectors: written by go test ./sync/wire -update -->\n"
)

// kinds lists the messages of the document, in its order.
var kinds = []string{
	"push request", "push response", "changes page", "patient response", "card request", "card grant",
	"log receipt request", "log receipt",
	"enrol request", "enrol grant", "operator request", "operator grant",
	"release order", "release request", "release answer", "release", "health", "error",
}

var vector = regexp.MustCompile("(?m)^### Vector: (.+)\n\n```\n((?:[0-9a-f]+\n)+)```$")

// TestVectors holds document and code together: every vector is what the code
// writes for the message, and reads as that message.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		writeVectors(t, text)
		return
	}
	found := vector.FindAllStringSubmatch(string(text), -1)
	if len(found) != len(kinds) {
		t.Fatalf("%d vectors in the document, want %d", len(found), len(kinds))
	}
	all := samples()
	for i, v := range found {
		t.Run(v[1], func(t *testing.T) {
			if v[1] != kinds[i] {
				t.Fatalf("vector %q in the place of %q", v[1], kinds[i])
			}
			raw, err := hex.DecodeString(strings.ReplaceAll(v[2], "\n", ""))
			if err != nil {
				t.Fatal(err)
			}
			m := all[v[1]]
			if err := wire.Decode(raw, m[1]); err != nil {
				t.Fatal(err)
			}
			again, err := wire.Encode(m[1])
			if err != nil || !bytes.Equal(again, raw) {
				t.Errorf("encodes to other bytes, %v", err)
			}
			switch req := m[1].(type) { // whose signatures are drawn anew every time
			case *wire.EnrolRequest:
				if _, err := req.Verify(); err != nil {
					t.Errorf("proofs: %v", err)
				}
				return
			case *wire.OperatorRequest:
				if _, _, err := req.Verify(); err != nil {
					t.Errorf("proofs: %v", err)
				}
				return
			}
			want, err := wire.Encode(m[0])
			if err != nil || !bytes.Equal(want, raw) {
				t.Errorf("is not the sample, %v", err)
			}
		})
	}
}

// vectorKey is a private key for the document: the number n.
func vectorKey(t *testing.T, n int64) *ecdsa.PrivateKey {
	t.Helper()
	raw := make([]byte, 32)
	big.NewInt(n).FillBytes(raw)
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writeVectors(t *testing.T, text []byte) {
	t.Helper()
	head, _, found := strings.Cut(string(text), marker)
	if !found {
		t.Fatal("the document has lost its marker")
	}
	var out strings.Builder
	out.WriteString(head + marker)
	all := samples()
	for _, kind := range kinds {
		m := all[kind][0]
		var err error
		switch req := m.(type) {
		case *wire.EnrolRequest:
			err = req.Sign(vectorKey(t, 1), vectorKey(t, 2), vectorKey(t, 3))
		case *wire.OperatorRequest:
			err = req.Sign(vectorKey(t, 1), vectorKey(t, 2))
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := wire.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "\n### Vector: %s\n\n```\n", kind)
		for line := hex.EncodeToString(raw); line != ""; {
			n := min(64, len(line))
			out.WriteString(line[:n] + "\n")
			line = line[n:]
		}
		out.WriteString("```\n")
	}
	if err := os.WriteFile(document, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDocument holds the codes and bounds of the document and the code together.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{
		wire.CodeBadRequest, wire.CodeForbidden, wire.CodeRevoked, wire.CodeNotFound, wire.CodeNoPatient, wire.CodeMethod,
		wire.CodeConflict, wire.CodeNotHeld, wire.CodeEpoch, wire.CodeTooLarge, wire.CodeMediaType, wire.CodeRateLimited, wire.CodeInternal,
		wire.CodeUnavailable, wire.CodeShuttingDown,
		wire.RejectFormat, wire.RejectUnknownPatient, wire.RejectUnknownPerson, wire.RejectEpoch, wire.RejectUnknownAuthor, wire.RejectRevoked,
		wire.RejectExpired, wire.RejectSignature, wire.RejectFuture,
	} {
		if len(code) > wire.MaxCode || !strings.Contains(string(text), "`"+code+"`") {
			t.Errorf("the document does not list code %s", code)
		}
	}
	if wire.MaxSubjects != envelope.MaxSubjects || wire.MaxPersons != envelope.MaxPerson+1 {
		t.Error("bounds of the subjects differ")
	}
	for name, bound := range map[string]int{
		"body, packed or not": wire.MaxBody, "body of a card, log receipt or enrolment request": wire.MaxCardBody, "entries in a log receipt request": wire.MaxLogIDs, "signed list": wire.MaxList,
		"entries in a push or a page": wire.MaxItems, "sealed entry": wire.MaxSealed, "receipt": wire.MaxReceipt,
		"identity, cover": wire.MaxIdentity, "EF.CardSecurity, EF.ID": wire.MaxCOSE, "certificate": wire.MaxCertificate,
		"subjects": wire.MaxSubjects, "fingers of a patient": wire.MaxFingers, "finger": wire.MaxFinger, "name": wire.MaxName, "error message, URL": wire.MaxText, "code": wire.MaxCode,
	} {
		if !strings.Contains(string(text), "| "+name+" | "+thousands(bound)) {
			t.Errorf("the document does not give %s as %s", name, thousands(bound))
		}
	}
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
