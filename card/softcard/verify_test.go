package softcard

import (
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

// family is a card with two persons, a PIN and two fingers: the PIN and the
// first finger count for both, the second finger for the child alone.
type family struct {
	p       *programme
	c       *Card
	pub     *ecdh.PublicKey
	fingers [2][]dot
	random  *rand.Rand
}

var testPIN = []byte("271828")

func newFamily(tb testing.TB, opts Options) *family {
	tb.Helper()
	f := &family{p: newProgramme(tb), c: New(opts), random: rand.New(rand.NewPCG(7, 8))} // #nosec G404 -- made-up fingers
	ctx := context.Background()
	b, err := card.OpenBlank(ctx, f.c.Transport())
	if err != nil {
		tb.Fatal(err)
	}
	if f.pub, err = b.GenerateKey(ctx); err != nil {
		tb.Fatal(err)
	}
	steps := []error{
		b.WriteFile(ctx, card.FileSecurity, f.p.security), b.WriteFile(ctx, card.FileID, f.p.identity),
		b.PutAnchor(ctx, f.p.anchor.Raw), b.PutDate(ctx, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)),
		b.PutKeys(ctx, 0, f.p.keys), b.PutKeys(ctx, 1, f.p.keys), b.PutPIN(ctx, record.PersonsOf(0, 1), testPIN),
	}
	for i := range f.fingers {
		f.fingers[i] = newFinger(f.random, 40)
		steps = append(steps, b.PutFinger(ctx, card.Template{
			Finger:  card.Finger{Ref: uint8(card.FirstFinger + i), Persons: record.PersonsOf(0, 1) >> i << i, Finger: card.Position(2 + 5*i)}, // #nosec G115 -- two
			Compact: plainPress(f.random, f.fingers[i]),
		}))
	}
	_, err = b.WriteSummary(ctx, 0, f.p.summary)
	for i, err := range append(steps, err, b.Activate(ctx)) {
		if err != nil {
			tb.Fatalf("step %d: %v", i, err)
		}
	}
	return f
}

func (f *family) open(tb testing.TB, role cvc.Roles, rights cvc.Rights) *card.Session {
	tb.Helper()
	return open(tb, f.c, f.pub, f.p.terminal(tb, role, rights, "2026-03-01", "2026-06-01"))
}

func (f *family) print(i int) []byte { return plainPress(f.random, f.fingers[i]) }

// wantKeys asks for the keys of a person and whether the sensitive one is there.
func wantKeys(tb testing.TB, s *card.Session, person uint8, sensitive bool) {
	tb.Helper()
	keys, err := s.Keys(tb.Context(), person)
	if err != nil {
		tb.Fatal(err)
	}
	if _, got := keys[record.SectionSensitive]; got != sensitive {
		tb.Errorf("person %d: sensitive key %v, want %v", person, got, sensitive)
	}
}

// TestSensitive: the sensitive key of a person comes after a verification that
// counts for them, to a physician, in that session only.
func TestSensitive(t *testing.T) {
	ctx := t.Context()
	f := newFamily(t, Options{})
	for name, tt := range map[string]struct {
		role   cvc.Roles
		verify func(s *card.Session) error
		holder bool
		child  bool
	}{
		"nothing":              {cvc.RolePhysician, func(*card.Session) error { return nil }, false, false},
		"PIN":                  {cvc.RolePhysician, func(s *card.Session) error { return s.VerifyPIN(ctx, testPIN) }, true, true},
		"finger of a guardian": {cvc.RolePhysician, func(s *card.Session) error { return s.VerifyFinger(ctx, 0x11, f.print(0)) }, true, true},
		"finger of the child":  {cvc.RolePhysician, func(s *card.Session) error { return s.VerifyFinger(ctx, 0x12, f.print(1)) }, false, true},
		"match on the host":    {cvc.RolePhysician, func(s *card.Session) error { return s.AssertFinger(ctx, 0x12, 40) }, false, true},
		"PIN, but a nurse":     {cvc.RoleNurse, func(s *card.Session) error { return s.VerifyPIN(ctx, testPIN) }, false, false},
		"PIN, but an issuer":   {cvc.RoleIssuer, func(s *card.Session) error { return s.VerifyPIN(ctx, testPIN) }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := f.open(t, tt.role, cvc.RightHostMatch)
			wantKeys(t, s, 0, false)
			if err := tt.verify(s); err != nil {
				t.Fatal(err)
			}
			wantKeys(t, s, 0, tt.holder)
			wantKeys(t, s, 1, tt.child)
			wantKeys(t, f.open(t, tt.role, cvc.RightHostMatch), 0, false)
		})
	}
}

