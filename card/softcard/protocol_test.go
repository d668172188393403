package softcard

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// TestPlainCommands sends single commands to a personalised card whose
// application is selected.
func TestPlainCommands(t *testing.T) {
	p, c, _ := issued(t, Options{})
	sel := append([]byte{0x00, 0xA4, 0x04, 0x00, 0x09}, card.AID...)
	for _, tt := range []struct {
		name string
		cmd  []byte
		want apdu.SW
		data int // bytes of the answer; -1 not looked at
	}{
		{"select", append(slices.Clone(sel), 0), 0x9000, -1},
		{"select without le", sel, 0x6100 + 39, 0},
		{"select with a short le", append(slices.Clone(sel), 5), 0x6C00 + 39, 0},
		{"select another application", []byte{0, 0xA4, 4, 0, 2, 0xA0, 0}, 0x6A82, 0},
		{"select in another way", []byte{0, 0xA4, 0, 0, 2, 0x3F, 0}, 0x6A86, 0},
		{"select a file", []byte{0, 0xA4, 2, 0x0C, 2, 1, 0x1D}, 0x9000, 0},
		{"select no file", []byte{0, 0xA4, 2, 0x0C, 2, 1, 0x55}, 0x6A82, 0},
		{"card security", []byte{0, 0xB0, 0x9D, 0, 0}, 0x9000, 256},
		{"card security, the rest", []byte{0, 0xB0, 0x9D, 250, 0}, 0x6282, len(p.security) - 250},
		{"nothing current", []byte{0, 0xB0, 0, 0, 0}, 0x6985, 0},
		{"read without le", []byte{0, 0xB0, 0x9D, 0}, 0x6700, 0},
		{"unknown short identifier", []byte{0, 0xB0, 0x9C, 0, 0}, 0x6A82, 0},
		{"reserved bits of p1", []byte{0, 0xB0, 0xBD, 0, 0}, 0x6A86, 0},
		{"identity in plain", []byte{0, 0xB0, 0x81, 0, 0}, 0x6982, 0},
		{"summary in plain", []byte{0, 0xB0, 0x83, 0, 0}, 0x6982, 0},
		{"log in plain", []byte{0, 0xB1, 0, 4, 6, 0x54, 4, 0, 0, 0, 0, 0}, 0x6982, 0},
		{"head in plain", []byte{0, 0xCA, 1, 0x51, 0}, 0x6982, 0},
		{"keys in plain", []byte{0, 0xCB, 1, 0x50, 3, 0x83, 1, 0, 0}, 0x6982, 0},
		{"unknown data", []byte{0, 0xCA, 1, 0x52, 0}, 0x6A88, 0},
		{"append in plain", []byte{0, 0xE2, 0, 0, 5, 0, 0, 0, 0, 1}, 0x6982, 0},
		{"summary written in plain", []byte{0, 0xDA, 1, 3, 5, 0, 0, 0, 1, 1}, 0x6982, 0},
		{"anchor after activation", []byte{0, 0xDA, 2, 1, 1, 1}, 0x6985, 0},
		{"date after activation", []byte{0, 0xDA, 2, 3, 6, 2, 6, 0, 1, 0, 1}, 0x6985, 0},
		{"keys after activation", []byte{0, 0xDA, 1, 0x50, 1, 1}, 0x6985, 0},
		{"update after activation", []byte{0, 0xD6, 0x9D, 0, 1, 1}, 0x6985, 0},
		{"generate after activation", []byte{0, 0x47, 0x80, 0, 2, 0xAC, 0, 0}, 0x6985, 0},
		{"activate after activation", []byte{0, 0x44, 0, 0}, 0x6985, 0},
		{"deactivate in plain", []byte{0, 0x04, 0, 0}, 0x6982, 0},
		{"terminate in plain", []byte{0, 0xE6, 0, 0}, 0x6982, 0},
		{"challenge in plain", []byte{0, 0x84, 0, 0, 8}, 0x6982, 0},
		{"chip authentication unprepared", []byte{0, 0x86, 0, 0, 2, 0x7C, 0, 0}, 0x6985, 0},
		{"set at with another key", append(append([]byte{0, 0x22, 0x41, 0xA4, 0x0F, 0x80, 0x0A}, card.OIDChipAuth...), 0x84, 1, 2), 0x6A88, 0},
		{"set at malformed", []byte{0, 0x22, 0x41, 0xA4, 1, 0x80}, 0x6A80, 0},
		{"set something else", []byte{0, 0x22, 0xC1, 0xA4, 1, 0x80}, 0x6A86, 0},
		{"unknown instruction", []byte{0, 0x10, 0, 0}, 0x6D00, 0},
		{"proprietary class", []byte{0x80, 0xB0, 0x9D, 0, 0}, 0x6E00, 0},
		{"logical channel", []byte{0x01, 0xB0, 0x9D, 0, 0}, 0x6E00, 0},
		{"half of secure messaging", []byte{0x04, 0xB0, 0x9D, 0, 0}, 0x6E00, 0},
		{"class ff", []byte{0xFF, 0xB0, 0x9D, 0, 0}, 0x6E00, 0},
		{"secure messaging without a session", []byte{0x0C, 0xB0, 0x9D, 0, 0}, 0x6988, 0},
		{"extended length", []byte{0, 0xB0, 0x9D, 0, 0, 1, 0}, 0x6700, 0},
		{"lc too large", []byte{0, 0xB0, 0x9D, 0, 9, 1}, 0x6700, 0},
		{"two bytes", []byte{0, 0xB0}, 0x6700, 0},
		{"nothing", nil, 0x6700, 0},
		{"get response of nothing", []byte{0, 0xC0, 0, 0, 0}, 0x6985, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newHost(t, c).raw(tt.cmd)
			if r.SW != tt.want || tt.data >= 0 && len(r.Data) != tt.data {
				t.Errorf("%d bytes, %v, want %v", len(r.Data), r.SW, tt.want)
			}
		})
	}
	others := [][]byte{
		{0, 0xB0, 0x9D, 0, 0},
		{0, 0xB0, 0x9C, 0, 0},
		{0, 0xA4, 2, 0x0C, 2, 1, 0x1D},
		{0, 0xA4, 0, 0, 2, 0x3F, 0},
		{0, 0xCA, 1, 0x51, 0},
		{0, 0xCA, 1, 0x52, 0},
		{0, 0xCB, 1, 0x52, 3, 0x53, 1, 7, 3},
		{0, 0x44, 0, 0},
	}
	refused := func(t *testing.T, h *host) {
		t.Helper()
		for _, cmd := range others {
			if r := h.raw(cmd); r.SW != 0x6985 || len(r.Data) != 0 {
				t.Errorf("% X: %d bytes, %v", cmd, len(r.Data), r.SW)
			}
		}
	}
	t.Run("before select", func(t *testing.T) { refused(t, &host{t: t, c: c, tr: c.Transport()}) })
	t.Run("terminated", func(t *testing.T) {
		dead := New(Options{})
		if err := mem.life.put(&dead.nvm, []byte{lifeTerminated}); err != nil {
			t.Fatal(err)
		}
		h := &host{t: t, c: dead, tr: dead.Transport()}
		if r := h.raw(sel); r.SW != 0x6100+39 {
			t.Fatalf("select: %v", r.SW)
		}
		refused(t, h)
	})
}

