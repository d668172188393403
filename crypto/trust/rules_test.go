package trust

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

func rulesOf(number uint32, text string) Rules {
	return Rules{Format: RulesFormat, Number: number, Issued: now, Text: text}
}

func TestRules(t *testing.T) {
	key, author, left := newKey(t), newKey(t), newKey(t)
	revoked := listed(&left.PublicKey, UsageTerms, "left")
	revoked.Revoked = now
	s := storeOf(t, listed(&key.PublicKey, UsageTerms, "terms"), listed(&author.PublicKey, UsageAuthor, "dr"), revoked)
	want := rulesOf(2, "قاعدة\n")
	raw, err := SignRules(key, RulesAlerts, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Rules(RulesAlerts, raw); err != nil || got != want {
		t.Fatalf("%+v, %v", got, err)
	}
	sign := func(by *ecdsa.PrivateKey, r Rules) []byte {
		t.Helper()
		raw, err := SignRules(by, RulesAlerts, r)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	// plain signs what SignRules does not.
	plain := func(w rulesWire) []byte {
		t.Helper()
		payload, err := cose.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		return signPayload(t, key, payload, aadRules+RulesAlerts)
	}
	late := want
	late.Issued = now.AddDate(2, 0, 0)
	cover, err := SignRules(key, RulesCover, want)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(raw)
	changed[len(changed)/3] ^= 1
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"another usage":     {sign(author, want), ErrUnknownKey},
		"revoked":           {sign(left, want), ErrKeyRevoked},
		"unknown":           {sign(newKey(t), want), ErrUnknownKey},
		"after the key":     {sign(key, late), ErrKeyExpired},
		"of the other kind": {cover, ErrSignature},
		"cut":               {raw[:len(raw)-1], ErrFormat},
		"nothing":           {nil, ErrFormat},
		"one byte changed":  {changed, ErrSignature},
		"a later format":    {plain(rulesWire{Format: 2, Number: 2, Text: "x"}), ErrRulesFormat},
		"no format":         {plain(rulesWire{Number: 2, Text: "x"}), ErrFormat},
		"the first":         {plain(rulesWire{Format: 1, Number: 1, Text: "x"}), ErrFormat},
		"too long":          {plain(rulesWire{Format: 1, Number: 2, Text: strings.Repeat("x", MaxRules+1)}), ErrTooLarge},
	} {
		if _, err := s.Rules(RulesAlerts, c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		r    Rules
		want error
	}{
		"the first": {rulesOf(1, ""), ErrFormat}, "bad text": {rulesOf(2, "\xff"), ErrFormat},
		"no time": {Rules{Format: 1, Number: 2}, ErrFormat}, "another format": {Rules{Format: 2, Number: 2, Issued: now}, ErrRulesFormat},
		"long text": {rulesOf(2, strings.Repeat("x", MaxRules+1)), ErrTooLarge},
	} {
		if _, err := SignRules(key, RulesAlerts, c.r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRules(f *testing.F) {
	key := newKey(f)
	s := storeOf(f, listed(&key.PublicKey, UsageTerms, ""))
	raw, err := SignRules(key, RulesCover, rulesOf(3, "{}"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payloadOf(f, raw))
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := s.Rules(RulesCover, signPayload(t, key, payload, aadRules+RulesCover))
		if err != nil {
			return
		}
		out, err := SignRules(key, RulesCover, r)
		if err != nil || !bytes.Equal(payloadOf(t, out), payload) {
			t.Fatalf("rules that were read are written otherwise: %v", err)
		}
	})
}
