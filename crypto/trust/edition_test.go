package trust

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

func editionOf(number uint32, text string) Edition {
	return Edition{Number: number, Issued: now, Before: [32]byte{1}, After: [32]byte{2}, Rows: []uint32{7, 0, 70000}, Text: text}
}

func TestEdition(t *testing.T) {
	key, other, author := newKey(t), newKey(t), newKey(t)
	revoked := listed(&other.PublicKey, UsageTerms, "left")
	revoked.Revoked = now
	s := storeOf(t, listed(&key.PublicKey, UsageTerms, "terms"), listed(&author.PublicKey, UsageAuthor, "dr"), revoked)
	want := editionOf(2, "كلمة\n")
	raw, err := SignEdition(key, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Edition(raw)
	if err != nil || got.Number != 2 || !got.Issued.Equal(now) || got.Before != want.Before || got.After != want.After || got.Text != want.Text || len(got.Rows) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	sign := func(by *ecdsa.PrivateKey, e Edition) []byte {
		t.Helper()
		raw, err := SignEdition(by, e)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	late := want
	late.Issued = now.AddDate(2, 0, 0)
	flip := func(at int) []byte {
		b := bytes.Clone(raw)
		b[at] ^= 1
		return b
	}
	block, err := SignBlockList(key, BlockList{Version: 1, Issued: now})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"another usage":     {sign(author, want), ErrUnknownKey},
		"revoked":           {sign(other, want), ErrKeyRevoked},
		"unknown":           {sign(newKey(t), want), ErrUnknownKey},
		"after the key":     {sign(key, late), ErrKeyExpired},
		"cut":               {raw[:len(raw)-1], ErrFormat},
		"nothing":           {nil, ErrFormat},
		"one byte changed":  {flip(len(raw) / 2), ErrSignature},
		"signature changed": {flip(len(raw) - 1), ErrSignature},
		"a block list":      {block, ErrSignature},
	} {
		if _, err := s.Edition(c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, e := range map[string]Edition{
		"the first": editionOf(1, ""), "no slots": {Number: 2, Issued: now}, "no time": {Number: 2, Rows: []uint32{1}},
		"bad text": editionOf(2, "\xff"), "long text": editionOf(2, strings.Repeat("x", MaxEdition+1)),
	} {
		if _, err := SignEdition(key, e); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzEdition(f *testing.F) {
	key := newKey(f)
	s := storeOf(f, listed(&key.PublicKey, UsageTerms, ""))
	raw, err := SignEdition(key, editionOf(3, "finding\ticd10\tX59\t-\ta\tb\tc\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payloadOf(f, raw))
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := s.Edition(signPayload(t, key, payload, aadEdition))
		if err != nil {
			return
		}
		out, err := SignEdition(key, e)
		if err != nil || !bytes.Equal(payloadOf(t, out), payload) {
			t.Fatalf("an edition that was read is written otherwise: %v", err)
		}
		if _, err := cose.ParseSign1(out); err != nil {
			t.Fatal(err)
		}
	})
}
