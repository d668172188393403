package card

import (
	"bytes"
	"errors"
	"testing"
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