// TestHostMatchRight: without the right, no template and no assertion.
func TestHostMatchRight(t *testing.T) {
	ctx := t.Context()
	s := newFamily(t, Options{}).open(t, cvc.RolePhysician, cvc.AllRights&^cvc.RightHostMatch)
	if err := s.AssertFinger(ctx, 0x11, 40); !errors.Is(err, card.ErrSecurityStatus) {
		t.Errorf("%v", err)
	}
	if _, err := s.Templates(ctx); !errors.Is(err, card.ErrSecurityStatus) {
		t.Errorf("templates: %v", err)
	}
	wantKeys(t, s, 0, false)
}

func TestWrongAfterRight(t *testing.T) {
	ctx := t.Context()
	s := newFamily(t, Options{}).open(t, cvc.RolePhysician, 0)
	if err := s.VerifyPIN(ctx, testPIN); err != nil {
		t.Fatal(err)
	}
	if err := s.VerifyPIN(ctx, []byte("0000")); err == nil {
		t.Fatal("wrong PIN taken")
	}
	wantKeys(t, s, 0, false)
}

// left wants an error that leaves n tries.
func left(tb testing.TB, err error, n int) {
	tb.Helper()
	if failed, ok := errors.AsType[*card.VerifyError](err); !ok || failed.Left != n {
		tb.Errorf("%v, want %d tries left", err, n)
	}
}

func TestPIN(t *testing.T) {
	ctx := t.Context()
	f := newFamily(t, Options{})
	s := f.open(t, cvc.RoleReceptionist, 0)
	if n, verified, err := s.Tries(ctx, card.RefPIN); n != 3 || verified || err != nil {
		t.Fatalf("%d tries, %v, %v", n, verified, err)
	}
	left(t, s.VerifyPIN(ctx, []byte("0000")), 2)
	left(t, s.ChangePIN(ctx, []byte("27182"), []byte("1111")), 1)
	for _, form := range []string{"", "123", "123456789", "12a4", "١٢٣٤"} {
		if err := s.VerifyPIN(ctx, []byte(form)); !errors.Is(err, card.ErrPINForm) {
			t.Errorf("%q: %v", form, err)
		}
	}
	if err := s.VerifyPIN(ctx, testPIN); err != nil {
		t.Fatal(err)
	}
	if _, verified, err := s.Tries(ctx, card.RefPIN); !verified || err != nil {
		t.Fatalf("%v, %v", verified, err)
	}
	chosen := []byte("31415926")
	if err := s.ChangePIN(ctx, testPIN, chosen); err != nil {
		t.Fatal(err)
	}
	s = f.open(t, cvc.RolePhysician, 0)
	left(t, s.VerifyPIN(ctx, testPIN), 2)
	left(t, s.VerifyPIN(ctx, testPIN), 1)
	left(t, s.VerifyPIN(ctx, testPIN), 0)
	for _, err := range []error{s.VerifyPIN(ctx, chosen), s.ChangePIN(ctx, chosen, testPIN)} {
		if !errors.Is(err, card.ErrVerifyBlocked) {
			t.Errorf("blocked PIN: %v", err)
		}
	}
	if n, verified, err := s.Tries(ctx, card.RefPIN); n != 0 || verified || err != nil {
		t.Errorf("%d tries, %v, %v", n, verified, err)
	}
	for role, rights := range map[cvc.Roles]cvc.Rights{cvc.RolePhysician: cvc.AllRights, cvc.RoleIssuer: cvc.AllRights &^ cvc.RightUnblock} {
		s := f.open(t, role, rights)
		if err := s.UnblockPIN(ctx, testPIN); !errors.Is(err, card.ErrSecurityStatus) {
			t.Errorf("unblock as %v: %v", role, err)
		}
	}
	s = f.open(t, cvc.RoleIssuer, cvc.RightUnblock)
	if err := s.UnblockPIN(ctx, nil); err != nil {
		t.Fatal(err)
	}
	left(t, s.VerifyPIN(ctx, testPIN), 2)
	if err := s.UnblockPIN(ctx, testPIN); err != nil {
		t.Fatal(err)
	}
	if err := s.VerifyPIN(ctx, testPIN); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPIN(ctx, record.PersonsOf(1), chosen); err != nil {
		t.Fatal(err)
	}
	s = f.open(t, cvc.RolePhysician, 0)
	if err := s.VerifyPIN(ctx, chosen); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s, 0, false)
	wantKeys(t, s, 1, true)
}

