package main

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/operators"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/piv"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/operator"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
	"github.com/dhamani-iq/dhamani/internal/testpiv"
)

// cardsByReader are PIV cards that are in no PC/SC reader.
type cardsByReader map[string]*testpiv.Card

func (c cardsByReader) Free(context.Context) ([]string, error) {
	var names []string
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func (c cardsByReader) Connect(ctx context.Context, reader string) (card.Transport, error) {
	if c[reader] == nil {
		return nil, card.ErrNoCard
	}
	return c[reader].Connect(ctx)
}

func TestPIVOperators(t *testing.T) {
	c := newCentre(t)
	h, err := home.Load(c.enrolled(t, 101, cvc.RoleReceptionist))
	if err != nil {
		t.Fatal(err)
	}
	mine, other := testpiv.New(t), testpiv.New(t)
	readers := cardsByReader{"empty": nil, "left": mine, "right": other}
	o := operators.Of(h).In(readers)
	pin := redact.NewString(testpiv.PIN)
	if _, err := o.RequestPIV(t.Context(), "huda", "Dr Huda", pin); !errors.Is(err, operators.ErrManyCards) {
		t.Fatal(err)
	}
	delete(readers, "right")
	if _, err := o.RequestPIV(t.Context(), "huda", "Dr Huda", redact.NewString("999999")); !errors.Is(err, operator.ErrSecret) {
		t.Fatal(err)
	}
	if list, err := o.List(); err != nil || len(list) != 0 {
		t.Fatalf("a wrong PIN makes an operator: %v, %v", list, err)
	}
	raw, err := o.RequestPIV(t.Context(), "huda", "Dr Huda", pin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Open(t.Context(), "huda", pin); !errors.Is(err, operator.ErrNotGranted) {
		t.Fatal(err)
	}
	request := filepath.Join(t.TempDir(), "request")
	for range 2 { // the second one renewed
		if err := os.WriteFile(request, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		grant, err := os.ReadFile(c.answer(t, request, cvc.RolePhysician))
		if err != nil {
			t.Fatal(err)
		}
		if ref, err := o.Accept(grant); err != nil || ref.Kind != "piv" || ref.Role != "physician" {
			t.Fatalf("%+v, %v", ref, err)
		}
		if raw, err = o.Renew(t.Context(), "huda", pin); err != nil {
			t.Fatal(err)
		}
	}

	readers["right"] = other // is left alone
	op, err := o.Open(t.Context(), "huda", pin)
	if err != nil || op.Reader != "left" || op.Role != "physician" {
		t.Fatalf("%+v, %v", op.Reader, err)
	}
	again, err := o.Open(t.Context(), "huda", pin)
	if err != nil || again.Vault == op.Vault || op.Vault == [32]byte{} {
		t.Fatalf("the vault of one sign-in opens what the other has kept: %v", err)
	}
	again.Close()
	digest := sha256.Sum256([]byte("an entry"))
	if sig, err := op.Author.Signer.Sign(rand.Reader, digest[:], nil); err != nil || !ecdsa.VerifyASN1(mine.Key(0x9C), digest[:], sig) {
		t.Fatalf("author: %v", err)
	}
	if sig, err := op.Terminal.Signer.Sign(rand.Reader, digest[:], nil); err != nil || !ecdsa.VerifyASN1(mine.Key(0x9A), digest[:], sig) {
		t.Fatalf("terminal: %v", err)
	}
	op.Close()
	if _, err := op.Author.Signer.Sign(rand.Reader, digest[:], nil); !errors.Is(err, piv.ErrClosed) {
		t.Fatalf("signed out, the card signs: %v", err)
	}
	if _, pins := other.Counts(); pins != 0 {
		t.Error("another's card has seen a PIN")
	}

	for name, tt := range map[string]struct {
		readers operators.Readers
		pin     string
		want    error
		code    string
	}{
		"wrong PIN":            {readers, "999999", operator.ErrSecret, "operator_secret"},
		"a passphrase":         {readers, "my old passphrase", operator.ErrSecret, "operator_secret"},
		"another's card":       {cardsByReader{"right": other}, testpiv.PIN, operator.ErrNoCard, "operator_card_absent"},
		"no card":              {cardsByReader{"empty": nil}, testpiv.PIN, operator.ErrNoCard, "operator_card_absent"},
		"the other reader":     {operators.Only(readers, "right"), testpiv.PIN, operator.ErrNoCard, "operator_card_absent"},
		"a reader of the name": {operators.Only(readers, "left"), testpiv.PIN, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			op, err := operators.Of(h).In(tt.readers).Open(t.Context(), "huda", redact.NewString(tt.pin))
			if !errors.Is(err, tt.want) || err != nil && agent.Classify(err).Code != tt.code {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if err == nil {
				op.Close()
			}
		})
	}
	for range testpiv.Tries {
		_, err = o.Open(t.Context(), "huda", redact.NewString("999999"))
	}
	if !errors.Is(err, piv.ErrPINBlocked) || agent.Classify(err).Code != "operator_card_blocked" {
		t.Errorf("three wrong ones: %v", err)
	}
	if err := o.ChangePassphrase("huda", pin, redact.NewString("a new passphrase")); !errors.Is(err, operator.ErrKind) {
		t.Error(err)
	}
}

// TestPIVThroughReaders is a physician with a PIV card in one reader and a
// patient's card in the other: request, grant, a card read in the physician's
// role, sign-in at an agent, and what taking the PIV card out does.
func TestPIVThroughReaders(t *testing.T) {
	testpcsc.Use(t)
	c := newCentre(t)
	soft, issued := c.issued(t, testPatient())
	dir := c.enrolled(t, 101, cvc.RoleReceptionist)
	token := testpiv.New(t)
	slots := testpcsc.Slots()
	remove := token.Plug(t, slots[1].Addr)
	request := filepath.Join(t.TempDir(), "huda.cbor")
	ask := []string{"operator", "request", "huda", "--name", "Dr Huda", "--piv", "-o", request}

	// The service sees a card within 0.4 s.
	within(t, func() error {
		_, code, err := typed(t, dir, "999999\n", ask...)
		if errors.Is(err, operator.ErrSecret) && code == exitRefused {
			return nil
		}
		return cmp.Or(err, errors.New("a wrong PIN is taken"))
	})
	if left := token.Left(); left != testpiv.Tries-1 {
		t.Fatalf("%d tries left", left)
	}
	if out, _, err := typed(t, dir, testpiv.PIN+"\n", append(ask, "--reader", slots[1].Reader)...); err != nil || strings.Contains(out, testpiv.PIN) {
		t.Fatalf("%v: %s", err, out)
	}
	if _, code, err := typed(t, dir, testpiv.PIN+"\n", "operator", "request", "huda", "--renew", "--piv"); code != cli.ExitUsage {
		t.Fatalf("exit code %d: %v", code, err)
	}
	if out, _, err := typed(t, dir, "", "operator", "accept", c.answer(t, request, cvc.RolePhysician)); err != nil || !strings.Contains(out, "as physician") {
		t.Fatalf("%v: %s", err, out)
	}
	plug(t, soft)
	out, _, err := typed(t, dir, testpiv.PIN+"\n", "card", "read", "--operator", "huda", "--reader", slots[0].Reader, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var got cardRecord
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Card != issued.Card || got.Role != "physician" || got.Summary == nil || len(got.Entries) != 2 {
		t.Fatalf("%v: %s", err, out)
	}

	serveAgent(t, dir)
	if out, _, err := typed(t, dir, testpiv.PIN+"\n", "operator", "sign-in", "huda"); err != nil || !strings.Contains(out, "Dr Huda is signed in as physician") {
		t.Fatalf("%v: %s", err, out)
	}
	remove()
	within(t, func() error {
		out, _, err := typed(t, dir, "", "operator", "status")
		if err == nil && !strings.Contains(out, "Nobody is signed in") {
			err = errors.New(out)
		}
		return err
	})
	if _, code, err := typed(t, dir, testpiv.PIN+"\n", "operator", "sign-in", "huda"); err == nil {
		t.Fatalf("exit code %d: signs in without the card", code)
	}
}

// serveAgent builds and runs an agent on a folder until the test ends.
func serveAgent(t *testing.T, dir string) {
	t.Helper()
	if err := home.Change(dir, func(c *home.Config) { c.Listen = "127.0.0.1:0" }); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dhamanid")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../dhamanid").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), path, "run", "--home", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	within(t, func() error {
		_, _, err := typed(t, dir, "", "operator", "status")
		return err
	})
}

// within tries for a while.
func within(t *testing.T, try func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
