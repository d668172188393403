package piv_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/card/piv"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
	"github.com/dhamani-iq/dhamani/internal/testpiv"
)

func keysOf(c *testpiv.Card) piv.Keys {
	return piv.Keys{Authentication: c.Key(0x9A), Signature: c.Key(0x9C)}
}

func newToken(t *testing.T, c *testpiv.Card) *piv.Token {
	t.Helper()
	token, err := piv.NewToken(t.Context(), c.Connect, keysOf(c), redact.NewString(testpiv.PIN))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(token.Close)
	return token
}

func TestTokenSigns(t *testing.T) {
	c := testpiv.New(t)
	token := newToken(t, c)
	digest := sha256.Sum256([]byte("an entry"))
	for _, slot := range []piv.Slot{piv.SlotAuthentication, piv.SlotSignature, piv.SlotSignature} {
		signer := token.Signer(slot)
		sig, err := signer.Sign(nil, digest[:], nil)
		if err != nil {
			t.Fatal(err)
		}
		if !ecdsa.VerifyASN1(signer.Public().(*ecdsa.PublicKey), digest[:], sig) || !c.Key(byte(slot)).Equal(signer.Public()) {
			t.Errorf("slot %v: wrong signature or key", slot)
		}
		if c.Verified() {
			t.Errorf("slot %v: the card still goes by the PIN", slot)
		}
	}
	if _, err := token.Signer(piv.SlotSignature).Sign(nil, digest[:20], nil); err == nil {
		t.Error("signs a digest of 20 bytes")
	}
	if text := fmt.Sprintf("%v %+v %#v", token, token.Signer(piv.SlotSignature), struct{ T *piv.Token }{token}); strings.Contains(text, testpiv.PIN) {
		t.Error("the PIN prints")
	}
	_, before := c.Counts()
	token.Close()
	if _, err := token.Signer(piv.SlotSignature).Sign(nil, digest[:], nil); !errors.Is(err, piv.ErrClosed) {
		t.Errorf("closed token: %v", err)
	}
	if _, after := c.Counts(); after != before {
		t.Error("a closed token gives the PIN")
	}
}

// The PIN goes to the card with the operator's keys only, and a wrong one once.
func TestTokenRefuses(t *testing.T) {
	right, other := testpiv.New(t), testpiv.New(t)
	for name, tt := range map[string]struct {
		pin  string
		keys piv.Keys
		want error
		pins int
	}{
		"letters":    {"secret", keysOf(right), piv.ErrPINForm, 0},
		"short":      {"12345", keysOf(right), piv.ErrPINForm, 0},
		"long":       {"123456789", keysOf(right), piv.ErrPINForm, 0},
		"other card": {testpiv.PIN, keysOf(other), piv.ErrOtherCard, 0},
		"keys swapped": {
			testpiv.PIN, piv.Keys{Authentication: right.Key(0x9C), Signature: right.Key(0x9A)}, piv.ErrOtherCard, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, before := right.Counts()
			_, err := piv.NewToken(t.Context(), right.Connect, tt.keys, redact.NewString(tt.pin))
			if _, after := right.Counts(); !errors.Is(err, tt.want) || after != before {
				t.Errorf("%v, %d PINs given", err, after-before)
			}
		})
	}
	for left := testpiv.Tries - 1; left > 0; left-- {
		_, err := piv.NewToken(t.Context(), right.Connect, keysOf(right), redact.NewString("000000"))
		if wrong, ok := errors.AsType[*piv.PINError](err); !ok || wrong.Left != left {
			t.Fatalf("%v, want %d tries left", err, left)
		}
	}
	for range 2 {
		if _, err := piv.NewToken(t.Context(), right.Connect, keysOf(right), redact.NewString("000000")); !errors.Is(err, piv.ErrPINBlocked) {
			t.Fatal(err)
		}
	}
}

// A swap for another card never shows the PIN to it.
func TestSwappedCardSeesNoPIN(t *testing.T) {
	t.Run("with numbers", func(t *testing.T) { swapCards(t, testpiv.New(t), testpiv.New(t)) })
	t.Run("without numbers", func(t *testing.T) {
		first, second := testpiv.New(t), testpiv.New(t)
		for _, c := range []*testpiv.Card{first, second} {
			c.SetObject(0x5FC102, nil)
		}
		swapCards(t, first, second)
	})
}