func TestChaining(t *testing.T) {
	_, c, _ := issued(t, Options{})
	block := func(cla, ins byte, n int) []byte {
		return append([]byte{cla, ins, 0, 0, byte(n)}, make([]byte, n)...)
	}
	t.Run("other header", func(t *testing.T) {
		h := newHost(t, c)
		if r := h.raw(block(0x10, 0xE2, 10)); r.SW != apdu.SWOK || len(r.Data) != 0 {
			t.Fatalf("%v", r.SW)
		}
		if r := h.raw(block(0x00, 0x86, 10)); r.SW != apdu.SWLastChainExpected {
			t.Fatalf("%v", r.SW)
		}
		if r := h.raw([]byte{0, 0xB0, 0x9D, 0, 0}); r.SW != apdu.SWOK {
			t.Fatalf("after a broken chain: %v", r.SW)
		}
	})
	t.Run("too long", func(t *testing.T) {
		h := newHost(t, c)
		for sum := 255; sum <= maxCommand; sum += 255 {
			if r := h.raw(block(0x10, 0xE2, 255)); r.SW != apdu.SWOK {
				t.Fatalf("%d bytes: %v", sum, r.SW)
			}
		}
		if r := h.raw(block(0x10, 0xE2, 255)); r.SW != apdu.SWWrongLength {
			t.Fatalf("%v", r.SW)
		}
		if len(c.ram.chain) != 0 {
			t.Fatal("the chain stays in RAM")
		}
	})
	t.Run("unknown instruction", func(t *testing.T) {
		if r := newHost(t, c).raw(block(0x10, 0x11, 255)); r.SW != apdu.SWWrongINS {
			t.Fatalf("%v", r.SW)
		}
	})
}

