package softcard

import (
	"bytes"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// The echo, and extended commands, on a card of either kind.
func TestLengths(t *testing.T) {
	_, c, _ := issued(t, Options{})
	image := c.Image()
	data := func(n int) []byte { return tlv.Make(0x53, filled(n, 9)) }
	for _, tt := range []struct {
		name     string
		cmd      apdu.Command
		short    apdu.SW // of a card of short lengths
		extended apdu.SW // of the other
	}{
		{"short", apdu.Command{Data: data(252), Ne: 256}, 0x9000, 0x9000},
		{"extended", apdu.Command{Data: data(2108), Ne: 2112, Extended: true}, 0x6700, 0x9000},
		{"extended form of a short one", apdu.Command{Data: data(1), Ne: 3, Extended: true}, 0x6700, 0x9000},
		{"longer than the card's buffer", apdu.Command{Data: data(maxCommand), Ne: 2112, Extended: true}, 0x6700, 0x6700},
		{"longer answer than any", apdu.Command{Data: data(1), Ne: 2113, Extended: true}, 0x6700, 0x6700},
		{"shorter answer than data", apdu.Command{Data: data(20), Ne: 10}, 0x6700, 0x6700},
		{"no answer", apdu.Command{Data: data(20)}, 0x6700, 0x6700},
		{"other object", apdu.Command{Data: tlv.Make(0x54, []byte{1}), Ne: 256}, 0x6A80, 0x6A80},
		{"no data", apdu.Command{Ne: 256}, 0x6A80, 0x6A80},
		{"other reference", apdu.Command{P2: 1, Data: data(1), Ne: 256}, 0x6A88, 0x6A88},
	} {
		for _, extended := range []bool{false, true} {
			c, err := Load(image, Options{Extended: extended})
			if err != nil {
				t.Fatal(err)
			}
			cmd, want := tt.cmd, tt.short
			cmd.INS, cmd.P1, cmd.P2 = insGetDataDO, card.DataEcho>>8, cmd.P2^card.DataEcho&0xFF
			if extended {
				want = tt.extended
			}
			raw, err := cmd.Encode()
			if err != nil {
				t.Fatal(err)
			}
			r := newHost(t, c).raw(raw)
			if r.SW != want {
				t.Errorf("%s, extended %v: %v, want %v", tt.name, extended, r.SW, want)
			}
			if r.SW == apdu.SWOK && !bytes.Equal(r.Data, append(bytes.Clone(cmd.Data), make([]byte, cmd.Ne-len(cmd.Data))...)) {
				t.Errorf("%s, extended %v: another answer of %d bytes", tt.name, extended, len(r.Data))
			}
		}
	}
}

// The echo is there in plain only, and not on a terminated card.
func TestEchoAccess(t *testing.T) {
	p, c, pub := issued(t, Options{})
	h := newHost(t, c)
	h.authenticate(pub, p.physician(t))
	cmd := apdu.Command{INS: insGetDataDO, P1: 1, P2: 0x52, Data: tlv.Make(0x53, []byte{1}), Ne: 256}
	if sw := h.secure(cmd).SW; sw != apdu.SWSecurityStatus {
		t.Errorf("under secure messaging: %v", sw)
	}
	c.state.life = lifeTerminated
	if sw := h.plain(cmd).SW; sw != apdu.SWConditions {
		t.Errorf("terminated: %v", sw)
	}
}

// The answer to reset says which lengths a card takes; the check byte is good.
func TestLengthsInATR(t *testing.T) {
	for _, link := range []Link{LinkContactless424, LinkT1} {
		for _, extended := range []bool{false, true} {
			atr := New(Options{Link: link, Extended: extended}).Transport().ATR()
			var check byte
			for _, b := range atr[1:] {
				check ^= b
			}
			if got := atr[len(atr)-2]&extendedLengths != 0; got != extended || check != 0 {
				t.Errorf("%v, extended %v: % X", link, extended, atr)
			}
		}
	}
}

// TestFloor compares with figures computed by hand.
func TestFloor(t *testing.T) {
	for _, tt := range []struct {
		name string
		work Work
		want time.Duration
	}{
		{"nothing", Work{}, 0},
		{"16 KB of log", Work{Received: 16384, Authenticated: 16384}, 376409*time.Microsecond + 64*timeCMAC256},
		{"keys and signatures", Work{Agreements: 1, Verifications: 3}, timeECDH + 2*timeCMACInit + 3*timeVerify},
		{"hash of one block", Work{Hashed: []int{55}}, timeSHA256 / 4},
		{"memory", Work{Written: []int{65, 1}}, 3 * writeTime},
	} {
		if d := LinkContactless424.Floor(tt.work) - tt.want; d < -time.Millisecond || d > time.Millisecond {
			t.Errorf("%s: %v off", tt.name, d)
		}
	}
}

func TestParseLink(t *testing.T) {
	for i, name := range linkFlags {
		if l, err := ParseLink(name); err != nil || l != Link(i) {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
	if _, err := ParseLink("424"); err == nil {
		t.Error("unknown link taken")
	}
}
