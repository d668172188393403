package card

import (
	"bytes"
	"errors"
	"testing"
)

func TestHeadRoundTrip(t *testing.T) {
	var h Head
	for i := range 40 {
		h = h.Next(bytes.Repeat([]byte{byte(i)}, i*49+1))
		h.SummaryVersion++
		raw, err := h.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var back Head
		if err := back.UnmarshalBinary(raw); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		if back != h || len(raw) != HeadLen {
			t.Fatalf("entry %d: %+v became %+v in %d bytes", i, h, back, len(raw))
		}
	}
	if h.Free() != LogSize-h.Size() || h.Size() != int(h.Tail) {
		t.Error("sizes")
	}
}

func TestHeadRefuses(t *testing.T) {
	good := Head{}.Next([]byte{1}).Next([]byte{2})
	for name, change := range map[string]func(*Head){
		"tail below start":       func(h *Head) { h.StartSeq, h.Start = 1, 100 },
		"seq below startSeq":     func(h *Head) { h.StartSeq = 3 },
		"more than the ring":     func(h *Head) { h.Seq, h.Tail = 60, 65537 },
		"bytes but no entries":   func(h *Head) { h.Seq, h.Chain = 0, [16]byte{} },
		"entries but no bytes":   func(h *Head) { h.Tail = 0 },
		"entries too short":      func(h *Head) { h.Tail = 5 },
		"entries too long":       func(h *Head) { h.Tail = 2*2002 + 1 },
		"chain without entries":  func(h *Head) { *h = Head{Chain: [16]byte{1}} },
		"start without freeing":  func(h *Head) { h.Start = 1 },
		"start chain out of air": func(h *Head) { h.StartChain = [16]byte{1} },
		"many entries":           func(h *Head) { h.Seq = 0xFFFFFFFF },
	} {
		h := good
		change(&h)
		if err := h.Validate(); !errors.Is(err, ErrHead) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var h Head
	if err := h.UnmarshalBinary(make([]byte, HeadLen+1)); !errors.Is(err, ErrHead) {
		t.Errorf("long: %v", err)
	}
	if err := h.UnmarshalBinary(make([]byte, HeadLen)); err != nil || !h.IsZero() {
		t.Errorf("never written: %v", err)
	}
}

func FuzzHead(f *testing.F) {
	raw, _ := Head{}.Next([]byte("entry")).MarshalBinary()
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var h Head
		if h.UnmarshalBinary(raw) != nil {
			return
		}
		back, err := h.MarshalBinary()
		if err != nil || !bytes.Equal(back, raw) {
			t.Fatalf("% X became % X, %v", raw, back, err)
		}
	})
}
