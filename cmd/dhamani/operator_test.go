package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/operator"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestOperatorCommands(t *testing.T) {
	c := newCentre(t)
	dir := c.enrolled(t, 101, cvc.RoleReceptionist)
	request := filepath.Join(t.TempDir(), "amal.cbor")
	const old, fresh = "the first passphrase", "the second passphrase"

	for name, tt := range map[string]struct {
		lines string
		args  []string
		code  int
		want  error
	}{
		"neither new nor known": {old, []string{"operator", "request", "amal"}, cli.ExitUsage, nil},
		"weak passphrase":       {"short\n", []string{"operator", "request", "amal", "--name", "Dr Amal", "-o", request}, cli.ExitFailed, operator.ErrWeak},
		"no passphrase":         {"", []string{"operator", "request", "amal", "--name", "Dr Amal", "-o", request}, cli.ExitFailed, errNoSecret},
		"bad identifier":        {old, []string{"operator", "request", "Dr.Amal", "--name", "Dr Amal", "-o", request}, cli.ExitFailed, operator.ErrID},
		"nobody":                {old, []string{"operator", "request", "amal", "--renew", "-o", request}, exitRefused, operator.ErrUnknown},
		"nobody's passphrase":   {old + "\n" + fresh, []string{"operator", "passphrase", "amal"}, exitRefused, operator.ErrUnknown},
		"removes nobody":        {"", []string{"operator", "remove", "amal"}, exitRefused, operator.ErrUnknown},
		"no reason":             {"", []string{"visit", "without-card", "3WQ6NP2DF1W8G", "--photo-checked"}, cli.ExitUsage, nil},
		"photo not compared":    {"", []string{"visit", "without-card", "3WQ6NP2DF1W8G", "--reason", "lost"}, cli.ExitUsage, nil},
		"no patient's number":   {"", []string{"visit", "without-card", "x", "--reason", "lost", "--photo-checked"}, cli.ExitUsage, nil},
		"visit without agent":   {"", []string{"visit", "without-card", "3WQ6NP2DF1W8G", "--reason", "lost", "--photo-checked"}, exitUnreachable, nil},
		"no agent":              {old, []string{"operator", "sign-in", "amal"}, exitUnreachable, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if out, code, err := typed(t, dir, tt.lines, tt.args...); code != tt.code || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("exit code %d, want %d: %v\n%s", code, tt.code, err, out)
			}
		})
	}
	if _, err := os.Stat(request); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a refused command left a request: %v", err)
	}

	if out, _, err := typed(t, dir, old+"\n", "operator", "request", "amal", "--name", "Dr Amal", "-o", request); err != nil || strings.Contains(out, old) {
		t.Fatalf("%v: %s", err, out)
	}
	if out, _, err := typed(t, dir, "", "operator", "list"); err != nil || !strings.Contains(out, "no grant yet") {
		t.Fatalf("%v: %s", err, out)
	}
	grant := c.answer(t, request, cvc.RoleNurse)
	if out, _, err := typed(t, dir, "", "operator", "accept", grant); err != nil || !strings.Contains(out, "amal (Dr Amal) may sign in as nurse") {
		t.Fatalf("%v: %s", err, out)
	}
	if _, _, err := typed(t, c.enrolled(t, 102, cvc.RoleReceptionist), "", "operator", "accept", grant); !errors.Is(err, home.ErrGrant) {
		t.Fatalf("another workstation accepts the grant: %v", err)
	}

	if _, code, err := typed(t, dir, "a wrong passphrase\n"+fresh+"\n", "operator", "passphrase", "amal"); code != exitRefused || !errors.Is(err, operator.ErrSecret) {
		t.Fatalf("exit code %d: %v", code, err)
	}
	if _, _, err := typed(t, dir, old+"\n"+fresh+"\n", "operator", "passphrase", "amal"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := typed(t, dir, fresh+"\n", "operator", "request", "amal", "--renew", "-o", request); err != nil {
		t.Fatal(err)
	}
	if _, _, err := typed(t, dir, "", "operator", "accept", c.answer(t, request, cvc.RolePhysician)); err != nil {
		t.Fatal(err)
	}
	out, _, err := typed(t, dir, "", "operator", "list", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var list []agent.OperatorRef
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 || list[0].Role != "physician" || list[0].Kind != "passphrase" {
		t.Fatalf("%v: %s", err, out)
	}
	if _, _, err := typed(t, dir, "", "operator", "remove", "amal"); err != nil {
		t.Fatal(err)
	}
	if out, _, err := typed(t, dir, "", "operator", "list"); err != nil || out != "" {
		t.Fatalf("%v: %s", err, out)
	}
}

// answer is the centre's grant for an operator's request, in a file.
func (c centre) answer(t *testing.T, request string, role cvc.Roles) string {
	t.Helper()
	raw, err := os.ReadFile(request)
	if err != nil {
		t.Fatal(err)
	}
	req := new(wire.OperatorRequest)
	if err := wire.Decode(raw, req); err != nil {
		t.Fatal(err)
	}
	grant, err := c.EnrolOperator(t.Context(), req, authority.OperatorOptions{Role: role, Rights: authority.RightsOf(role)})
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = wire.Encode(grant); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "grant.cbor")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
