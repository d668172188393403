package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
)

// TestCardRead issues a card, puts it into a virtual reader and reads it with
// the certificates of several workstations.
func TestCardRead(t *testing.T) {
	testpcsc.Use(t)
	c := newCentre(t)
	soft, issued := c.issued(t, testPatient())
	// Enrolled after the issuer, so that their trust lists name it.
	physician := c.enrolled(t, 101, cvc.RolePhysician)
	reception := c.enrolled(t, 102, cvc.RoleReceptionist)
	stranger := newCentre(t).enrolled(t, 101, cvc.RolePhysician)
	plug(t, soft)

	run := func(t *testing.T, dir string, args ...string) (string, error) {
		t.Helper()
		out, _, err := typed(t, dir, testPassphrase+"\n", args...)
		return out, err
	}
	read := func(t *testing.T, dir string, args ...string) (got cardRecord) {
		t.Helper()
		out, err := run(t, dir, append(args, "--json")...)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}

	t.Run("physician", func(t *testing.T) {
		got := read(t, physician, asOperator...)
		if got.Patient != issued.Patient || got.Card != issued.Card || got.Identity.Names.Latin.Family != "Holder" {
			t.Errorf("read %+v", got)
		}
		if got.Summary == nil || len(got.Summary.Allergies) != 1 {
			t.Errorf("summary %+v", got.Summary)
		}
		if len(got.Entries) != 2 || got.Entries[0].ID != issued.Entries[1] || got.Entries[1].ID != issued.Entries[0] {
			t.Fatalf("entries %+v, want %v from the last to the first", got.Entries, issued.Entries)
		}
		for i, want := range []string{"I10", "J20.9"} {
			e := got.Entries[i]
			if e.Problem != "" || e.Entry == nil || e.Entry.Diagnoses[0].Code.Value != want {
				t.Errorf("entry %d: %+v, want diagnosis %s", i, e, want)
			}
		}
	})
	t.Run("another person", func(t *testing.T) {
		got := read(t, physician, append(slices.Clone(asOperator), "--person", "2")...)
		if got.Person != 2 || got.Summary != nil || len(got.Entries) != 0 {
			t.Errorf("the child has %d entries, summary %v", len(got.Entries), got.Summary)
		}
		out, err := run(t, physician, append(slices.Clone(asOperator), "--person", "2")...)
		if err != nil || !strings.Contains(out, "Test Child") {
			t.Errorf("%v\n%s", err, out)
		}
		if _, err := run(t, physician, append(slices.Clone(asOperator), "--person", "3")...); !errors.Is(err, envelope.ErrPerson) {
			t.Errorf("a person whom the card does not carry: %v", err)
		}
	})
	t.Run("table", func(t *testing.T) {
		out, err := run(t, physician, asOperator...)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Test Holder", issued.Card.String(), issued.Patient.String(), "J20.9"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
	})
	t.Run("reception", func(t *testing.T) {
		got := read(t, reception, "card", "read")
		if alone := read(t, physician, "card", "read"); alone.Role != "receptionist" || alone.Summary != nil {
			t.Errorf("a workstation without its operator reads as %s, summary %v", alone.Role, alone.Summary != nil)
		}
		if got.Identity == nil || got.Summary != nil {
			t.Errorf("a receptionist reads identity %v, summary %v", got.Identity != nil, got.Summary != nil)
		}
		for _, e := range got.Entries {
			if e.Entry != nil && len(e.Entry.Diagnoses) > 0 {
				t.Error("a receptionist reads a diagnosis")
			}
		}
	})
	t.Run("another centre", func(t *testing.T) {
		out, err := run(t, stranger, "card", "read")
		if code, _ := table.Judge(err); code != exitUntrusted {
			t.Errorf("a card of an unknown issuer: %v\n%s", err, out)
		}
	})
	t.Run("info", func(t *testing.T) {
		for dir, want := range map[string]string{
			physician:   trustGood,
			stranger:    "issuer is not in the trust list",
			t.TempDir(): trustUnchecked,
		} {
			out, err := run(t, dir, "card", "info")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out, want) || !strings.Contains(out, "operational") {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
	})
}
