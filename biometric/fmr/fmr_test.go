package fmr

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// sample is made up: two views of one finger, one of them with an extension.
func sample() *Template {
	return &Template{
		Device: 0x1002, Width: 388, Height: 374, XRes: 197, YRes: 197,
		Views: []View{
			{
				Position: RightIndex, Quality: 80,
				Minutiae: []Minutia{
					{X: 100, Y: 50, Angle: 64, Type: Ending, Quality: 90},
					{X: 387, Y: 373, Angle: 255, Type: Bifurcation, Quality: 1},
					{X: 0, Y: 0, Angle: 0, Type: Other},
				},
				Extensions: []Extension{{Type: 0x0001, Data: []byte{1, 2, 3}}},
			},
			{Position: RightIndex, Number: 1, Impression: Swipe},
		},
	}
}

const sampleHex = "464d5200203230000000003d" + "1002" + "0184" + "0176" + "00c5" + "00c5" + "02" + "00" +
	"02" + "00" + "50" + "03" + "40640032405a" + "81830175ff01" + "000000000000" + "0007" + "00010007010203" +
	"02" + "18" + "00" + "00" + "0000"

func TestRecord(t *testing.T) {
	b, err := Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(b); got != sampleHex {
		t.Fatalf("record\n%s, want\n%s", got, sampleHex)
	}
	back, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, sample()) {
		t.Fatalf("read %+v", back)
	}
	if d := back.DPI(); d < 499 || d > 501 {
		t.Errorf("resolution %v", d)
	}
}

// TestParseRefuses changes one thing of a sound record.
func TestParseRefuses(t *testing.T) {
	good, _ := hex.DecodeString(sampleHex)
	put := func(at int, v ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], v)
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"nothing", nil},
		{"identifier", put(0, 'G')},
		{"version", put(5, '3')},
		{"length", put(11, 0x3E)},
		{"cut", good[:len(good)-1]},
		{"left over", append(put(11, 0x3E), 0)},
		{"width zero", put(14, 0, 0)},
		{"width above", put(14, 0x40, 0)},
		{"resolution zero", put(18, 0, 0)},
		{"no view", put(22, 0)},
		{"views", put(22, 17)},
		{"reserved byte", put(23, 1)},
		{"position", put(24, 11)},
		{"impression", put(25, 4)},
		{"quality", put(26, 101)},
		{"count", put(27, 200)},
		{"minutia type", put(28, 0xC0)},
		{"minutia x", put(28, 0x41, 0x84)},
		{"minutia reserved", put(30, 0x40)},
		{"minutia quality", put(33, 101)},
		{"extension length", put(46, 0, 6)},
		{"extension area", put(50, 0, 3)},
		{"view twice", put(len(good)-5, 0x08)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Parse(c.b); !errors.Is(err, ErrFormat) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestMarshalRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Template){
		"size":       func(t *Template) { t.Width = 0 },
		"resolution": func(t *Template) { t.XRes = 70000 },
		"no view":    func(t *Template) { t.Views = nil },
		"number":     func(t *Template) { t.Views[0].Number = 16 },
		"outside":    func(t *Template) { t.Views[0].Minutiae[0].X = -1 },
		"below":      func(t *Template) { t.Views[0].Minutiae[0].Y = 374 },
		"type":       func(t *Template) { t.Views[0].Minutiae[0].Type = 3 },
		"many":       func(t *Template) { t.Views[0].Minutiae = make([]Minutia, 256) },
		"long":       func(t *Template) { t.Views[0].Extensions[0].Data = make([]byte, 65600) },
		"longer":     func(t *Template) { t.Views[0].Extensions[0].Data = make([]byte, 65500) },
	} {
		t.Run(name, func(t *testing.T) {
			x := sample()
			spoil(x)
			if _, err := Marshal(x); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), ":") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestINCITS(t *testing.T) {
	const record = "464d520020323000" + "0028" + "00330009" + "0000" + "012c" + "0190" + "00c5" + "00c5" + "01" + "00" +
		"07" + "00" + "5a" + "01" + "80c801222d46" + "0000"
	b, _ := hex.DecodeString(strings.Replace(record, "0028", "0026", 1))
	got, err := ParseINCITS(b)
	if err != nil {
		t.Fatal(err)
	}
	want := &Template{Width: 300, Height: 400, XRes: 197, YRes: 197, Views: []View{{
		Position: LeftIndex, Quality: 90, Minutiae: []Minutia{{X: 200, Y: 290, Angle: 64, Type: Bifurcation, Quality: 70}},
	}}}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("read %+v, want %+v", got, want)
	}
	if _, err := Parse(b); err == nil {
		t.Error("read as ISO")
	}
	b[34] = 180
	if _, err := ParseINCITS(b); !errors.Is(err, ErrFormat) {
		t.Errorf("angle out of range: %v", err)
	}
	long, _ := hex.DecodeString(record)
	if _, err := ParseINCITS(long); !errors.Is(err, ErrFormat) {
		t.Errorf("wrong length: %v", err)
	}
}

