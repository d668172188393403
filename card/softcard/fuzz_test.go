package softcard

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
)

// FuzzCommands gives the card any sequence of commands, some protected by the
// session of a physician, and looks at its RAM and its memory after each.
//
// Each command in the input is a length byte, a byte of flags (1: protect it,
// 2: chain it, 4: begin a new session first), and the command's bytes.
func FuzzCommands(f *testing.F) {
	p, made, pub := issued(f, Options{})
	image, blank := made.Image(), New(Options{}).Image()
	term := p.physician(f)
	add := func(operational bool, flags byte, cmds ...[]byte) {
		var in []byte
		for _, c := range cmds {
			in = append(append(in, byte(len(c)), flags), c...)
		}
		f.Add(operational, in)
	}
	add(true, 0, selectCommand, []byte{0, 0xB0, 0x9D, 0, 0}, []byte{0, 0xC0, 0, 0, 0})
	add(true, 1, []byte{0, 0xE2, 0, 0, 5, 0, 0, 0, 0, 1}, []byte{0, 0xCA, 1, 0x51, 52}, []byte{0, 0xB1, 0, 4, 6, 0x54, 4, 0, 0, 0, 0, 0})
	add(true, 1, []byte{0, 0xDA, 1, 3, 5, 0, 0, 0, 1, 1}, []byte{0, 0xB0, 0x83, 0, 0}, []byte{0, 0x84, 0, 0, 8}, []byte{0, 0x82, 0, 0, 1, 1})
	add(true, 2, []byte{0, 0xE2, 0, 0, 5, 0, 0, 0, 0, 1}, []byte{0, 0xE2, 0, 0, 5, 0, 0, 0, 0, 1})
	add(false, 0, selectCommand, []byte{0, 0x47, 0x80, 0, 2, 0xAC, 0, 0}, []byte{0, 0xD6, 0x81, 0, 1, 1}, []byte{0, 0x44, 0, 0})
	add(false, 0, selectCommand, []byte{0, 0xE2, 0, 0, 5, 0, 0, 0, 0, 1}, []byte{0, 0xDA, 1, 3, 5, 0, 0, 0, 0, 1}, []byte{0, 0xDA, 2, 3, 6, 2, 6, 0, 1, 0, 1})
	add(true, 0, selectCommand, []byte{0, 0xCB, 1, 0x52, 0, 0, 3, 0x53, 1, 1, 8, 0x40}, []byte{0, 0xCB, 1, 0x52, 2, 0x53, 0, 0})
	add(true, 1, []byte{0, 0x20, 0, 1}, append([]byte{0, 0x20, 0, 1, 8}, "1234\xFF\xFF\xFF\xFF"...), []byte{0, 0xCA, 1, 0x63, 0}, []byte{0, 0xB0, 0x86, 0, 0})
	add(true, 1, []byte{0, 0x21, 0, 0x11, 8, 0x7F, 0x2E, 5, 0x81, 3, 1, 2, 3}, []byte{0, 0x24, 0, 1, 1, 1}, []byte{0, 0x2C, 3, 1})
	add(false, 0, selectCommand, append([]byte{0, 0xDA, 1, 0x60, 14, 0x80, 2, 0, 1, 0x81, 8}, "1234\xFF\xFF\xFF\xFF"...), []byte{0, 0xDA, 1, 0x61, 3, 0x7F, 0x60, 0})
	f.Fuzz(func(t *testing.T, operational bool, in []byte) {
		from := blank
		if operational {
			from = image
		}
		c, err := Load(from, Options{Extended: true})
		if err != nil {
			t.Fatal(err)
		}
		h := &host{t: t, c: c}
		for n := 0; len(in) > 2 && n < 32; n++ {
			size, flags := min(int(in[0]), len(in)-2), in[1]
			cmd := bytes.Clone(in[2 : 2+size])
			in = in[2+size:]
			if h.tr == nil || flags&4 != 0 {
				h = newHost(t, c)
				if operational && flags&1 != 0 && c.state.life == lifeOperational {
					h.authenticate(pub, term)
				}
			}
			fuzzOne(h, cmd, flags)
			check(t, c)
		}
	})
}

