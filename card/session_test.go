package card_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

var logSizes = []int{700, 1999, 1, 2000, 600}

func TestTap(t *testing.T) {
	p := newProgramme(t)
	c := p.issue(t, 0xA1, logSizes...)
	desk := p.terminal(t, cvc.RolePhysician, cvc.RightAppend)
	entry := marked(0xA1, 640)
	got, err := tap(t.Context(), c.Transport(), desk, entry)
	if err != nil {
		t.Fatal(err)
	}
	if !got.only(0xA1) || got.info.ID != c.ID() || len(got.id) != 1200 || len(got.summary) != 900 || len(got.photo) != 6144 {
		t.Errorf("files: %d, %d, %d bytes", len(got.id), len(got.summary), len(got.photo))
	}
	var sizes []int
	for _, e := range slices.Backward(got.entries) {
		sizes = append(sizes, len(e))
	}
	if !slices.Equal(sizes, logSizes) {
		t.Errorf("entries of %v bytes", sizes)
	}
	want := []record.Section{record.SectionCoverage, record.SectionSummary, record.SectionMedication, record.SectionLaboratory, record.SectionClinical}
	for _, s := range want {
		if len(got.keys[s]) != 32 {
			t.Errorf("no key of section %v", s)
		}
	}
	if len(got.keys) != len(want) {
		t.Errorf("%d keys", len(got.keys))
	}
	again, err := tap(t.Context(), c.Transport(), desk, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.head != got.appended || len(again.entries) != len(logSizes)+1 || !bytes.Equal(again.entries[0], entry) {
		t.Errorf("second tap: head %+v with %d entries", again.head, len(again.entries))
	}
}

// What was known is not read again.
func TestTapKnown(t *testing.T) {
	p := newProgramme(t)
	c := p.issue(t, 1, logSizes...)
	desk := p.terminal(t, cvc.RolePhysician, cvc.AllRights)
	first, err := tap(t.Context(), c.Transport(), desk, marked(1, 300))
	if err != nil {
		t.Fatal(err)
	}
	s := authenticated(t, c, desk)
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, n := s.Stats().APDUs, 0
	err = s.Entries(t.Context(), head, first.head, func(seq uint32, sealed []byte) error {
		n++
		if seq != head.Seq || len(sealed) != 300 {
			t.Errorf("entry %d of %d bytes", seq, len(sealed))
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Fatalf("%d entries, %v", n, err)
	}
	if used := s.Stats().APDUs - before; used > 3 {
		t.Errorf("%d APDUs for one entry", used)
	}
}

func authenticated(tb testing.TB, c *softcard.Card, desk card.Terminal) *card.Session {
	tb.Helper()
	ctx := context.Background()
	s, err := card.Open(ctx, c.Transport())
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := s.Security(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	pub, err := parseSecurity(raw, s.Info().ID)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Authenticate(ctx, pub, desk); err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestRoles(t *testing.T) {
	p := newProgramme(t)
	c := p.issue(t, 1, 100)
	s := authenticated(t, c, p.terminal(t, cvc.RoleReceptionist, 0))
	ctx := t.Context()
	if _, err := s.ReadFile(ctx, card.FileID); err != nil {
		t.Errorf("identity: %v", err)
	}
	if _, err := s.ReadFile(ctx, card.FileSummary); !errors.Is(err, card.ErrSecurityStatus) {
		t.Errorf("summary: %v", err)
	}
	if _, err := s.Append(ctx, 1, []byte{1}); !errors.Is(err, card.ErrSecurityStatus) {
		t.Errorf("append: %v", err)
	}
	if _, err := s.WriteSummary(ctx, 1, []byte{1}); !errors.Is(err, card.ErrSecurityStatus) {
		t.Errorf("write summary: %v", err)
	}
	if err := s.Block(ctx); !errors.Is(err, card.ErrSecurityStatus) {
		t.Errorf("block: %v", err)
	}
	keys, err := s.Keys(ctx, 0)
	if err != nil || len(keys) != 1 || keys[record.SectionCoverage] == nil {
		t.Errorf("keys %d, %v", len(keys), err)
	}
	if err := s.Authenticate(ctx, nil, card.Terminal{Signer: p.anchorKey}); err == nil {
		t.Error("authenticated twice")
	}
}

func TestWriting(t *testing.T) {
	p := newProgramme(t)
	c := p.issue(t, 1)
	s := authenticated(t, c, p.terminal(t, cvc.RolePhysician, cvc.AllRights))
	ctx := t.Context()
	h, err := s.Append(ctx, 0, marked(1, 2000))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(ctx, 0, marked(1, 10)); !errors.Is(err, card.ErrSequence) {
		t.Errorf("old sequence: %v", err)
	}
	for {
		next, err := s.Append(ctx, h.Seq, marked(1, 2000))
		if errors.Is(err, card.ErrFull) {
			break
		}
		if err != nil || next != h.Next(marked(1, 2000)) {
			t.Fatalf("entry %d: %+v, %v", h.Seq+1, next, err)
		}
		h = next
	}
	if h.Free() >= 2002 {
		t.Errorf("full with %d bytes free", h.Free())
	}
	if _, err := s.WriteSummary(ctx, 0, marked(1, 10)); !errors.Is(err, card.ErrSequence) {
		t.Errorf("old summary version: %v", err)
	}
	for version := h.SummaryVersion; version < 4; version++ {
		if h, err = s.WriteSummary(ctx, version, marked(byte(version), card.MaxSummary-int(version))); err != nil {
			t.Fatal(err)
		}
		got, err := s.ReadFile(ctx, card.FileSummary)
		if err != nil || !bytes.Equal(got, marked(byte(version), card.MaxSummary-int(version))) {
			t.Fatalf("summary %d: %d bytes, %v", version, len(got), err)
		}
	}
	n := 0
	if err := s.Entries(ctx, h, card.Head{}, func(uint32, []byte) error { n++; return nil }); err != nil || n != int(h.Seq) {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestAuthenticateRefused(t *testing.T) {
	p, other := newProgramme(t), newProgramme(t)
	c := p.issue(t, 1, 100)
	clone, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := p.terminal(t, cvc.RolePhysician, 0)
	wrongKey := good
	wrongKey.Signer = p.anchorKey
	skipped := card.Terminal{Chain: good.Chain[1:], Signer: good.Signer}
	for _, tt := range []struct {
		name string
		t    card.Terminal
		key  *ecdh.PublicKey
		step card.Step
		want error
	}{
		{"other programme", other.terminal(t, cvc.RolePhysician, 0), nil, card.StepCertificate, card.ErrSecurityStatus},
		{"facility skipped", skipped, nil, card.StepReference, card.ErrDataNotFound},
		{"terminal key not its own", wrongKey, nil, card.StepTerminal, card.ErrSecurityStatus},
		{"card is a clone", good, clone.PublicKey(), "", card.ErrSecureMessaging},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := card.Open(t.Context(), c.Transport())
			if err != nil {
				t.Fatal(err)
			}
			raw, err := s.Security(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			key := tt.key
			if key == nil {
				if key, err = parseSecurity(raw, s.Info().ID); err != nil {
					t.Fatal(err)
				}
			}
			err = s.Authenticate(t.Context(), key, tt.t)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			var auth *card.AuthError
			if tt.step != "" && (!errors.As(err, &auth) || auth.Step != tt.step) {
				t.Fatalf("got %v, want step %q", err, string(tt.step))
			}
			if _, err := s.Keys(t.Context(), 0); err == nil {
				t.Fatal("keys without authentication")
			}
		})
	}
	s, err := card.Open(t.Context(), c.Transport())
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]card.Terminal{
		"no key":             {Chain: good.Chain},
		"no chain":           {Signer: good.Signer},
		"endless chain":      {Chain: make([][]byte, 9), Signer: good.Signer},
		"chain of something": {Chain: [][]byte{{0x30, 0x00}}, Signer: good.Signer},
		"certificate cut":    {Chain: [][]byte{good.Chain[0][:40]}, Signer: good.Signer},
	} {
		if err := s.Authenticate(t.Context(), clone.PublicKey(), bad); err == nil || s.Stats().APDUs != 1 {
			t.Errorf("%s: %v after %d APDUs", name, err, s.Stats().APDUs)
		}
	}
}

func TestLifeCycle(t *testing.T) {
	p := newProgramme(t)
	c := p.issue(t, 1, 100)
	ctx := t.Context()
	issuer := p.terminal(t, cvc.RoleIssuer, cvc.AllRights)
	if _, err := card.OpenBlank(ctx, c.Transport()); !errors.Is(err, card.ErrNotBlank) {
		t.Fatalf("open as blank: %v", err)
	}
	s := authenticated(t, c, issuer)
	if err := s.Block(ctx); err != nil || s.Info().State != card.StateBlocked {
		t.Fatalf("block: %v, %v", s.Info().State, err)
	}
	s = authenticated(t, c, p.terminal(t, cvc.RolePhysician, 0))
	if s.Info().State != card.StateBlocked || !errors.Is(s.Info().State.Err(), card.ErrBlocked) {
		t.Fatalf("blocked card: %v", s.Info().State)
	}
	if _, err := s.ReadFile(ctx, card.FileID); err == nil {
		t.Fatal("identity of a blocked card")
	}
	if err := s.Unblock(ctx); !errors.Is(err, card.ErrSecurityStatus) {
		t.Fatalf("unblock without the right: %v", err)
	}
	s = authenticated(t, c, issuer)
	if err := s.Unblock(ctx); err != nil {
		t.Fatalf("unblock: %v", err)
	}
	if _, err := tap(ctx, c.Transport(), p.terminal(t, cvc.RolePhysician, 0), nil); err != nil {
		t.Fatalf("tap after unblocking: %v", err)
	}
	s = authenticated(t, c, issuer)
	if err := s.Terminate(ctx); err != nil {
		t.Fatalf("terminate: %v", err)
	}
	s, err := card.Open(ctx, c.Transport())
	if err != nil || s.Info().State != card.StateTerminated {
		t.Fatalf("open terminated: %v", err)
	}
	if err := s.Authenticate(ctx, nil, issuer); !errors.Is(err, card.ErrTerminated) {
		t.Fatalf("authenticate to terminated: %v", err)
	}
}

func TestBlankRefuses(t *testing.T) {
	ctx := t.Context()
	b, err := card.OpenBlank(ctx, softcard.New(softcard.Options{}).Transport())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Activate(ctx); !errors.Is(err, card.ErrConditions) {
		t.Errorf("activate an empty card: %v", err)
	}
	if err := b.PutKeys(ctx, 0, map[record.Section][]byte{0: make([]byte, 32)}); err == nil {
		t.Error("one key of six")
	}
	if err := b.WriteFile(ctx, card.FileLog, []byte{1}); !errors.Is(err, card.ErrFileNotFound) {
		t.Errorf("write the log as a file: %v", err)
	}
	if err := b.WriteFile(ctx, card.FileSecurity, make([]byte, 513)); !errors.Is(err, card.ErrEntryTooLarge) {
		t.Errorf("write too much: %v", err)
	}
	if err := b.PutAnchor(ctx, []byte("not a certificate")); !errors.Is(err, card.ErrRejected) {
		t.Errorf("anchor: %v", err)
	}
	if _, err := b.Append(ctx, 7, []byte{1}); !errors.Is(err, card.ErrSequence) {
		t.Errorf("append at another sequence: %v", err)
	}
}
