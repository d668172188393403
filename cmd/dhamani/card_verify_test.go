package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func TestCardVerify(t *testing.T) {
	dir := t.TempDir()
	if _, code, err := typed(t, dir, "", "card", "verify"); code != exitUnreachable {
		t.Fatalf("no agent: exit %d, %v", code, err)
	}
	backend := apitest.New()
	serveBackend(t, dir, backend)
	if _, code, err := typed(t, dir, "", "card", "verify"); code != exitNoCard || !errors.Is(err, errNoVisitHere) {
		t.Fatalf("no card: exit %d, %v", code, err)
	}
	backend.Tap(apitest.Patient(time.Now()))
	for name, tt := range map[string]struct {
		lines string
		args  []string
		says  string // a part of the answer
		code  string // of the agent's refusal
	}{
		"by the card": {"", nil, "verified by finger 1, compared by the card", ""},
		"by the host": {"", []string{"--way", "host"}, "", "finger_other"},
		"by the PIN":  {"1234\n", []string{"--pin"}, "verified by the PIN", ""},
		"wrong PIN":   {"4321\n", []string{"--pin"}, "", "verify_wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := typed(t, dir, tt.lines, append([]string{"card", "verify"}, tt.args...)...)
			refused, _ := errors.AsType[*localapi.Error](err)
			switch {
			case tt.code == "" && (err != nil || !strings.Contains(out, tt.says)):
				t.Errorf("%v, said %q", err, out)
			case tt.code != "" && (refused == nil || refused.Code != tt.code):
				t.Errorf("%v, want %s", err, tt.code)
			}
		})
	}
	for _, args := range [][]string{{"--way", "other"}, {"--pin", "--way", "card"}} {
		if _, code, err := typed(t, dir, "", append([]string{"card", "verify"}, args...)...); code != cli.ExitUsage {
			t.Errorf("%v: exit %d, %v", args, code, err)
		}
	}
	out, _, err := typed(t, dir, "", "card", "verify", "--json")
	var answer verified
	if err != nil || json.Unmarshal([]byte(out), &answer) != nil || answer.By != "finger" || answer.Finger == nil || answer.Finger.Way != agent.OnCard {
		t.Errorf("JSON: %v, %s", err, out)
	}
}