// fuzzOne sends one command, protected when asked and possible.
func fuzzOne(h *host, raw []byte, flags byte) {
	cmd, err := apdu.Parse(raw)
	if err == nil && !cmd.Extended && flags&3 != 0 {
		if flags&1 != 0 && h.sm != nil && !h.sm.Ended() {
			if cmd, err = h.sm.WrapCommand(apdu.Command{INS: cmd.INS, P1: cmd.P1, P2: cmd.P2, Data: cmd.Data, Ne: cmd.Ne}, sm.Encrypted); err != nil {
				h.t.Fatal(err)
			}
		}
		if flags&2 != 0 {
			cmd.CLA |= apdu.ClassChained
		}
		if blocks, err := apdu.Chain(cmd); err == nil {
			for _, b := range blocks {
				raw = b
				h.raw(b)
			}
		}
	} else {
		h.raw(raw)
	}
	// Collecting the answer is bounded by what the card may hold.
	for range maxAnswer {
		r := h.raw([]byte{0, 0xC0, 0, 0, 0})
		if _, more := r.SW.More(); !more {
			return
		}
	}
	h.t.Fatalf("the card answers % X for ever", raw)
}

// check looks for what must hold after every command.
func check(t *testing.T, c *Card) {
	t.Helper()
	if got := sessionRAM + len(c.ram.chain) + len(c.ram.pending); got > ramSize {
		t.Fatalf("%d bytes of RAM", got)
	}
	s := mount(&c.nvm)
	if s.broken != nil {
		t.Fatal(s.broken)
	}
	if !reflect.DeepEqual(s.log, c.state.log) || s.headSlot != c.state.headSlot || s.life != c.state.life ||
		s.date != c.state.date || s.length != c.state.length || s.persons != c.state.persons || s.id != c.state.id ||
		s.hasPIN != c.state.hasPIN || s.fingers != c.state.fingers || s.tries != c.state.tries || s.audit != c.state.audit ||
		(s.key == nil) != (c.state.key == nil) || len(s.anchors) != len(c.state.anchors) {
		t.Fatal("memory and state differ")
	}
	if _, err := contentsOf(c); err != nil {
		t.Fatal(err)
	}
	if c.ram.session.roles != 0 && c.ram.session.sm == nil {
		t.Fatal("a role without secure messaging")
	}
}

func BenchmarkReadBlock(b *testing.B) {
	p, c, pub := issued(b, Options{})
	s := open(b, c, pub, p.physician(b))
	if _, err := s.Append(b.Context(), 0, filled(2000, 1)); err != nil {
		b.Fatal(err)
	}
	head, err := s.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(2002)
	for b.Loop() {
		if err := s.Entries(b.Context(), head, card.Head{}, func(uint32, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	p, c, pub := issued(b, Options{})
	s := open(b, c, pub, p.physician(b))
	image, sealed, seq := c.Image(), filled(1000, 1), uint32(0)
	for b.Loop() {
		_, err := s.Append(b.Context(), seq, sealed)
		if errors.Is(err, card.ErrFull) {
			b.StopTimer()
			if c, err = Load(image, Options{}); err != nil {
				b.Fatal(err)
			}
			s, seq = open(b, c, pub, p.physician(b)), 0
			b.StartTimer()
			continue
		}
		if err != nil {
			b.Fatal(err)
		}
		seq++
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	p, c, pub := issued(b, Options{})
	term := p.physician(b)
	for b.Loop() {
		open(b, c, pub, term)
	}
}

func BenchmarkImage(b *testing.B) {
	_, c, _ := issued(b, Options{})
	for b.Loop() {
		if _, err := Load(c.Image(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