func TestFingers(t *testing.T) {
	ctx := t.Context()
	f := newFamily(t, Options{})
	s := f.open(t, cvc.RolePhysician, cvc.RightHostMatch)
	known, err := s.Biometrics(ctx)
	if err != nil || fmt.Sprint(known) != "[{17 3 2} {18 2 7}]" {
		t.Fatalf("%v, %v", known, err)
	}
	templates, err := s.Templates(ctx)
	if err != nil || len(templates) != 2 || templates[1].Finger != known[1] || len(templates[0].Compact) < 3*card.MinMinutiae {
		t.Fatalf("%v, %v", templates, err)
	}
	for want := 9; want >= 0; want-- {
		left(t, s.VerifyFinger(ctx, 0x11, f.print(1)), want)
	}
	if err := s.VerifyFinger(ctx, 0x12, f.print(1)); !errors.Is(err, card.ErrVerifyBlocked) {
		t.Errorf("blocked fingers: %v", err)
	}
	if err := s.VerifyFinger(ctx, 0x13, f.print(1)); !errors.Is(err, card.ErrNoReference) {
		t.Errorf("finger that is not enrolled: %v", err)
	}
	if err := s.VerifyFinger(ctx, 0x11, make([]byte, 30)); !errors.Is(err, card.ErrRejected) {
		t.Errorf("ten minutiae: %v", err)
	}
	issuer := f.open(t, cvc.RoleIssuer, cvc.RightUnblock)
	if err := issuer.UnblockFingers(ctx); err != nil {
		t.Fatal(err)
	}
	another := newFinger(f.random, 40)
	if err := issuer.SetFinger(ctx, card.Template{
		Finger: card.Finger{Ref: 0x18, Persons: 1, Finger: 10}, Compact: plainPress(f.random, another),
	}); err != nil {
		t.Fatal(err)
	}
	if err := issuer.VerifyFinger(ctx, 0x18, plainPress(f.random, another)); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyProtocol looks at the commands themselves.
func TestVerifyProtocol(t *testing.T) {
	f := newFamily(t, Options{})
	h := newHost(t, f.c)
	pin := append([]byte{0, 0x20, 0, 1, 8}, "271828\xFF\xFF"...)
	if r := h.raw(pin); r.SW != apdu.SWSecurityStatus {
		t.Errorf("PIN in plain: %v", r.SW)
	}
	h.chip(f.pub)
	if sw := h.secure(apdu.Command{INS: insVerify, P2: 1, Data: pin[5:]}).SW; sw != apdu.SWSecurityStatus {
		t.Errorf("PIN to a terminal that did not authenticate: %v", sw)
	}
	h = newHost(t, f.c)
	h.authenticate(f.pub, f.p.terminal(t, cvc.RoleIssuer, cvc.AllRights, "2026-03-01", "2026-06-01"))
	for name, tt := range map[string]struct {
		cmd  apdu.Command
		want apdu.SW
	}{
		"tries":                  {apdu.Command{INS: 0x20, P2: 1}, 0x63C3},
		"tries of a finger":      {apdu.Command{INS: 0x20, P2: 0x12}, 0x63CA},
		"tries of no finger":     {apdu.Command{INS: 0x20, P2: 0x19}, 0x6A88},
		"P1":                     {apdu.Command{INS: 0x20, P1: 1, P2: 1}, 0x6A86},
		"P1 of a finger":         {apdu.Command{INS: 0x21, P1: 1, P2: 0x11}, 0x6A86},
		"finger by a PIN":        {apdu.Command{INS: 0x20, P2: 0x11, Data: pin[5:]}, 0x6A86},
		"short PIN":              {apdu.Command{INS: 0x20, P2: 1, Data: pin[5:12]}, 0x6A80},
		"hole in a PIN":          {apdu.Command{INS: 0x20, P2: 1, Data: []byte("12\xFF345\xFF\xFF")}, 0x6A80},
		"three digits":           {apdu.Command{INS: 0x20, P2: 1, Data: []byte("123\xFF\xFF\xFF\xFF\xFF")}, 0x6A80},
		"finger without object":  {apdu.Command{INS: 0x21, P2: 0x11, Data: []byte{1}}, 0x6A80},
		"finger of three bytes":  {apdu.Command{INS: 0x21, P2: 0x11, Data: []byte{0x7F, 0x2E, 5, 0x81, 3, 1, 1, 1}}, 0x6A80},
		"change another":         {apdu.Command{INS: 0x24, P2: 2}, 0x6A86},
		"change to nothing":      {apdu.Command{INS: 0x24, P2: 1, Data: pin[5:]}, 0x6A80},
		"reset otherwise":        {apdu.Command{INS: 0x2C, P1: 1, P2: 1}, 0x6A86},
		"reset with no PIN":      {apdu.Command{INS: 0x2C, P1: 2, P2: 1}, 0x6A80},
		"reset tries with a PIN": {apdu.Command{INS: 0x2C, P1: 3, P2: 1, Data: pin[5:]}, 0x6700},
		"PIN for nobody":         {apdu.Command{INS: 0xDA, P1: 1, P2: 0x60, Data: append([]byte{0x80, 2, 0, 0, 0x81, 8}, pin[5:]...)}, 0x6A80},
		"finger for nobody":      {apdu.Command{INS: 0xDA, P1: 1, P2: 0x61, Data: []byte{0x7F, 0x60, 0}}, 0x6A80},
		"assertion of no finger": {apdu.Command{INS: 0xDA, P1: 1, P2: 0x62, Data: []byte{0x83, 1, 0x15, 0x85, 1, 40}}, 0x6A88},
		"assertion of nothing":   {apdu.Command{INS: 0xDA, P1: 1, P2: 0x62, Data: []byte{0x83, 1, 0x15}}, 0x6A80},
		"audit as an object":     {apdu.Command{INS: 0xCA, P1: 1, P2: 0x06, Ne: 256}, 0x6A88},
		"write the audit":        {apdu.Command{INS: 0xD6, P1: 0x86, Data: []byte{1}}, 0x6985},
		"write the templates":    {apdu.Command{INS: 0xD6, P1: 0x85, Data: []byte{1}}, 0x6985},
	} {
		if sw := h.secure(tt.cmd).SW; sw != tt.want {
			t.Errorf("%s: %v, want %v", name, sw, tt.want)
		}
	}
	if got := f.c.state.tries; got != fullTries {
		t.Errorf("something of it was a try: %+v", got)
	}
	plain := New(Options{})
	p := newProgramme(t)
	s := open(t, plain, p.personalise(t, plain), p.physician(t))
	for _, err := range []error{s.VerifyPIN(t.Context(), testPIN), s.ChangePIN(t.Context(), testPIN, testPIN), s.VerifyFinger(t.Context(), 0x11, f.print(0))} {
		if !errors.Is(err, card.ErrNoReference) {
			t.Errorf("card without references: %v", err)
		}
	}
}

// TestVerifyTorn cuts the power at every point of a right and a wrong
// verification: an interrupted try is never a wrong one, and what is learnt by
// cutting the power is paid for with interruptions.
func TestVerifyTorn(t *testing.T) {
	f := newFamily(t, Options{})
	image := f.c.Image()
	term := f.p.terminal(t, cvc.RolePhysician, cvc.AllRights, "2026-03-01", "2026-06-01")
	visit := func(opts Options, pin []byte) (*Card, error) {
		c, err := Load(image, opts)
		if err != nil {
			t.Fatal(err)
		}
		s, err := card.Open(t.Context(), c.Transport())
		if err == nil {
			err = s.Authenticate(t.Context(), f.pub, term)
		}
		if err == nil {
			err = s.VerifyPIN(t.Context(), pin)
		}
		return c, err
	}
	points, interrupted := 0, 0
	for _, pin := range [][]byte{testPIN, []byte("0000")} {
		for k := 0; ; k++ {
			seen := 0
			c, err := visit(Options{Cut: cutAt(k, &seen)}, pin)
			if !errors.Is(err, card.ErrRemoved) {
				break
			}
			points++
			again, err := Load(c.Image(), Options{})
			if err != nil {
				t.Fatalf("cut %d: %v", k, err)
			}
			got, answered := again.state.tries[kindPIN], false
			if got.interrupted != fullTries[kindPIN].interrupted {
				interrupted++
			}
			// Only after its last write may the outcome count as wrong.
			if string(pin) != string(testPIN) {
				answered = got == tries{left: 2, interrupted: 10}
			}
			if got != fullTries[kindPIN] && got != (tries{left: 3, interrupted: 9}) && !answered {
				t.Fatalf("cut %d: %+v", k, got)
			}
		}
	}
	t.Logf("%d cut points over verifications, %d of them counted as interruptions", points, interrupted)
	if interrupted == 0 {
		t.Fatal("no cut fell into a comparison")
	}
}

// TestInterruptions: who cuts the power before every outcome is written has no
// more guesses than tries and interruptions together.
func TestInterruptions(t *testing.T) {
	f := newFamily(t, Options{})
	image, term := f.c.Image(), f.p.terminal(t, cvc.RolePhysician, 0, "2026-03-01", "2026-06-01")
	guesses := 0
	for ; guesses < 100; guesses++ {
		compared := 0
		c, err := Load(image, Options{Cut: func(p CutPoint) bool {
			// The second write of VERIFY is that of the outcome.
			if p.INS == insVerify && p.Kind == CutBeforeWrite {
				compared++
			}
			return compared == 2
		}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := card.Open(t.Context(), c.Transport())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Authenticate(t.Context(), f.pub, term); err != nil {
			t.Fatal(err)
		}
		err = s.VerifyPIN(t.Context(), testPIN)
		image = c.Image()
		if errors.Is(err, card.ErrVerifyBlocked) {
			break
		}
		if !errors.Is(err, card.ErrRemoved) {
			t.Fatal(err)
		}
	}
	if want := int(fullTries[kindPIN].left + fullTries[kindPIN].interrupted); guesses != want {
		t.Errorf("%d guesses, want %d", guesses, want)
	}
}

// TestReferencesTorn cuts the power at every point of changing, setting and
// unblocking: afterwards the old PIN or the new one is right, with its tries,
// and a PIN that changed has a line that says so.
func TestReferencesTorn(t *testing.T) {
	ctx := t.Context()
	f := newFamily(t, Options{})
	chosen, another := []byte("31415926"), plainPress(f.random, newFinger(f.random, 40))
	issuer := f.p.terminal(t, cvc.RoleIssuer, cvc.AllRights, "2026-03-01", "2026-06-01")
	image, points := f.c.Image(), 0
	for name, change := range map[string]func(s *card.Session) error{
		"change":  func(s *card.Session) error { return s.ChangePIN(ctx, testPIN, chosen) },
		"unblock": func(s *card.Session) error { return s.UnblockPIN(ctx, chosen) },
		"set":     func(s *card.Session) error { return s.SetPIN(ctx, record.PersonsOf(0, 1), chosen) },
		"finger": func(s *card.Session) error {
			return s.SetFinger(ctx, card.Template{Finger: card.Finger{Ref: 0x11, Persons: 1, Finger: 2}, Compact: another})
		},
	} {
		for k := 0; ; k++ {
			seen := 0
			c, err := Load(image, Options{Cut: cutAt(k, &seen)})
			if err != nil {
				t.Fatal(err)
			}
			s, err := card.Open(ctx, c.Transport())
			if err == nil {
				err = s.Authenticate(ctx, f.pub, issuer)
			}
			if err == nil {
				err = change(s)
			}
			if err == nil {
				break
			}
			if !errors.Is(err, card.ErrRemoved) {
				t.Fatalf("%s, cut %d: %v", name, k, err)
			}
			points++
			again, err := Load(c.Image(), Options{})
			if err != nil {
				t.Fatalf("%s, cut %d: %v", name, k, err)
			}
			s = open(t, again, f.pub, issuer)
			old, changed := s.VerifyPIN(ctx, testPIN), s.VerifyPIN(ctx, chosen)
			if (old == nil) == (changed == nil) {
				t.Fatalf("%s, cut %d: old PIN %v, new PIN %v", name, k, old, changed)
			}
			if changed == nil && len(events(t, again)) == 0 {
				t.Fatalf("%s, cut %d: the PIN changed without a line", name, k)
			}
			templates, err := s.Templates(ctx)
			if err != nil || len(templates) != 2 {
				t.Fatalf("%s, cut %d: %d templates, %v", name, k, len(templates), err)
			}
		}
	}
	t.Logf("%d cut points over changes of PIN and fingers", points)
}
