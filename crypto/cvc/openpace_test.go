package cvc

import (
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// tool returns a program of OpenPACE (Debian's package openpace), or skips.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s of the package openpace is not installed", name)
	}
	return path
}

// TestOpenPACEReadsOurs has another program read our certificates and verify
// them up to an anchor that it is told to trust.
func TestOpenPACEReadsOurs(t *testing.T) {
	program := tool(t, "cvc-print")
	dir := t.TempDir()
	f := newFamily(t)
	for _, c := range f.certs {
		if err := os.WriteFile(filepath.Join(dir, c.CHR), c.Raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, place := range []string{"CVCA certificate", "DV certificate", "Terminal certificate"} {
		c := f.certs[i]
		out, err := exec.CommandContext(t.Context(), program,
			"--cvc-dir="+dir, "--cvc="+filepath.Join(dir, c.CHR)).CombinedOutput()
		if err != nil {
			t.Fatalf("cvc-print: %v\n%s", err, out)
		}
		for _, want := range []string{
			place, "CAR: " + c.CAR, "CHR: " + c.CHR, "certificate verified",
			"Effective Date: " + c.From.String(), "Expiration Date: " + c.To.String(),
		} {
			if !strings.Contains(string(out), want) {
				t.Errorf("cvc-print of %s does not say %q:\n%s", c.CHR, want, out)
			}
		}
	}
}

// TestWeReadOpenPACE reads an anchor that another program made for P-256. Its
// authorization is of another scheme, so Parse refuses it there; all the rest
// has to be as we read it.
func TestWeReadOpenPACE(t *testing.T) {
	program := tool(t, "cvc-create")
	dir := t.TempDir()
	key, cert := filepath.Join(dir, "key"), filepath.Join(dir, "cert")
	private := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, der, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "--role=cvca", "--type=at", "--chr=IQOPEN00001",
		"--issued=260101", "--expires=300101", "--sign-with="+key, "--scheme=ECDSA_SHA_256", "--out-cert="+cert).CombinedOutput()
	if err != nil {
		t.Fatalf("cvc-create: %v\n%s", err, out)
	}
	raw, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(raw); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "another scheme") {
		t.Errorf("parse: %v", err)
	}
	outer, err := tlv.Field(raw, tagCertificate)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := tlv.Fields(outer, tagBody, tagSignature)
	if err != nil {
		t.Fatal(err)
	}
	f, err := tlv.Fields(parts[0], tagProfile, tagCAR, tagPublicKey, tagCHR, tagCHAT, tagEffective, tagExpiration)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := parseKey(f[2], true)
	if err != nil {
		t.Fatal(err)
	}
	if !pub.Equal(&private.PublicKey) {
		t.Error("public key differs")
	}
	if err := cose.VerifyES256(pub, tlv.Make(tagBody, parts[0]), parts[1]); err != nil {
		t.Errorf("signature: %v", err)
	}
	if from, err := ParseDate(f[5]); err != nil || from.String() != "2026-01-01" {
		t.Errorf("effective %v, %v", from, err)
	}
}
