package softcard

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
)

// fakeVPCD is the reader's end of one slot.
type fakeVPCD struct {
	t    *testing.T
	conn net.Conn
}

// plug has a fake vpcd accept the card.
func plug(t *testing.T, c *Card) (*fakeVPCD, *Slot) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	slot, err := c.Plug(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); slot.Remove() })
	return &fakeVPCD{t, conn}, slot
}

// send writes one frame, each part in a write of its own.
func (v *fakeVPCD) send(parts ...[]byte) {
	v.t.Helper()
	for _, p := range parts {
		if _, err := v.conn.Write(p); err != nil {
			v.t.Fatal(err)
		}
	}
}

// frame writes length and bytes apart, as vpcd does.
func (v *fakeVPCD) frame(b ...byte) {
	v.t.Helper()
	v.send(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b)
}

// receive reads one frame.
func (v *fakeVPCD) receive() []byte {
	v.t.Helper()
	b, err := readFrame(v.conn, make([]byte, maxFrame))
	if err != nil {
		v.t.Fatal(err)
	}
	return b
}

// ended waits for the slot to end.
func ended(t *testing.T, s *Slot) error {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(time.Minute):
		t.Fatal("the slot goes on")
	}
	return s.Err()
}

var selectCommand = append(append([]byte{0x00, 0xA4, 0x04, 0x00, 0x09}, card.AID...), 0x00)

func TestSlot(t *testing.T) {
	_, c, _ := issued(t, Options{})
	v, slot := plug(t, c)
	v.frame(controlATR)
	if got := v.receive(); !bytes.Equal(got, ContactlessATR()) {
		t.Fatalf("atr % X", got)
	}
	v.frame(controlOn)
	v.frame(selectCommand...)
	if got := v.receive(); !bytes.HasSuffix(got, []byte{0x90, 0x00}) {
		t.Fatalf("select % X", got)
	}
	readSecurity := []byte{0x00, 0xB0, 0x9D, 0x00, 0x10}
	v.frame(readSecurity...)
	if got := v.receive(); len(got) != 18 {
		t.Fatalf("read % X", got)
	}
	for _, code := range []byte{controlReset, controlOn} {
		v.frame(code) // no answer, and nothing selected afterwards
		v.frame(readSecurity...)
		if got := v.receive(); !bytes.Equal(got, []byte{0x69, 0x85}) {
			t.Fatalf("read after control %d % X", code, got)
		}
	}
	// Bytes one at a time, and several frames in one write.
	whole := append([]byte{0, byte(len(selectCommand))}, selectCommand...)
	for _, b := range whole {
		v.send([]byte{b})
	}
	if got := v.receive(); !bytes.HasSuffix(got, []byte{0x90, 0x00}) {
		t.Fatalf("select byte by byte % X", got)
	}
	v.send(append(append(bytes.Clone(whole), whole...), 0, 1, controlATR))
	for range 2 {
		if got := v.receive(); !bytes.HasSuffix(got, []byte{0x90, 0x00}) {
			t.Fatalf("select twice % X", got)
		}
	}
	if got := v.receive(); !bytes.Equal(got, ContactlessATR()) {
		t.Fatalf("atr % X", got)
	}
	slot.Remove()
	slot.Remove()
	if err := slot.Err(); err != nil {
		t.Errorf("after remove: %v", err)
	}
	if _, err := v.conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection stays open: %v", err)
	}
	if m := c.Modelled(); m.APDUs == 0 || m.Link == 0 {
		t.Errorf("nothing counted: %+v", m)
	}
}

func TestSlotEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(v *fakeVPCD, c *Card)
		want error
	}{
		{"reader closes", func(v *fakeVPCD, _ *Card) { _ = v.conn.Close() }, io.EOF},
		{"reader closes amid a frame", func(v *fakeVPCD, _ *Card) {
			v.send([]byte{0, 5, 1})
			_ = v.conn.Close()
		}, io.ErrUnexpectedEOF},
		{"empty frame", func(v *fakeVPCD, _ *Card) { v.send([]byte{0, 0}) }, ErrFrame},
		{"unknown control", func(v *fakeVPCD, _ *Card) { v.frame(3) }, ErrFrame},
		{"command without power", func(v *fakeVPCD, _ *Card) {
			v.frame(controlOff)
			v.frame(selectCommand...)
		}, card.ErrRemoved},
		{"removed", func(_ *fakeVPCD, c *Card) { c.Remove() }, card.ErrRemoved},
		{"put elsewhere", func(_ *fakeVPCD, c *Card) { c.Transport() }, card.ErrReset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := New(Options{})
			v, slot := plug(t, c)
			tt.do(v, c)
			if err := ended(t, slot); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// TestSlotGarbage sends a frame of the largest size, which is answered as any
// wrong command is.
func TestSlotGarbage(t *testing.T) {
	c := New(Options{})
	v, _ := plug(t, c)
	v.frame(bytes.Repeat([]byte{0xA5}, maxFrame)...)
	if got := v.receive(); len(got) != 2 {
		t.Fatalf("% X", got)
	}
	v.frame(0xFF, 0xFF)
	if got := v.receive(); len(got) != 2 {
		t.Fatalf("% X", got)
	}
	v.frame(selectCommand...)
	if got := v.receive(); !bytes.HasSuffix(got, []byte{0x90, 0x00}) {
		t.Fatalf("% X", got)
	}
	if err := writeFrame(io.Discard, make([]byte, maxFrame+1)); !errors.Is(err, ErrFrame) {
		t.Fatalf("oversize answer: %v", err)
	}
}

func TestSlotContext(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	slot, err := New(Options{}).Plug(ctx, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := ended(t, slot); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := New(Options{}).Plug(ctx, l.Addr().String()); !errors.Is(err, context.Canceled) {
		t.Errorf("plug after the end: %v", err)
	}
}

// TestSlotPowerCut: a card that loses its power leaves the slot, and can be
// put in again.
func TestSlotPowerCut(t *testing.T) {
	c := New(Options{Cut: func(p CutPoint) bool { return p.Index == 1 }})
	v, slot := plug(t, c)
	v.frame(selectCommand...)
	if err := ended(t, slot); !errors.Is(err, card.ErrRemoved) {
		t.Fatalf("%v", err)
	}
	v, _ = plug(t, c)
	v.frame(selectCommand...)
	if got := v.receive(); !bytes.HasSuffix(got, []byte{0x90, 0x00}) {
		t.Fatalf("% X", got)
	}
}

// TestTwoSlots: two cards work side by side.
func TestTwoSlots(t *testing.T) {
	v1, _ := plug(t, New(Options{}))
	v2, _ := plug(t, New(Options{Link: LinkT1}))
	v1.frame(controlATR)
	v2.frame(controlATR)
	if !bytes.Equal(v2.receive(), ContactATR()) || !bytes.Equal(v1.receive(), ContactlessATR()) {
		t.Error("the cards are mixed up")
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 1, 4})
	f.Add([]byte{0xFF, 0xFF, 1})
	f.Add([]byte{0, 0})
	buf := make([]byte, maxFrame)
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		for {
			p, err := readFrame(r, buf)
			if err != nil {
				return
			}
			var out bytes.Buffer
			if err := writeFrame(&out, p); err != nil {
				t.Fatal(err)
			}
			if at := len(in) - r.Len(); !bytes.Equal(out.Bytes(), in[at-out.Len():at]) {
				t.Fatal("the frame is written otherwise than it was read")
			}
		}
	})
}