func TestCard(t *testing.T) {
	for _, c := range []struct {
		name  string
		card  Card
		limit int
		want  string
	}{
		{"compact", Compact, 255, "000000" + "331950" + "c4bd80"},
		{"compact, the best two", Compact, 2, "000050" + "91a480"},
		{"normal", Normal, 255, "0000000000" + "41fc00fe40" + "87ac0765ff"},
		{"none", Normal, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := AppendCard(nil, sample(), 0, c.card, c.limit)
			if err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString(got) != c.want {
				t.Errorf("%x, want %s", got, c.want)
			}
			back, err := ParseCard(got, c.card)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(back.Views[0].Minutiae); n != min(3, c.limit) {
				t.Errorf("%d minutiae", n)
			}
		})
	}
	for _, c := range []struct {
		name string
		card Card
		b    string
	}{
		{"cut", Compact, "0000"},
		{"type", Compact, "0000c0"},
		{"reserved", Normal, "0000400000"},
		{"many", Compact, strings.Repeat("000000", 256)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := hex.DecodeString(c.b)
			if _, err := ParseCard(b, c.card); !errors.Is(err, ErrFormat) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestCardRange writes minutiae that lie further apart than a compact card
// format can say: the one far away goes.
func TestCardRange(t *testing.T) {
	x := &Template{Width: 900, Height: 900, XRes: 197, YRes: 197, Views: []View{{Minutiae: []Minutia{
		{X: 20, Y: 300}, {X: 30, Y: 310}, {X: 200, Y: 320}, {X: 899, Y: 330, Quality: 100},
	}}}}
	got, err := AppendCard(nil, x, 0, Compact, 255)
	if err != nil {
		t.Fatal(err)
	}
	if want := "000000" + "050500" + "5c0a00"; hex.EncodeToString(got) != want {
		t.Errorf("%x, want %s", got, want)
	}
}

// FuzzParse: whatever is read as a record is written again as the same bytes.
func FuzzParse(f *testing.F) {
	b, _ := hex.DecodeString(sampleHex)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Marshal(x)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("written again %x, error %v", again, err)
		}
	})
}

// FuzzParseINCITS: whatever is read can be written as a record of ISO.
func FuzzParseINCITS(f *testing.F) {
	b, _ := hex.DecodeString("464d5200203230000026003300090000012c019000c500c5010007005a0180c801222d460000")
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := ParseINCITS(b)
		if err != nil {
			return
		}
		if _, err := Marshal(x); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzParseCard: what is read in a card format is written again with all its
// minutiae.
func FuzzParseCard(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0x33, 0x19, 0x50}, true)
	f.Add([]byte{0x41, 0xfc, 0, 0xfe, 0x40}, false)
	f.Fuzz(func(t *testing.T, b []byte, compact bool) {
		c := Normal
		if compact {
			c = Compact
		}
		x, err := ParseCard(b, c)
		if err != nil {
			return
		}
		again, err := AppendCard(nil, x, 0, c, MaxMinutiae)
		if err != nil || len(again) != len(b) {
			t.Fatalf("%d bytes, error %v", len(again), err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	x := &Template{Width: 388, Height: 374, XRes: 197, YRes: 197, Views: []View{{Minutiae: make([]Minutia, 45)}}}
	raw, err := Marshal(x)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}
