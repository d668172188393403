package apdu

import (
	"bytes"
	"errors"
	"testing"
)

// A response that parses is written again as it was, and says at most one of
// what a status word may ask for.
func FuzzResponse(f *testing.F) {
	f.Add([]byte{0x90, 0x00})
	f.Add([]byte{1, 2, 3, 0x61, 0x10})
	f.Add([]byte{0x6C, 0x00})
	f.Add([]byte{0x90})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseResponse(raw)
		if err != nil {
			if !errors.Is(err, ErrLength) || len(raw) >= 2 {
				t.Fatalf("%x: %v", raw, err)
			}
			return
		}
		if again := r.Encode(); !bytes.Equal(again, raw) {
			t.Fatalf("%x became %x", raw, again)
		}
		n, more := r.SW.More()
		ne, correct := r.SW.CorrectNe()
		if more && correct || more && (n < 1 || n > MaxShortNe) || correct && (ne < 1 || ne > MaxShortNe) {
			t.Fatalf("%v: %d more, %d expected", r.SW, n, ne)
		}
	})
}