func TestGetResponse(t *testing.T) {
	_, c, _ := issued(t, Options{})
	h := newHost(t, c)
	sel := append([]byte{0x00, 0xA4, 0x04, 0x00, 0x09}, card.AID...)
	whole := h.raw(append(slices.Clone(sel), 0)).Data
	if r := h.raw(sel); r.SW != apdu.SWMore(len(whole)) {
		t.Fatalf("%v", r.SW)
	}
	if r := h.raw([]byte{0, 0xC0, 0, 0}); r.SW != 0x6C00|apdu.SW(len(whole)) {
		t.Fatalf("without le: %v", r.SW)
	}
	if r := h.raw([]byte{0, 0xC0, 0, 1, 0}); r.SW != apdu.SWWrongP1P2 {
		t.Fatalf("p2: %v", r.SW)
	}
	first := h.raw([]byte{0, 0xC0, 0, 0, 10})
	if first.SW != apdu.SWMore(len(whole)-10) || !bytes.Equal(first.Data, whole[:10]) {
		t.Fatalf("first part: %v", first.SW)
	}
	rest := h.raw([]byte{0, 0xC0, 0, 0, 0})
	if rest.SW != apdu.SWOK || !bytes.Equal(rest.Data, whole[10:]) {
		t.Fatalf("rest: %v", rest.SW)
	}
	if r := h.raw([]byte{0, 0xC0, 0, 0, 0}); r.SW != apdu.SWConditions {
		t.Fatalf("nothing left: %v", r.SW)
	}
	h.raw(sel)
	h.raw([]byte{0, 0xB0, 0x9D, 0, 0})
	if r := h.raw([]byte{0, 0xC0, 0, 0, 0}); r.SW != apdu.SWConditions {
		t.Fatalf("after another command: %v", r.SW)
	}
}

