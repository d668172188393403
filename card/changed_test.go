package card

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
)

// A card with authentic answers that says another thing the second time.
func TestChangedOnSecondRead(t *testing.T) {
	l := newLogbook(10, 20, 30)
	raised := l.head
	raised.SummaryVersion++
	rewritten := l.head
	rewritten.Chain[0] ^= 1
	older := l.heads[2]
	raw := func(h Head) []byte {
		b, err := h.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	head := func(ctx context.Context, s *Session) error { return second(s.Head(ctx)) }
	file := func(f File) func(context.Context, *Session) error {
		return func(ctx context.Context, s *Session) error { return second(s.ReadFile(ctx, f)) }
	}
	write := func(ctx context.Context, s *Session) error { return second(s.WriteSummary(ctx, 0, []byte("new"))) }
	for _, tt := range []struct {
		name          string
		first, second func(context.Context, *Session) error
		a, b          []byte
		want          error
	}{
		{"same head", head, head, raw(l.head), raw(l.head), nil},
		{"older head", head, head, raw(l.head), raw(older), ErrChanged},
		{"newer head", head, head, raw(older), raw(l.head), ErrChanged},
		{"other chain", head, head, raw(l.head), raw(rewritten), ErrChanged},
		{"other summary version", head, head, raw(l.head), raw(raised), ErrChanged},
		{"same identity", file(FileID), file(FileID), []byte("one"), []byte("one"), nil},
		{"other identity", file(FileID), file(FileID), []byte("one"), []byte("two"), ErrChanged},
		{"identity cut", file(FileID), file(FileID), []byte("one"), []byte("on"), ErrChanged},
		{"other photo", file(FilePhoto), file(FilePhoto), []byte("one"), []byte("two"), ErrChanged},
		{"other summary", file(FileSummary), file(FileSummary), []byte("one"), []byte("two"), ErrChanged},
		{"other card security", file(FileSecurity), file(FileSecurity), []byte("one"), []byte("two"), ErrChanged},
		{"summary not as written", write, file(FileSummary), raw(Head{SummaryVersion: 1}), []byte("old"), ErrChanged},
		{"summary as written", write, file(FileSummary), raw(Head{SummaryVersion: 1}), []byte("new"), nil},
		{"log changed with the summary", head, write, raw(l.head), raw(func() Head { h := rewritten; h.SummaryVersion = 1; return h }()), ErrChain},
		{"identity, then photo", file(FileID), file(FilePhoto), []byte("one"), []byte("two"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answers := [][]byte{tt.a, tt.b}
			s, _ := authentic(t, func(c apdu.Command) (apdu.Response, sm.Mode) {
				r := apdu.Response{Data: answers[0], SW: apdu.SWOK}
				if c.INS == insReadBinary {
					r.SW = apdu.SWEndOfFile
				}
				answers = answers[1:]
				return r, sm.MACOnly
			})
			if err := tt.first(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if err := tt.second(t.Context(), s); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// A file that changes between two of its blocks is found out by who signed it;
// here it only has to stay within its bounds.
func TestFileThatGrows(t *testing.T) {
	for _, f := range []File{FileSecurity, FileID, FilePhoto, FileSummary} {
		n := 0
		s, c := authentic(t, func(cmd apdu.Command) (apdu.Response, sm.Mode) {
			n++
			return apdu.Response{Data: bytes.Repeat([]byte{byte(n)}, min(cmd.Ne, MaxBlock)), SW: apdu.SWOK}, sm.Encrypted
		})
		data, err := s.ReadFile(t.Context(), f)
		if len(data) > f.Size() || c.apdus > 64 {
			t.Errorf("%v: %d bytes in %d APDUs, %v", f, len(data), c.apdus, err)
		}
	}
}
