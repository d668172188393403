package softcard

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// events gives the lines of a card without what differs from run to run.
func events(tb testing.TB, c *Card) []string {
	tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	raw := c.auditLines()
	for ; len(raw) > 0; raw = raw[auditLine:] {
		out = append(out, fmt.Sprintf("%d %v role %d %02X%02X %s", auditNumber(raw), card.AuditEvent(raw[9]>>3), raw[9]&7, raw[10], raw[11], raw[12:23]))
	}
	return out
}

// TestAudit: what a card writes down of a visit, and who may read it.
func TestAudit(t *testing.T) {
	ctx := t.Context()
	f := newFamily(t, Options{})
	s := f.open(t, cvc.RolePhysician, cvc.AllRights)
	for i, err := range []error{
		second(s.Keys(ctx, 0)), second(s.Keys(ctx, 0)), second(s.Keys(ctx, 1)),
		s.AssertFinger(ctx, 0x12, 50), second(s.Keys(ctx, 1)), second(s.Keys(ctx, 1)),
		second(s.Append(ctx, 0, []byte("entry"))), second(s.WriteSummary(ctx, 1, []byte("summary"))),
		s.VerifyPIN(ctx, testPIN), s.ChangePIN(ctx, testPIN, testPIN),
	} {
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	s = f.open(t, cvc.RoleEmergency, 0)
	for range 2 {
		if _, err := s.ReadFile(ctx, card.FileSummary); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Keys(ctx, 0); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.VerifyPIN(ctx, []byte("0000")); err == nil {
			t.Fatal("wrong PIN taken")
		}
	}
	s = f.open(t, cvc.RoleIssuer, cvc.RightUnblock)
	for i, err := range []error{
		s.UnblockPIN(ctx, nil), s.UnblockPIN(ctx, testPIN), s.UnblockFingers(ctx), s.SetPIN(ctx, 1, testPIN), s.Block(ctx), s.Unblock(ctx),
	} {
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	want := []string{
		"1 read role 2 001F IQTERM00001",
		"2 read role 2 011F IQTERM00001",
		"3 host-match role 2 1232 IQTERM00001",
		"4 sensitive role 2 013F IQTERM00001",
		"5 append role 2 0001 IQTERM00001",
		"6 summary role 2 0002 IQTERM00001",
		"7 pin-change role 2 0000 IQTERM00001",
		"8 emergency role 5 0000 IQTERM00001",
		"9 read role 5 0002 IQTERM00001",
		"10 verification-blocked role 5 0100 IQTERM00001",
		"11 reset role 6 0103 IQTERM00001",
		"12 reset role 6 0102 IQTERM00001",
		"13 reset role 6 1003 IQTERM00001",
		"14 reset role 6 0000 IQTERM00001",
		"15 block role 6 0000 IQTERM00001",
		"16 unblock role 6 0000 IQTERM00001",
	}
	if got := events(t, f.c); !slices.Equal(got, want) {
		t.Errorf("lines:\n%v\nwant\n%v", got, want)
	}
	lines, err := s.Audit(ctx)
	if err != nil || len(lines) != len(want) || lines[0].Told.IsZero() || lines[0].Day.Format("060102") != "260201" ||
		lines[7].Role != "emergency" || lines[7].Terminal != "IQTERM00001" || lines[15].Event != card.AuditUnblock {
		t.Fatalf("%v, %v", lines, err)
	}
	s = f.open(t, cvc.RoleReceptionist, 0)
	if _, err := s.Audit(ctx); !errors.Is(err, card.ErrSecurityStatus) {
		t.Errorf("audit to a receptionist: %v", err)
	}
	if err := s.VerifyPIN(ctx, testPIN); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Audit(ctx); err != nil {
		t.Errorf("audit to the holder: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestAuditRing: the newest lines stay.
func TestAuditRing(t *testing.T) {
	ctx := t.Context()
	f := newFamily(t, Options{})
	s := f.open(t, cvc.RolePhysician, cvc.AllRights)
	for i := range uint32(300) {
		if i%50 == 49 { // the memory alone has to tell where the ring stands
			again, err := Load(f.c.Image(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			f.c = again
			s = f.open(t, cvc.RolePhysician, cvc.AllRights)
		}
		if _, err := s.Append(ctx, i, []byte{1}); err != nil {
			t.Fatal(err)
		}
		if i != 100 && i != 299 {
			continue
		}
		lines, err := s.Audit(ctx)
		if want := min(int(i)+1, card.MaxAudit); err != nil || len(lines) != want || lines[want-1].Number != i+1 || lines[0].Number != i+2-uint32(want) {
			t.Fatalf("after %d: %d lines, %v", i+1, len(lines), err)
		}
	}
}

// TestEmergencyTorn: however the power goes, the summary never left the card
// without the line that says so; and a torn line takes no other with it.
func TestEmergencyTorn(t *testing.T) {
	f := newFamily(t, Options{})
	s := f.open(t, cvc.RolePhysician, cvc.AllRights)
	for i := range uint32(card.MaxAudit + 5) {
		if _, err := s.Append(t.Context(), i, []byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	image, before := f.c.Image(), events(t, f.c)
	term := f.p.terminal(t, cvc.RoleEmergency, 0, "2026-03-01", "2026-06-01")
	reads := map[string]apdu.Command{
		"summary": {INS: insReadBinary, P1: 0x83, Ne: 700},
		"key":     {INS: insGetDataDO, P1: 1, P2: 0x50, Data: []byte{0x83, 1, 0}, Ne: 207},
	}
	points, gone := 0, 0
	for name, cmd := range reads {
		for k := 0; ; k++ {
			cut := false
			c, err := Load(image, Options{Cut: func() func(CutPoint) bool {
				n := 0
				return func(p CutPoint) bool {
					if p.INS == cmd.INS {
						n++
					}
					cut = cut || n == k+1
					return n == k+1 && p.INS == cmd.INS
				}
			}()})
			if err != nil {
				t.Fatal(err)
			}
			h := newHost(t, c)
			h.authenticate(f.pub, term)
			wrapped, err := h.sm.WrapCommand(cmd, 0)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := wrapped.Encode()
			if err != nil {
				t.Fatal(err)
			}
			answer, err := h.tr.Transmit(t.Context(), raw)
			if !cut {
				if err != nil || len(answer) < 50 {
					t.Fatalf("%s: %d bytes, %v", name, len(answer), err)
				}
				break
			}
			points++
			if err == nil || len(answer) > 0 {
				t.Fatalf("%s, cut %d: %d bytes left the card", name, k, len(answer))
			}
			again, err := Load(c.Image(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := events(t, again)
			moved := slices.Index(before, got[0])
			if len(got) != card.MaxAudit || moved < 0 || moved > 2 || !slices.Equal(got[:len(got)-moved], before[moved:]) {
				t.Fatalf("%s, cut %d: %d lines, moved by %d", name, k, len(got), moved)
			}
			if moved > 0 {
				gone++
			}
		}
	}
	t.Logf("%d cut points over the reads of an emergency, %d of them after the line was written", points, gone)
	if gone == 0 || gone == points {
		t.Fail()
	}
}
