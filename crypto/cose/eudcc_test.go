package cose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

type dccCase struct {
	COSE    string
	TestCtx struct{ Certificate string }
	Results struct {
		Verify *bool `json:"EXPECTEDVERIFY"`
	} `json:"EXPECTEDRESULTS"`
}

// TestDigitalCovidCertificates runs the signature cases of the EU's test data:
// messages made by some thirty programs. The cases of other keys than P-256 are
// out of scope. Messages that are not core deterministic, or not tagged, are
// refused here by intent, though others take them; none may disagree otherwise.
func TestDigitalCovidCertificates(t *testing.T) {
	dir := dataDir(t, "eu-dcc")
	agree, refused, other := 0, 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var c dccCase
		if err := json.Unmarshal(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), &c); err != nil {
			t.Logf("%s: %v", path, err)
		}
		if c.Results.Verify == nil {
			return nil
		}
		message, pub := dccMessage(c)
		if pub == nil {
			other++
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		m, err := ParseSign1(message)
		if err == nil {
			err = m.Verify(pub, nil)
		}
		switch {
		case *c.Results.Verify == (err == nil):
			agree++
		case *c.Results.Verify && errors.Is(err, ErrFormat):
			refused++
		default:
			t.Errorf("%s: expected to verify: %v, but: %v", name, *c.Results.Verify, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases agree, %d are refused for their form, %d have another key or none", agree, refused, other)
	if agree < 400 {
		t.Errorf("only %d cases were compared", agree)
	}
}

// dccMessage returns the message and the key, when it is one of P-256.
func dccMessage(c dccCase) ([]byte, *ecdsa.PublicKey) {
	der, err := base64.StdEncoding.DecodeString(c.TestCtx.Certificate)
	if err != nil {
		return nil, nil
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil
	}
	pub, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, nil
	}
	message := make([]byte, len(c.COSE)/2)
	if _, err := hex.Decode(message, []byte(c.COSE)); err != nil {
		return nil, nil
	}
	return message, pub
}
