package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/crypto/claim"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/qr"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
	"github.com/dhamani-iq/dhamani/record"
)

// TestClaim makes a claim from a card in a virtual reader at one workstation
// and checks the picture at others.
func TestClaim(t *testing.T) {
	testpcsc.Use(t)
	c := newCentre(t)
	patient := testPatient()
	patient.Identity.Phone = "+9647701112233"
	patient.Cover = &record.Cover{Payer: "Dhamani", Plan: "A", Member: "DH-0042-7781"}
	soft, issued := c.issued(t, patient)
	maker := c.enrolled(t, 101, cvc.RoleReceptionist)
	later := c.enrolled(t, 102, cvc.RoleReceptionist)
	stranger := newCentre(t).enrolled(t, 101, cvc.RolePhysician)
	plug(t, soft)

	run := func(t *testing.T, dir, stdin string, args ...string) (string, error) {
		t.Helper()
		out, _, err := typed(t, dir, stdin, args...)
		return out, err
	}
	picture := filepath.Join(t.TempDir(), "claim.png")
	out, err := run(t, maker, "", "claim", "make", "--png", picture, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var made claimAnswer
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	if made.Patient != issued.Patient || made.Text == "" || made.Identity.Phone != "" {
		t.Fatalf("made %s", out)
	}

	t.Run("terminal", func(t *testing.T) {
		out, err := run(t, maker, "", "claim", "make", "--days", "1")
		if err != nil || !strings.Contains(out, "▄") || !strings.Contains(out, "good until") {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err = run(t, maker, "", "claim", "make", "--text"); err != nil || !strings.HasPrefix(out, claim.Prefix) {
			t.Fatalf("%v\n%s", err, out)
		}
		if _, err := run(t, maker, "", "claim", "make", "--days", "31"); err == nil {
			t.Error("a claim for 31 days")
		}
	})
	t.Run("verify", func(t *testing.T) {
		for _, source := range []struct{ file, stdin string }{{picture, ""}, {"-", made.Text + "\r\n"}} {
			out, err := run(t, later, source.stdin, "claim", "verify", source.file, "--json")
			if err != nil {
				t.Fatal(err)
			}
			var got claimAnswer
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if !got.Verified || got.Patient != issued.Patient || got.Facility != 101 || got.Author == "" ||
				got.Identity.Names.Latin.Family != "Holder" || got.Cover.Member != "DH-0042-7781" {
				t.Errorf("%s", out)
			}
		}
		out, err := run(t, later, "", "claim", "verify", picture)
		if err != nil || !strings.Contains(out, "good, by") || !strings.Contains(out, "Test Holder") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("show", func(t *testing.T) {
		out, err := run(t, t.TempDir(), "", "claim", "show", picture)
		if err != nil || !strings.Contains(out, "NOT CHECKED") || !strings.Contains(out, "Test Holder") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("refuse", func(t *testing.T) {
		noCode := filepath.Join(t.TempDir(), "other.png")
		raw, err := os.ReadFile(picture)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(noCode, raw[:len(raw)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name, dir, file, stdin string
			want                   error
			code                   int
		}{
			{"another centre", stranger, picture, "", trust.ErrUnknownKey, exitUntrusted},
			{"a vaccination certificate", later, "-", "HC1:ABC", claim.ErrPrefix, exitRefused},
			{"half a code", later, "-", made.Text[:99], claim.ErrFormat, exitRefused},
			{"half a picture", later, noCode, "", nil, 1},
			{"not enrolled", t.TempDir(), picture, "", home.ErrNotEnrolled, 1},
		} {
			out, err := run(t, tt.dir, tt.stdin, "claim", "verify", tt.file)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%s: %v", tt.name, err)
			}
			code, next := table.Judge(err)
			if code != tt.code || next == "" {
				t.Errorf("%s: exit %d, next %q", tt.name, code, next)
			}
			if strings.Contains(out, "Holder") {
				t.Errorf("%s: tells the name", tt.name)
			}
			if tt.name == "half a picture" && !errors.Is(err, qr.ErrImage) && !errors.Is(err, qr.ErrNotFound) {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
	})
}