// TestSecureMessagingEnds: errors of secure messaging, and plain commands, end
// the session, and with it the role.
func TestSecureMessagingEnds(t *testing.T) {
	p, c, pub := issued(t, Options{})
	term := p.physician(t)
	head := apdu.Command{INS: insGetData, P1: 1, P2: 0x51, Ne: 52}
	for _, tt := range []struct {
		name string
		send func(h *host) apdu.Response
		want apdu.SW
	}{
		{"wrong mac", func(h *host) apdu.Response {
			w, _ := h.sm.WrapCommand(head, sm.Encrypted)
			w.Data[len(w.Data)-1] ^= 1
			return h.plain(w)
		}, apdu.SWSMIncorrect},
		{"no mac", func(h *host) apdu.Response {
			return h.plain(apdu.Command{CLA: 0x0C, INS: insGetData, P1: 1, P2: 0x51, Data: []byte{0x97, 1, 52}, Ne: 256})
		}, apdu.SWSMMissing},
		{"other header", func(h *host) apdu.Response {
			w, _ := h.sm.WrapCommand(head, sm.Encrypted)
			w.P2 = 0x50
			return h.plain(w)
		}, apdu.SWSMIncorrect},
		{"replay", func(h *host) apdu.Response {
			w, _ := h.sm.WrapCommand(head, sm.Encrypted)
			h.plain(w)
			return h.plain(w)
		}, apdu.SWSMIncorrect},
		{"plain command", func(h *host) apdu.Response {
			return h.plain(apdu.Command{INS: insGetData, P1: 1, P2: 0x51, Ne: 52})
		}, apdu.SWSecurityStatus},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, c)
			h.authenticate(pub, term)
			if r := tt.send(h); r.SW != tt.want || len(r.Data) != 0 {
				t.Fatalf("%v, want %v", r.SW, tt.want)
			}
			w, _ := h.sm.WrapCommand(head, sm.Encrypted)
			if r := h.plain(w); r.SW != apdu.SWSMIncorrect {
				t.Fatalf("afterwards: %v", r.SW)
			}
			if c.ram.session.roles != 0 || c.ram.session.sm != nil {
				t.Fatal("the session lives on")
			}
		})
	}
}

