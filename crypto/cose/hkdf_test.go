package cose

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestHKDFVectors derives the content keys of the working group's messages
// whose recipients use HKDF with HMAC-SHA-256, with the function that derives
// an entry's keys.
func TestHKDFVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dataDir(t, "cose-wg"), "hkdf-hmac-sha-examples", "hmac-sha-256-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		type recipient struct {
			Key         struct{ K string }
			Unprotected struct{ Salt string }
		}
		var v struct {
			Input         map[string]json.RawMessage
			Intermediates struct {
				CEK        string `json:"CEK_hex"`
				Recipients []struct {
					Context string `json:"Context_hex"`
				}
			}
		}
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			var from []recipient
			for _, kind := range []string{"enveloped", "mac"} {
				var message struct{ Recipients []recipient }
				if v.Input[kind] != nil && json.Unmarshal(v.Input[kind], &message) == nil {
					from = message.Recipients
				}
			}
			if len(from) != 1 || len(v.Intermediates.Recipients) != 1 {
				t.Fatalf("%d recipients", len(from))
			}
			secret, err := base64.RawURLEncoding.DecodeString(from[0].Key.K)
			if err != nil {
				t.Fatal(err)
			}
			want := unhex(t, v.Intermediates.CEK)
			context := unhex(t, v.Intermediates.Recipients[0].Context)
			got, err := hkdf.Key(sha256.New, secret, []byte(from[0].Unprotected.Salt), string(context), len(want))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("key %x, want %x, %v", got, want, err)
			}
		})
	}
	if len(files) < 14 {
		t.Errorf("%d vectors", len(files))
	}
}
