package base45

import (
	"bytes"
	"errors"
	"testing"
)

// TestVectors are the examples of RFC 9285, sections 4.3 and 4.4.
func TestVectors(t *testing.T) {
	for text, coded := range map[string]string{
		"": "", "AB": "BB8", "Hello!!": "%69 VD92EX0", "base-45": "UJCLQE7W581", "ietf!": "QED8WEX0",
	} {
		if got := Encode([]byte(text)); got != coded {
			t.Errorf("%q: %q, want %q", text, got, coded)
		}
		if got, err := Decode(coded); err != nil || string(got) != text {
			t.Errorf("%q: %q, %v", coded, got, err)
		}
	}
	for _, bad := range []string{"A", "BB8A", "GGW", ":::", "::", "bb8", "B8\n", "é"} {
		if _, err := Decode(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "BB8", "QED8WEX0", "GGW", "FGW", ":::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := Decode(s)
		if err != nil {
			return
		}
		if again := Encode(b); again != s {
			t.Fatalf("%q became %q", s, again)
		}
		if back, err := Decode(Encode([]byte(s))); err != nil || !bytes.Equal(back, []byte(s)) {
			t.Fatalf("%q: %v", s, err)
		}
	})
}