func swapCards(t *testing.T, first, second *testpiv.Card) {
	t.Helper()
	now := first
	token, err := piv.NewToken(t.Context(), func(ctx context.Context) (card.Transport, error) { return now.Connect(ctx) },
		keysOf(first), redact.NewString(testpiv.PIN))
	if err != nil {
		t.Fatal(err)
	}
	now = second
	digest := sha256.Sum256(nil)
	if _, err := token.Signer(piv.SlotSignature).Sign(nil, digest[:], nil); !errors.Is(err, piv.ErrOtherCard) {
		t.Fatal(err)
	}
	if _, pins := second.Counts(); pins != 0 {
		t.Fatal("the other card has seen the PIN")
	}
	now = first
	if _, err := token.Signer(piv.SlotSignature).Sign(nil, digest[:], nil); err != nil {
		t.Fatalf("the first card again: %v", err)
	}
}

// losing is a transport that loses the answer to a VERIFY with a PIN.
type losing struct{ card.Transport }

func (l losing) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	answer, err := l.Transport.Transmit(ctx, cmd)
	if err == nil && cmd[1] == 0x20 && len(cmd) > 5 {
		return nil, card.ErrTransport
	}
	return answer, err
}

// A card that has taken the PIN, and could not say so, forgets it too.
func TestLostAnswerLeavesNoPIN(t *testing.T) {
	c := testpiv.New(t)
	lose := false
	token, err := piv.NewToken(t.Context(), func(ctx context.Context) (card.Transport, error) {
		transport, err := c.Connect(ctx)
		if lose {
			transport = losing{transport}
		}
		return transport, err
	}, keysOf(c), redact.NewString(testpiv.PIN))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(token.Close)
	digest := sha256.Sum256(nil)
	lose = true
	if _, err := token.Signer(piv.SlotSignature).Sign(nil, digest[:], nil); !errors.Is(err, card.ErrTransport) {
		t.Fatal(err)
	}
	if c.Verified() {
		t.Error("the card still goes by the PIN")
	}
	lose = false
	if _, err := token.Signer(piv.SlotSignature).Sign(nil, digest[:], nil); err != nil {
		t.Errorf("the next signature: %v", err)
	}
}

// A card taken away at any command is a removal, never a wrong PIN.
func TestRemovedAtEachCommand(t *testing.T) {
	c := testpiv.New(t)
	token := newToken(t, c)
	digest := sha256.Sum256(nil)
	before, _ := c.Counts()
	if _, err := token.Signer(piv.SlotSignature).Sign(nil, digest[:], nil); err != nil {
		t.Fatal(err)
	}
	after, _ := c.Counts()
	for n := range after - before - 1 { // without the last one the signature is there
		c.RemoveAfter(n)
		if _, err := token.Signer(piv.SlotSignature).Sign(nil, digest[:], nil); !errors.Is(err, card.ErrRemoved) {
			t.Errorf("removed behind %d commands: %v", n, err)
		}
		c.RemoveAfter(-1)
		c.Reset()
		if _, err := token.Signer(piv.SlotSignature).Sign(nil, digest[:], nil); err != nil {
			t.Errorf("put back: %v", err)
		}
	}
	if c.Left() != testpiv.Tries {
		t.Errorf("%d tries left", c.Left())
	}
}