// TestProtection checks which answers are encrypted and which are only
// authenticated, and the reads at a file's end.
func TestProtection(t *testing.T) {
	p, c, pub := issued(t, Options{})
	h := newHost(t, c)
	h.authenticate(pub, p.physician(t))
	offset := func(at uint32) []byte { return tlv.Make(0x54, binary.BigEndian.AppendUint32(nil, at)) }
	entry := append(make([]byte, 4), filled(1000, 5)...)
	for _, tt := range []struct {
		name string
		cmd  apdu.Command
		sw   apdu.SW
		mode sm.Mode
		data int
	}{
		{"identity", apdu.Command{INS: 0xB0, P1: 0x81, Ne: 1500}, 0x9000, sm.Encrypted, 1500},
		{"current file", apdu.Command{INS: 0xB0, P1: 0, P2: 100, Ne: 1500}, 0x6282, sm.Encrypted, 1400},
		{"at the end", apdu.Command{INS: 0xB0, P1: 1500 >> 8, P2: 1500 & 0xFF, Ne: 10}, 0x6282, 0, 0},
		{"behind the end", apdu.Command{INS: 0xB0, P1: 0x7F, P2: 0xFF, Ne: 10}, 0x6B00, 0, 0},
		{"photo", apdu.Command{INS: 0xB0, P1: 0x82, Ne: 2048}, 0x9000, sm.Encrypted, 2048},
		{"as much as fits", apdu.Command{INS: 0xB0, P1: 0x82, Ne: 65536}, 0x9000, sm.Encrypted, 2048},
		{"more than a block", apdu.Command{INS: 0xB0, P1: 0x82, Ne: 2049}, 0x6700, 0, 0},
		{"summary", apdu.Command{INS: 0xB0, P1: 0x83, Ne: 700}, 0x9000, sm.MACOnly, 700},
		{"log as a file", apdu.Command{INS: 0xB0, P1: 0x84, Ne: 256}, 0x6985, 0, 0},
		{"append", apdu.Command{INS: 0xE2, Data: entry, Ne: 52}, 0x9000, sm.MACOnly, 52},
		{"append again", apdu.Command{INS: 0xE2, Data: entry, Ne: 52}, 0x6985, 0, 0},
		{"append nothing", apdu.Command{INS: 0xE2, Data: entry[:4], Ne: 52}, 0x6700, 0, 0},
		{"append too much", apdu.Command{INS: 0xE2, Data: make([]byte, 2005), Ne: 52}, 0x6700, 0, 0},
		{"append to p1", apdu.Command{INS: 0xE2, P1: 1, Data: entry, Ne: 52}, 0x6A86, 0, 0},
		{"head", apdu.Command{INS: 0xCA, P1: 1, P2: 0x51, Ne: 52}, 0x9000, sm.MACOnly, 52},
		{"head, short", apdu.Command{INS: 0xCA, P1: 1, P2: 0x51, Ne: 51}, 0x6C34, 0, 0},
		{"keys", apdu.Command{INS: 0xCB, P1: 1, P2: 0x50, Data: []byte{0x83, 1, 0}, Ne: 256}, 0x9000, sm.Encrypted, 3 + 5*34},
		{"keys of somebody else", apdu.Command{INS: 0xCB, P1: 1, P2: 0x50, Data: []byte{0x83, 1, 1}, Ne: 256}, 0x6A88, 0, 0},
		{"keys of person 16", apdu.Command{INS: 0xCB, P1: 1, P2: 0x50, Data: []byte{0x83, 1, 16}, Ne: 256}, 0x6A80, 0, 0},
		{"keys of nobody", apdu.Command{INS: 0xCB, P1: 1, P2: 0x50, Ne: 256}, 0x6A80, 0, 0},
		{"keys by the even instruction", apdu.Command{INS: 0xCA, P1: 1, P2: 0x50, Ne: 256}, 0x6A88, 0, 0},
		{"log", apdu.Command{INS: 0xB1, P2: 4, Data: offset(0), Ne: 1002}, 0x9000, sm.MACOnly, 4 + 1002},
		{"log over the tail", apdu.Command{INS: 0xB1, P2: 4, Data: offset(1000), Ne: 256}, 0x6282, sm.MACOnly, 2 + 2},
		{"log behind the tail", apdu.Command{INS: 0xB1, P2: 4, Data: offset(1003), Ne: 256}, 0x6B00, 0, 0},
		{"log without an offset", apdu.Command{INS: 0xB1, P2: 4, Data: []byte{0x54, 0}, Ne: 256}, 0x6A80, 0, 0},
		{"another file by b1", apdu.Command{INS: 0xB1, P2: 1, Data: offset(0), Ne: 256}, 0x6A82, 0, 0},
		{"summary of another version", apdu.Command{INS: 0xDA, P1: 1, P2: 3, Data: entry, Ne: 52}, 0x6985, 0, 0},
		{"summary too long", apdu.Command{INS: 0xDA, P1: 1, P2: 3, Data: make([]byte, 2049), Ne: 52}, 0x6700, 0, 0},
		{"select under protection", apdu.Command{INS: 0xA4, P1: 4, Data: []byte(card.AID), Ne: 256}, 0x6985, 0, 0},
		{"file by its identifier", apdu.Command{INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{1, 1}}, 0x9000, 0, 0},
		{"file just selected", apdu.Command{INS: 0xB0, Ne: 20}, 0x9000, sm.Encrypted, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, mode := h.secureMode(tt.cmd)
			if r.SW != tt.sw || len(r.Data) != tt.data || mode != tt.mode {
				t.Errorf("%v, %d bytes, mode %d", r.SW, len(r.Data), mode)
			}
		})
	}
}

