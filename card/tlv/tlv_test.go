package tlv

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	for _, tag := range []Tag{0x06, 0x84, 0x5F29, 0x7F21, 0x7F49, 0x5F8129} {
		for _, n := range []int{0, 1, 127, 128, 255, 256, 2048, 65535} {
			value := bytes.Repeat([]byte{0xA5}, n)
			raw := Make(tag, value[:n/2], value[n/2:])
			if len(raw) != HeaderLen(tag, n)+n {
				t.Fatalf("tag %v, %d bytes: header of %d bytes, foretold %d", tag, n, len(raw)-n, HeaderLen(tag, n))
			}
			item, rest, err := Next(append(raw, 0x01))
			if err != nil || item.Tag != tag || !bytes.Equal(item.Value, value) || len(rest) != 1 {
				t.Fatalf("tag %v, %d bytes: read %v with %d bytes, rest %d, %v", tag, n, item.Tag, len(item.Value), len(rest), err)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		offset    int
		what      string
	}{
		{"nothing", "", 0, "tag missing"},
		{"tag 00", "0000", 0, "reserved"},
		{"tag FF", "FF7F00", 0, "reserved"},
		{"tag cut", "7F", 1, "cut short"},
		{"tag of four bytes", "7F81828300", 3, "too long"},
		{"tag with zero number", "7F8021 00", 1, "shortest"},
		{"tag that fits one byte", "1F1E00", 1, "shortest"},
		{"no length", "84", 1, "length missing"},
		{"length cut", "8482", 1, "cut short"},
		{"length cut in its second byte", "848201", 1, "cut short"},
		{"long form of a short length", "84817F", 1, "shortest"},
		{"long form of a one-byte length", "848200FF", 1, "shortest"},
		{"indefinite length", "A5800000", 1, "not supported"},
		{"three-byte length", "8483010000", 1, "not supported"},
		{"value cut", "840401", 2, "value cut short"},
		{"value cut, huge", "8482FFFF01", 4, "value cut short"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := hex.DecodeString(strings.ReplaceAll(tt.raw, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = Next(raw)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || !errors.Is(err, ErrSyntax) {
				t.Fatalf("got %v", err)
			}
			if syntax.Offset != tt.offset || !strings.Contains(syntax.What, tt.what) {
				t.Fatalf("got %v, want %q at %d", err, tt.what, tt.offset)
			}
		})
	}
}

func TestFields(t *testing.T) {
	raw := Append(Make(0x84, []byte{1}), 0xA5, Make(0x80, []byte{2}))
	values, err := Fields(raw, 0x84, 0xA5)
	if err != nil || !bytes.Equal(values[0], []byte{1}) || !bytes.Equal(values[1], []byte{0x80, 1, 2}) {
		t.Fatalf("got %X, %v", values, err)
	}
	for name, tt := range map[string]struct {
		raw  []byte
		tags []Tag
	}{
		"missing":   {raw, []Tag{0x84, 0xA5, 0x86}},
		"order":     {raw, []Tag{0xA5, 0x84}},
		"left over": {raw, []Tag{0x84}},
		"cut":       {raw[:len(raw)-1], []Tag{0x84, 0xA5}},
	} {
		if _, err := Fields(tt.raw, tt.tags...); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Field(raw, 0x84); !errors.Is(err, ErrSyntax) {
		t.Errorf("field with bytes left over: got %v", err)
	}
	if _, err := Field(raw, 0x85); !errors.Is(err, ErrSyntax) {
		t.Errorf("other field: got %v", err)
	}
	if v, ok := Find([]Item{{0x80, nil}, {0x81, []byte{7}}}, 0x81); !ok || !bytes.Equal(v, []byte{7}) {
		t.Error("find")
	}
	if _, ok := Find(nil, 0x81); ok {
		t.Error("found in nothing")
	}
	var syntax *SyntaxError
	if _, err := Fields(append(raw, 0x84), 0x84, 0xA5, 0x84); !errors.As(err, &syntax) || syntax.Offset != len(raw)+1 {
		t.Errorf("offset of a late error: %v", err)
	}
}

func TestAllIsBounded(t *testing.T) {
	many := bytes.Repeat([]byte{0x80, 0x00}, MaxItems)
	if items, err := All(many); err != nil || len(items) != MaxItems {
		t.Fatalf("%d items, %v", len(items), err)
	}
	if _, err := All(append(many, 0x80, 0x00)); !errors.Is(err, ErrSyntax) {
		t.Fatalf("one too many: %v", err)
	}
	if items, err := All(nil); err != nil || len(items) != 0 {
		t.Fatalf("nothing: %v, %v", items, err)
	}
}

func TestConstructed(t *testing.T) {
	for tag, want := range map[Tag]bool{0x6F: true, 0x84: false, 0x7F21: true, 0x5F37: false, 0xB3: true} {
		if tag.Constructed() != want {
			t.Errorf("%v constructed: %v", tag, !want)
		}
	}
}

// What reads writes to the same bytes.
func FuzzAll(f *testing.F) {
	f.Add([]byte{0x84, 0x01, 0x02, 0x7F, 0x21, 0x00})
	f.Add(Make(0x5F37, make([]byte, 300)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		items, err := All(raw)
		if err != nil {
			return
		}
		var out []byte
		for _, it := range items {
			out = Append(out, it.Tag, it.Value)
		}
		if !bytes.Equal(out, raw) {
			t.Fatalf("% X became % X", raw, out)
		}
	})
}