func TestObjects(t *testing.T) {
	const certificate, chuid = tlv.Tag(0x5FC105), tlv.Tag(0x5FC102)
	good := testpiv.New(t)
	keys, err := piv.ReadKeys(t.Context(), good.Connect)
	if err != nil || !keys.Authentication.Equal(good.Key(0x9A)) || !keys.Signature.Equal(good.Key(0x9C)) {
		t.Fatal(err)
	}
	opened := open(t, good.Connect)
	cert, err := opened.Certificate(t.Context(), piv.SlotAuthentication)
	if err != nil {
		t.Fatal(err)
	}
	zipped := func(raw []byte) []byte {
		var out bytes.Buffer
		zw := gzip.NewWriter(&out)
		_, _ = zw.Write(raw)
		_ = zw.Close()
		return slices.Concat(tlv.Make(0x70, out.Bytes()), tlv.Make(0x71, []byte{1}), tlv.Make(0xFE))
	}
	for name, tt := range map[string]struct {
		tag     tlv.Tag
		content []byte
		want    error
	}{
		"compressed":               {certificate, zipped(cert.Raw), nil},
		"compressed without end":   {certificate, zipped(make([]byte, 1<<20)), piv.ErrMalformed},
		"no certificate":           {certificate, nil, piv.ErrNoCertificate},
		"empty certificate":        {certificate, []byte{}, piv.ErrNoCertificate},
		"certificate of rubbish":   {certificate, tlv.Make(0x70, []byte{1, 2, 3}), piv.ErrMalformed},
		"certificate beyond bound": {certificate, tlv.Make(0x70, make([]byte, 12000)), piv.ErrMalformed},
		"object beyond bound":      {certificate, tlv.Make(0x70, make([]byte, 20000)), piv.ErrMalformed},
		"no chuid":                 {chuid, nil, nil},
		"short guid":               {chuid, tlv.Make(0x34, make([]byte, 15)), piv.ErrMalformed},
		"cut chuid":                {chuid, []byte{0x34, 16, 1}, piv.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			c := testpiv.New(t)
			c.SetObject(tt.tag, tt.content)
			card := open(t, c.Connect)
			var err error
			if tt.tag == chuid {
				_, err = card.GUID(t.Context())
			} else {
				_, err = card.Certificate(t.Context(), piv.SlotAuthentication)
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func open(t *testing.T, connect piv.Connect) *piv.Card {
	t.Helper()
	tr, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := piv.Open(t.Context(), tr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// answers is a card that gives the same answer to everything.
type answers struct {
	raw    []byte
	closed bool
}

func (a *answers) Transmit(context.Context, []byte) ([]byte, error) { return a.raw, nil }
func (a *answers) ATR() []byte                                      { return nil }
func (a *answers) Close() error                                     { a.closed = true; return nil }

func TestOpenRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  []byte
		want error
	}{
		"not found":          {[]byte{0x6A, 0x82}, piv.ErrNotPIV},
		"nothing selected":   {[]byte{0x90, 0x00}, piv.ErrNotPIV},
		"other application":  {[]byte{0x61, 5, 0x4F, 3, 1, 2, 3, 0x90, 0x00}, piv.ErrNotPIV},
		"torn":               {nil, card.ErrRemoved},
		"announces for ever": {[]byte{0x61, 0x10}, piv.ErrMalformed},
		"answers for ever":   {append(make([]byte, 256), 0x61, 0x00), piv.ErrMalformed},
		"more than asked":    {append(make([]byte, 300), 0x90, 0x00), piv.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			a := &answers{raw: tt.raw}
			if _, err := piv.Open(t.Context(), a); !errors.Is(err, tt.want) || !a.closed {
				t.Errorf("%v, want %v; closed %v", err, tt.want, a.closed)
			}
		})
	}
}

// TestOpenSC has another implementation of the standard use the emulated card,
// and ours the same card behind it, through the real service.
func TestOpenSC(t *testing.T) {
	tools := make(map[string]string)
	for _, name := range []string{"pkcs11-tool", "pkcs15-tool", "piv-tool"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("no OpenSC: %v", err)
		}
		tools[name] = path
	}
	testpcsc.Use(t)
	slot := testpcsc.Slots()[0]
	c := testpiv.New(t)
	c.Plug(t, slot.Addr)
	token := throughReader(t, c, slot.Reader)
	digest := sha256.Sum256([]byte("an entry"))
	if _, err := token.Signer(piv.SlotSignature).Sign(nil, digest[:], nil); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, tools[name], args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	if out := run("piv-tool", "--reader", slot.Reader, "--name"); !strings.Contains(out, "PIV") && !strings.Contains(out, "Personal Identity") {
		t.Errorf("piv-tool: %s", out)
	}
	if out := run("pkcs15-tool", "--reader", slot.Reader, "--read-certificate", "01"); !strings.Contains(out, "BEGIN CERTIFICATE") {
		t.Errorf("pkcs15-tool: %s", out)
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "digest"), filepath.Join(dir, "signature")
	if err := os.WriteFile(in, digest[:], 0o600); err != nil {
		t.Fatal(err)
	}
	for id, key := range map[string]byte{"01": 0x9A, "02": 0x9C} {
		run("pkcs11-tool", "--slot-index", "0", "--login", "--pin", testpiv.PIN, "--sign", "--mechanism", "ECDSA", "--id", id,
			"--signature-format", "openssl", "--input-file", in, "--output-file", out)
		signature, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !ecdsa.VerifyASN1(c.Key(key), digest[:], signature) {
			t.Errorf("slot %02X: OpenSC's signature is wrong", key)
		}
	}
}

// throughReader opens a card through the service, which takes up to 0.4 s to
// see it.
func throughReader(t *testing.T, c *testpiv.Card, reader string) *piv.Token {
	t.Helper()
	service := pcsc.New(slog.New(slog.DiscardHandler))
	connect := func(ctx context.Context) (card.Transport, error) { return service.Connect(ctx, reader) }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		token, err := piv.NewToken(ctx, connect, keysOf(c), redact.NewString(testpiv.PIN))
		if err == nil {
			t.Cleanup(token.Close)
			return token
		}
		if !errors.Is(err, card.ErrNoCard) && !errors.Is(err, card.ErrRemoved) {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
