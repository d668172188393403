package apdu

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The four cases of ISO/IEC 7816-3 12.1.3 in both forms.
func TestCommandForms(t *testing.T) {
	long := bytes.Repeat([]byte{0x5A}, 300)
	for _, tt := range []struct {
		name string
		cmd  Command
		raw  string
	}{
		{"case 1", Command{INS: 0x44}, "00 44 00 00"},
		{"case 2 short", Command{INS: 0xB0, P1: 0x9D, Ne: 16}, "00 B0 9D 00 10"},
		{"case 2 short, 256", Command{INS: 0xB0, P1: 0x9D, Ne: 256}, "00 B0 9D 00 00"},
		{"case 3 short", Command{INS: 0x22, P1: 0x81, P2: 0xB6, Data: []byte{0x83, 0x01, 0x41}}, "00 22 81 B6 03 83 01 41"},
		{"case 4 short", Command{CLA: 0x0C, INS: 0xA4, P1: 4, Data: []byte{1, 2}, Ne: 256}, "0C A4 04 00 02 01 02 00"},
		{"case 2 extended", Command{INS: 0xB0, Ne: 2048, Extended: true}, "00 B0 00 00 00 08 00"},
		{"case 2 extended, 65536", Command{INS: 0xB0, Ne: 65536, Extended: true}, "00 B0 00 00 00 00 00"},
		{"case 3 extended", Command{INS: 0xDA, Data: []byte{7}, Extended: true}, "00 DA 00 00 00 00 01 07"},
		{"case 4 extended", Command{INS: 0xDA, Data: long, Ne: 1, Extended: true}, "00 DA 00 00 00 01 2C" + hex.EncodeToString(long) + "00 01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := tt.cmd.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if want := unhex(t, tt.raw); !bytes.Equal(raw, want) {
				t.Fatalf("encoded % X, want % X", raw, want)
			}
			got, err := Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			if got.Header() != tt.cmd.Header() || got.Ne != tt.cmd.Ne || got.Extended != tt.cmd.Extended || !bytes.Equal(got.Data, tt.cmd.Data) {
				t.Fatalf("parsed %+v, want %+v", got, tt.cmd)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		want      error
	}{
		{"nothing", "", ErrLength},
		{"three bytes", "00 A4 04", ErrLength},
		{"class FF", "FF A4 04 00", ErrClass},
		{"data cut short", "00 A4 04 00 05 01 02", ErrLength},
		{"bytes left over", "00 A4 04 00 01 01 00 00", ErrLength},
		{"extended cut short", "00 A4 04 00 00 01", ErrLength},
		{"extended Lc of zero", "00 A4 04 00 00 00 00 01", ErrLength},
		{"extended data cut short", "00 A4 04 00 00 00 04 01 02", ErrLength},
		{"extended Le of one byte", "00 A4 04 00 00 00 01 01 00", ErrLength},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(unhex(t, tt.raw)); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, c := range map[string]Command{
		"too much data":        {Data: make([]byte, 256)},
		"too much expected":    {Ne: 257},
		"negative":             {Ne: -1},
		"extended data":        {Data: make([]byte, 65536), Extended: true},
		"extended expected":    {Ne: 65537, Extended: true},
		"extended but nothing": {Extended: true},
		"class FF":             {CLA: 0xFF},
	} {
		if _, err := c.Encode(); !errors.Is(err, ErrLength) && !errors.Is(err, ErrClass) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestChain(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 510, 511, 2400} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * 7)
		}
		blocks, err := Chain(Command{CLA: 0x0C, INS: 0xE2, Data: data, Ne: 2048})
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for i, b := range blocks {
			c, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			last := i == len(blocks)-1
			if chained := c.CLA&ClassChained != 0; chained == last {
				t.Fatalf("%d bytes, block %d of %d: chaining bit %v", n, i, len(blocks), chained)
			}
			if want := map[bool]int{true: 256, false: 0}[last]; c.Ne != want {
				t.Fatalf("%d bytes, block %d: expects %d, want %d", n, i, c.Ne, want)
			}
			got = append(got, c.Data...)
		}
		if !bytes.Equal(got, data) {
			t.Fatalf("%d bytes: data changed on the way", n)
		}
		if want := max(1, (n+254)/255); len(blocks) != want {
			t.Fatalf("%d bytes in %d blocks, want %d", n, len(blocks), want)
		}
	}
	if _, err := Chain(Command{Data: make([]byte, 65536)}); !errors.Is(err, ErrLength) {
		t.Fatalf("chain of 65,536 bytes: got %v", err)
	}
}

// A reader that passes fewer bytes gets more blocks.
func TestSplit(t *testing.T) {
	data := bytes.Repeat([]byte{7}, 500)
	for _, most := range []int{1, 128, 192, 256} {
		blocks, err := Split(Command{INS: 0xE2, Data: data, Ne: 2048}, most)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, b := range blocks {
			c, err := Parse(b)
			if err != nil || len(c.Data) > most || c.Ne > most {
				t.Fatalf("at most %d: block of %d bytes that expects %d, %v", most, len(c.Data), c.Ne, err)
			}
			n += len(c.Data)
		}
		if n != len(data) {
			t.Errorf("at most %d: %d bytes arrive", most, n)
		}
	}
	for _, most := range []int{-1, 0, 257} {
		if _, err := Split(Command{Data: data}, most); !errors.Is(err, ErrLength) {
			t.Errorf("at most %d: %v", most, err)
		}
	}
}

func TestStatusWords(t *testing.T) {
	for _, tt := range []struct {
		sw      SW
		more    int
		isMore  bool
		correct int
		isLe    bool
	}{
		{0x9000, 256, false, 256, false},
		{0x6100, 256, true, 256, false},
		{0x6110, 16, true, 16, false},
		{0x6C00, 256, false, 256, true},
		{0x6C20, 32, false, 32, true},
		{0x6282, 130, false, 130, false},
	} {
		if n, ok := tt.sw.More(); ok != tt.isMore || ok && n != tt.more {
			t.Errorf("%v.More() = %d, %v", tt.sw, n, ok)
		}
		if n, ok := tt.sw.CorrectNe(); ok != tt.isLe || ok && n != tt.correct {
			t.Errorf("%v.CorrectNe() = %d, %v", tt.sw, n, ok)
		}
	}
	if SWMore(5) != 0x6105 || SWMore(256) != 0x6100 || SWMore(3000) != 0x6100 {
		t.Error("SWMore codes wrong")
	}
	if _, err := ParseResponse([]byte{0x90}); !errors.Is(err, ErrLength) {
		t.Errorf("response of one byte: got %v", err)
	}
	r, err := ParseResponse([]byte{1, 2, 0x62, 0x82})
	if err != nil || r.SW != SWEndOfFile || !bytes.Equal(r.Encode(), []byte{1, 2, 0x62, 0x82}) {
		t.Errorf("response: %v, %v", r, err)
	}
}

// What parses encodes to the same bytes.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"00A40400", "00B0000010", "0022810003830141", "00B00000000800", "00DA0000000001072000"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Parse(raw)
		if err != nil {
			return
		}
		got, err := c.Encode()
		if err != nil {
			t.Fatalf("encode of what parsed: %v", err)
		}
		if !bytes.Equal(got, raw) {
			t.Fatalf("% X became % X", raw, got)
		}
	})
}
