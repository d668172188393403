package card

import (
	"bytes"
	"errors"
	"testing"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// markedLog is a log of three segments and its marks.
func markedLog() (Head, []Mark) {
	var h Head
	var marks []Mark
	for i := range 30 {
		if n := len(marks); Segment(h.Tail) > Segment(h.Start) && (n == 0 || Segment(h.Tail) > Segment(marks[n-1].Offset)) {
			marks = append(marks, Mark{h.Seq, h.Tail, h.Chain})
		}
		h = h.Next(bytes.Repeat([]byte{byte(i)}, 1500))
	}
	return h, marks
}

func encodeMarks(tb testing.TB, marks []Mark) []byte {
	tb.Helper()
	var raw []byte
	for _, m := range marks {
		var err error
		if raw, err = m.AppendBinary(raw); err != nil {
			tb.Fatal(err)
		}
	}
	return raw
}

func TestMarks(t *testing.T) {
	head, marks := markedLog()
	raw := encodeMarks(t, marks)
	if got, err := ParseMarks(raw, head); err != nil || len(got) != 2 || got[0] != marks[0] || got[1] != marks[1] {
		t.Fatalf("marks %+v, %v", got, err)
	}
	if m, n := Freeable(head, marks); m != marks[1] || n != int(marks[1].Offset) {
		t.Fatalf("%d bytes up to %+v", n, m)
	}
	for name, bad := range map[string][]Mark{
		"of the begin":           {{0, 0, [16]byte{}}},
		"of no entry":            {{0, 20000, [16]byte{}}},
		"the same twice":         {marks[0], marks[0]},
		"falling":                {marks[1], marks[0]},
		"two in one segment":     {marks[0], {marks[0].Seq + 1, marks[0].Offset + 1502, [16]byte{}}},
		"none in its segment":    {{1, 1502, [16]byte{}}},
		"at the tail":            {marks[0], {head.Seq - 1, head.Tail, head.Chain}},
		"of the head":            {marks[0], {head.Seq, head.Tail - 1, head.Chain}},
		"too many entries":       {{29, 16500, [16]byte{}}, {29 + 6000, 33000, [16]byte{}}},
		"more bytes than it can": {{1, 16500, [16]byte{}}},
		"five":                   {marks[0], marks[1], marks[1], marks[1], marks[1]},
	} {
		if got, err := ParseMarks(encodeMarks(t, bad), head); !errors.Is(err, ErrHead) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := ParseMarks(raw[1:], head); !errors.Is(err, ErrHead) {
		t.Errorf("a byte too few: %v", err)
	}
}

// A card with authentic answers that frees its log, and says another thing of
// the rest than before.
func TestFreeChecksTheRest(t *testing.T) {
	head, marks := markedLog()
	freed := head
	freed.StartSeq, freed.Start, freed.StartChain = marks[0].Seq, marks[0].Offset, marks[0].Chain
	with := func(change func(*Head)) Head {
		h := freed
		change(&h)
		return h
	}
	further := head
	further.StartSeq, further.Start, further.StartChain = marks[1].Seq, marks[1].Offset, marks[1].Chain
	shorter := with(func(h *Head) { h.Seq, h.Tail, h.Chain = marks[1].Seq, marks[1].Offset, marks[1].Chain })
	for _, tt := range []struct {
		name          string
		before, after Head
		want          error
	}{
		{"as it must be", head, freed, nil},
		{"freed before", freed, freed, nil},
		{"no head asked for", Head{}, freed, nil},
		{"other mark", head, further, ErrChain},
		{"entries are gone", head, shorter, ErrChain},
		{"an entry more", head, freed.Next([]byte("entry")), ErrChain},
		{"other chain", head, with(func(h *Head) { h.Chain[0] ^= 1 }), ErrChain},
		{"other tail", head, with(func(h *Head) { h.Tail++ }), ErrChain},
		{"older summary", with(func(h *Head) { h.SummaryVersion = 2 }), with(func(h *Head) { h.SummaryVersion = 1 }), ErrChain},
		{"freed again", further, freed, ErrChain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := authentic(t, func(c apdu.Command) (apdu.Response, sm.Mode) {
				h := tt.before
				if c.INS == insPutData {
					h = tt.after
				}
				raw, err := h.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				if c.INS != insPutData && c.INS != insGetData {
					raw = nil
				}
				return apdu.Response{Data: raw, SW: apdu.SWOK}, sm.MACOnly
			})
			if !tt.before.IsZero() {
				if _, err := s.Head(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			h, err := s.Free(t.Context(), LogReceipt{
				Seq: marks[0].Seq, Chain: marks[0].Chain, Signature: make([]byte, 64), Certificates: [][]byte{receiptCertificate()},
			})
			if !errors.Is(err, tt.want) || err == nil && h != tt.after {
				t.Fatalf("%+v, %v, want %v", h, err, tt.want)
			}
		})
	}
}

// receiptCertificate is one that the host can present.
func receiptCertificate() []byte {
	body := tlv.Append(tlv.Make(0x42, []byte("IQCLINIC00001")), 0x5F20, []byte("IQRECEIPT00001"))
	return tlv.Make(0x7F21, tlv.Make(0x7F4E, body), tlv.Make(0x5F37, make([]byte, 64)))
}

func FuzzMarks(f *testing.F) {
	head, marks := markedLog()
	h, err := head.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(h, encodeMarks(f, marks))
	f.Fuzz(func(t *testing.T, rawHead, raw []byte) {
		var head Head
		if head.UnmarshalBinary(rawHead) != nil {
			return
		}
		marks, err := ParseMarks(raw, head)
		if err != nil {
			return
		}
		if !bytes.Equal(encodeMarks(t, marks), raw) {
			t.Fatal("marks are not written as they were read")
		}
		if _, n := Freeable(head, marks); n < 0 || n >= head.Size()+1 {
			t.Fatalf("%d of %d bytes may be freed", n, head.Size())
		}
	})
}
