package strictcbor

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

type sample struct {
	Number int64      `cbor:"1,keyasint"`
	Text   string     `cbor:"2,keyasint"`
	Bytes  []byte     `cbor:"3,keyasint"`
	Inner  [][]uint64 `cbor:"4,keyasint"`
}

var codec = New(Limits{Depth: 4, Items: 16, Pairs: 16})

// good is {1: -2, 2: "a", 3: h'00ff', 4: [[24], []]}.
const good = "a4012102616103 4200ff 04828118 1880"

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func TestRoundTrip(t *testing.T) {
	raw := unhex(t, good)
	var s sample
	if err := codec.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	if s.Number != -2 || s.Text != "a" || len(s.Bytes) != 2 || s.Inner[0][0] != 24 {
		t.Fatalf("%+v", s)
	}
	if again, err := codec.Marshal(s); err != nil || !bytes.Equal(again, raw) {
		t.Fatalf("%x, %v", again, err)
	}
	clear(raw)
	if s.Bytes[1] != 0xff {
		t.Fatal("what was read aliases the input")
	}
	if empty, err := codec.Marshal(sample{}); err != nil || bytes.ContainsRune(empty, 0xf6) {
		t.Fatalf("nil slices are written as %x, %v", empty, err)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		form bool // sound CBOR in another form
	}{
		"nothing":          {"", false},
		"trailing bytes":   {good + "00", false},
		"cut":              {good[:len(good)-2], false},
		"longer head":      {"a401 3801 0261610342 00ff 0482811818 80", true},
		"longer length":    {"a401 21 02780161 0342 00ff 0482811818 80", true},
		"unsorted keys":    {"a402616101 21034200ff0482811818 80", true},
		"repeated key":     {"a5012101 2102616103 4200ff 0482811818 80", false},
		"unknown key":      {"a5012102616103 4200ff 0482811818 80 0500", false},
		"missing field":    {"a3012102616103 4200ff", true},
		"null":             {"a4012102616103 f6 0482811818 80", true},
		"indefinite":       {"bf012102616103 4200ff 0482811818 80 ff", false},
		"tag":              {"a401 c121 02616103 4200ff 0482811818 80", false},
		"float for number": {"a401 f93c00 02616103 4200ff 0482811818 80", false},
		"17 items":         {"a4012102616103 4200ff 0491" + strings.Repeat("80", 17), false},
	} {
		t.Run(name, func(t *testing.T) {
			var s sample
			err := codec.Unmarshal(unhex(t, tt.raw), &s)
			if err == nil || tt.form != errors.Is(err, ErrForm) {
				t.Fatalf("%v, want ErrForm %v", err, tt.form)
			}
		})
	}
	t.Run("depth", func(t *testing.T) {
		var v any
		if err := codec.Unmarshal(unhex(t, "8181818100"), &v); err != nil {
			t.Fatalf("four levels: %v", err)
		}
		if err := codec.Unmarshal(unhex(t, "818181818100"), &v); err == nil {
			t.Fatal("five levels were read")
		}
	})
	t.Run("17 pairs", func(t *testing.T) {
		raw := []byte{0xb1}
		for i := range byte(17) {
			raw = append(raw, i, 0)
		}
		var v map[int64]int64
		if err := codec.Unmarshal(raw, &v); err == nil {
			t.Fatal("17 pairs were read")
		}
	})
	t.Run("number beyond int64", func(t *testing.T) {
		var v any
		if err := codec.Unmarshal(unhex(t, "1bffffffffffffffff"), &v); err == nil {
			t.Fatal("a number without a type was read as another")
		}
	})
}

// FuzzUnmarshal: whatever decodes re-encodes to the same bytes.
func FuzzUnmarshal(f *testing.F) {
	f.Add(unhex(f, good))
	f.Add(unhex(f, "a4010002600340 0480"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s sample
		if codec.Unmarshal(raw, &s) != nil {
			return
		}
		if again, err := codec.Marshal(s); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%x became %x, %v", raw, again, err)
		}
	})
}