// TestTerminalAuthentication goes wrong at every step.
func TestTerminalAuthentication(t *testing.T) {
	p, c, pub := issued(t, Options{})
	good := p.physician(t)
	forged := slices.Clone(good.Chain[0])
	forged[len(forged)-1] ^= 1
	ended := p.terminal(t, cvc.RoleNurse, 0, "2026-02-01", "2026-02-20")
	twoRoles := p.terminal(t, cvc.RoleNurse|cvc.RolePhysician, 0, "2026-03-01", "2026-06-01")
	begin := func(t *testing.T) *host {
		t.Helper()
		h := newHost(t, c)
		h.chip(pub)
		return h
	}
	equal := func(t *testing.T, what string, got, want apdu.SW) {
		t.Helper()
		if got != want {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
	facility := func(t *testing.T, h *host) {
		t.Helper()
		equal(t, "issuer", h.setIssuer("IQDHAMANI00001"), apdu.SWOK)
		equal(t, "facility", h.present(good.Chain[0]), apdu.SWOK)
		equal(t, "issuer", h.setIssuer("IQCLINIC00001"), apdu.SWOK)
	}
	date := func() cvc.Date { return c.state.date }
	start := date()
	t.Run("unknown issuer", func(t *testing.T) {
		equal(t, "issuer", begin(t).setIssuer("IQOTHER00001"), apdu.SWReferenceNotFound)
	})
	t.Run("certificate without issuer", func(t *testing.T) {
		equal(t, "facility", begin(t).present(good.Chain[0]), apdu.SWConditions)
	})
	t.Run("forged", func(t *testing.T) {
		h := begin(t)
		equal(t, "issuer", h.setIssuer("IQDHAMANI00001"), apdu.SWOK)
		equal(t, "facility", h.present(forged), apdu.SWSecurityStatus)
	})
	t.Run("malformed", func(t *testing.T) {
		h := begin(t)
		equal(t, "issuer", h.setIssuer("IQDHAMANI00001"), apdu.SWOK)
		equal(t, "facility", h.secure(apdu.Command{INS: insPerformOp, P2: 0xBE, Data: make([]byte, 300)}).SW, apdu.SWWrongData)
	})
	t.Run("terminal under the anchor", func(t *testing.T) {
		h := begin(t)
		equal(t, "issuer", h.setIssuer("IQDHAMANI00001"), apdu.SWOK)
		equal(t, "terminal", h.present(good.Chain[1]), apdu.SWSecurityStatus)
	})
	t.Run("facility as a terminal", func(t *testing.T) {
		h := begin(t)
		facility(t, h)
		equal(t, "holder", h.setHolder("IQCLINIC00001"), apdu.SWSecurityStatus)
	})
	if date() != start {
		t.Fatalf("the date moved to %v without a good later certificate", date())
	}
	t.Run("two roles", func(t *testing.T) {
		h := begin(t)
		facility(t, h)
		equal(t, "terminal", h.present(twoRoles.Chain[1]), apdu.SWOK)
		equal(t, "holder", h.setHolder("IQTERM00001"), apdu.SWSecurityStatus)
	})
	t.Run("a terminal moves no date", func(t *testing.T) {
		h := begin(t)
		facility(t, h)
		equal(t, "terminal", h.present(good.Chain[1]), apdu.SWOK)
		if date() != start {
			t.Fatalf("date %v", date())
		}
	})
	t.Run("a facility moves the date forward", func(t *testing.T) {
		h := begin(t)
		equal(t, "issuer", h.setIssuer("IQDHAMANI00001"), apdu.SWOK)
		equal(t, "facility", h.present(p.renewed(t, "2026-03-01").Raw), apdu.SWOK)
		if date() != day(t, "2026-03-01") {
			t.Fatalf("date %v", date())
		}
	})
	t.Run("ended", func(t *testing.T) {
		h := begin(t)
		facility(t, h)
		equal(t, "terminal", h.present(ended.Chain[1]), apdu.SWSecurityStatus)
		if date() != day(t, "2026-03-01") {
			t.Fatalf("date %v", date())
		}
	})
	t.Run("answer without challenge", func(t *testing.T) {
		h := begin(t)
		facility(t, h)
		equal(t, "terminal", h.present(good.Chain[1]), apdu.SWOK)
		equal(t, "holder", h.setHolder("IQTERM00001"), apdu.SWOK)
		sig := h.sign(good, make([]byte, 8))
		equal(t, "answer", h.secure(apdu.Command{INS: insExternalAuth, Data: sig}).SW, apdu.SWConditions)
	})
	t.Run("challenge is good once", func(t *testing.T) {
		h := begin(t)
		facility(t, h)
		equal(t, "terminal", h.present(good.Chain[1]), apdu.SWOK)
		equal(t, "holder", h.setHolder("IQTERM00001"), apdu.SWOK)
		challenge := h.must(apdu.Command{INS: insGetChallenge, Ne: 8})
		sig := h.sign(good, challenge)
		sig[0] ^= 1
		equal(t, "wrong answer", h.secure(apdu.Command{INS: insExternalAuth, Data: sig}).SW, apdu.SWSecurityStatus)
		sig[0] ^= 1
		equal(t, "second answer", h.secure(apdu.Command{INS: insExternalAuth, Data: sig}).SW, apdu.SWConditions)
		equal(t, "head", h.secure(apdu.Command{INS: insGetData, P1: 1, P2: 0x51, Ne: 52}).SW, apdu.SWSecurityStatus)
		challenge = h.must(apdu.Command{INS: insGetChallenge, Ne: 8})
		h.must(apdu.Command{INS: insExternalAuth, Data: h.sign(good, challenge)})
		h.must(apdu.Command{INS: insGetData, P1: 1, P2: 0x51, Ne: 52})
	})
	t.Run("certificate behind the holder", func(t *testing.T) {
		h := begin(t)
		facility(t, h)
		equal(t, "terminal", h.present(good.Chain[1]), apdu.SWOK)
		equal(t, "issuer", h.setIssuer("IQTERM00001"), apdu.SWOK)
		equal(t, "holder", h.setHolder("IQTERM00001"), apdu.SWOK)
		challenge := h.must(apdu.Command{INS: insGetChallenge, Ne: 8})
		equal(t, "one more", h.present(good.Chain[1]), apdu.SWConditions)
		h.must(apdu.Command{INS: insExternalAuth, Data: h.sign(good, challenge)})
	})
	t.Run("another card's answer", func(t *testing.T) {
		h := begin(t)
		facility(t, h)
		equal(t, "terminal", h.present(good.Chain[1]), apdu.SWOK)
		equal(t, "holder", h.setHolder("IQTERM00001"), apdu.SWOK)
		challenge := h.must(apdu.Command{INS: insGetChallenge, Ne: 8})
		h.c = New(Options{})
		equal(t, "answer", h.secure(apdu.Command{INS: insExternalAuth, Data: h.sign(good, challenge)}).SW, apdu.SWSecurityStatus)
	})
	t.Run("chip authentication again", func(t *testing.T) {
		h := begin(t)
		h.authenticate(pub, good)
		h.chip(pub)
		equal(t, "head", h.secure(apdu.Command{INS: insGetData, P1: 1, P2: 0x51, Ne: 52}).SW, apdu.SWSecurityStatus)
	})
	t.Run("point not on the curve", func(t *testing.T) {
		h := newHost(t, c)
		equal(t, "set", h.plain(setChipAuth()).SW, apdu.SWOK)
		point := append([]byte{4}, make([]byte, 64)...)
		equal(t, "agree", h.plain(apdu.Command{INS: insGeneralAuth, Data: tlv.Make(0x7C, tlv.Make(0x80, point)), Ne: 256}).SW, apdu.SWWrongData)
	})
}

func TestCreationState(t *testing.T) {
	p := newProgramme(t)
	c := New(Options{})
	h := newHost(t, c)
	keys := func(person byte, n, size int) []byte {
		out := tlv.Make(0x83, []byte{person})
		for i := range n {
			out = tlv.Append(out, tlv.Tag(0x80+i), make([]byte, size))
		}
		return out
	}
	for _, tt := range []struct {
		name string
		cmd  apdu.Command
		want apdu.SW
	}{
		{"no card security yet", apdu.Command{INS: 0xB0, P1: 0x9D, Ne: 256}, 0x6A82},
		{"chip authentication", setChipAuth(), 0x6985},
		{"hole", apdu.Command{INS: 0xD6, P1: 0x9D, P2: 1, Data: []byte{1}}, 0x6B00},
		{"begin", apdu.Command{INS: 0xD6, P1: 0x9D, Data: make([]byte, 255)}, 0x9000},
		{"go on", apdu.Command{INS: 0xD6, P1: 0, P2: 255, Data: make([]byte, 257)}, 0x9000},
		{"beyond the file", apdu.Command{INS: 0xD6, P1: 2, P2: 0, Data: make([]byte, 1)}, 0x6A84},
		{"begin anew", apdu.Command{INS: 0xD6, P1: 0x9D, Data: make([]byte, 9)}, 0x9000},
		{"nothing", apdu.Command{INS: 0xD6, P1: 0x9D}, 0x6700},
		{"log as a file", apdu.Command{INS: 0xD6, P1: 0x84, Data: []byte{1}}, 0x6985},
		{"summary as a file", apdu.Command{INS: 0xD6, P1: 0x83, Data: []byte{1}}, 0x6985},
		{"identity cannot be read", apdu.Command{INS: 0xB0, P1: 0x81, Ne: 256}, 0x6985},
		{"five keys", apdu.Command{INS: 0xDA, P1: 1, P2: 0x50, Data: keys(0, 5, 32)}, 0x6A80},
		{"short keys", apdu.Command{INS: 0xDA, P1: 1, P2: 0x50, Data: keys(0, 6, 31)}, 0x6A80},
		{"a family member first", apdu.Command{INS: 0xDA, P1: 1, P2: 0x50, Data: keys(1, 6, 32)}, 0x6985},
		{"keys of nobody", apdu.Command{INS: 0xDA, P1: 1, P2: 0x50, Data: keys(0, 6, 32)[3:]}, 0x6A80},
		{"keys of person 16", apdu.Command{INS: 0xDA, P1: 1, P2: 0x50, Data: keys(16, 6, 32)}, 0x6A80},
		{"six keys", apdu.Command{INS: 0xDA, P1: 1, P2: 0x50, Data: keys(0, 6, 32)}, 0x9000},
		{"six keys of person 15", apdu.Command{INS: 0xDA, P1: 1, P2: 0x50, Data: keys(15, 6, 32)}, 0x9000},
		{"no date", apdu.Command{INS: 0xDA, P1: 2, P2: 3, Data: []byte{2, 6, 1, 3, 0, 1}}, 0x6A80},
		{"facility as an anchor", apdu.Command{INS: 0xDA, P1: 2, P2: 1, Data: p.facility.Raw}, 0x6A80},
		{"anchor", apdu.Command{INS: 0xDA, P1: 2, P2: 1, Data: p.anchor.Raw}, 0x9000},
		{"unknown object", apdu.Command{INS: 0xDA, P1: 2, P2: 2, Data: []byte{1}}, 0x6A88},
		{"generate otherwise", apdu.Command{INS: 0x47, P1: 0x82, Data: []byte{0xAC, 0}, Ne: 256}, 0x6A86},
		{"no key yet", apdu.Command{INS: 0x47, P1: 0x81, Data: []byte{0xAC, 0}, Ne: 256}, 0x6A88},
		{"generate with parameters", apdu.Command{INS: 0x47, P1: 0x80, Data: []byte{0xAC, 1, 0}, Ne: 256}, 0x6A80},
		{"append", apdu.Command{INS: 0xE2, Data: []byte{0, 0, 0, 0, 1}, Ne: 52}, 0x9000},
		{"summary", apdu.Command{INS: 0xDA, P1: 1, P2: 3, Data: []byte{0, 0, 0, 0, 1}, Ne: 52}, 0x9000},
		{"activate too early", apdu.Command{INS: 0x44}, 0x6985},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.t = t
			if r := h.plain(tt.cmd); r.SW != tt.want {
				t.Errorf("%v, want %v", r.SW, tt.want)
			}
		})
	}
	if c.state.date != p.anchor.From {
		t.Errorf("date %v", c.state.date)
	}
}
