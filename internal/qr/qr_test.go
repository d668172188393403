package qr

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

func pngOf(tb testing.TB, text string, scale int) []byte {
	tb.Helper()
	code, err := Encode(text)
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	if err := code.PNG(&out, scale); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, text := range []string{
		"1", "0123456789", "DH1:ABC $%*+-./:", "letters, small", strings.Repeat("DH1:", 60), strings.Repeat("A1", 400), strings.Repeat("9Z", 700),
	} {
		for _, scale := range []int{2, 4} {
			raw := pngOf(t, text, scale)
			if !IsImage(raw) {
				t.Fatal("no image")
			}
			if got, err := Decode(raw); err != nil || got != text {
				t.Errorf("%d characters at scale %d: %d characters, %v", len(text), scale, len(got), err)
			}
		}
	}
	if _, err := Encode(strings.Repeat("A", MaxText+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	if _, err := Encode(strings.Repeat("a", MaxText)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long in bytes: %v", err)
	}
}

// TestPhotograph reads a code that was turned, dirtied and compressed.
func TestPhotograph(t *testing.T) {
	text := strings.Repeat("DH1:6BFOXN", 50)
	img, err := png.Decode(bytes.NewReader(pngOf(t, text, 5)))
	if err != nil {
		t.Fatal(err)
	}
	side := img.Bounds().Dx()
	photo := image.NewGray(image.Rect(0, 0, side+120, side+80))
	draw.Draw(photo, photo.Bounds(), image.NewUniform(color.Gray{190}), image.Point{}, draw.Src)
	for y := range side { // a quarter turn, in grey
		for x := range side {
			r, _, _, _ := img.At(x, y).RGBA()
			photo.SetGray(60+side-1-y, 40+x, color.Gray{uint8(r>>9 + 50)})
		}
	}
	draw.Draw(photo, image.Rect(60+side/2, 40+side/2, 60+side/2+25, 40+side/2+25), image.NewUniform(color.Gray{70}), image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, photo, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	if got, err := Decode(out.Bytes()); err != nil || got != text {
		t.Fatalf("%d characters, %v", len(got), err)
	}
}

func TestRefuse(t *testing.T) {
	white := func(w, h int) []byte {
		var out bytes.Buffer
		img := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.White})
		if err := png.Encode(&out, img); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	good := pngOf(t, "DH1:ABC", 4)
	for _, c := range []struct {
		name string
		raw  []byte
		want error
	}{
		{"nothing", nil, ErrImage},
		{"text", []byte("DH1:ABC"), ErrImage},
		{"cut", good[:len(good)/2], ErrImage},
		{"too many pixels", claiming(good, 1<<13, 1<<12), ErrImage},
		{"too many bytes", make([]byte, MaxFile+1), ErrImage},
		{"no code", white(200, 200), ErrNotFound},
		{"one pixel", white(1, 1), ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			if text, err := Decode(c.raw); !errors.Is(err, c.want) || text != "" {
				t.Fatalf("%q, %v; want %v", text, err, c.want)
			}
		})
	}
}

// claiming changes the size that a PNG claims to have (its IHDR chunk, whose
// CRC is mended).
func claiming(raw []byte, width, height uint32) []byte {
	out := bytes.Clone(raw)
	binary.BigEndian.PutUint32(out[16:], width)
	binary.BigEndian.PutUint32(out[20:], height)
	binary.BigEndian.PutUint32(out[29:], crc32.ChecksumIEEE(out[12:29]))
	return out
}

func TestText(t *testing.T) {
	code, err := Encode("DH1:ABC")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(code.Text(), "\n"), "\n")
	if len(lines) != (code.Size()+2*quiet+1)/2 {
		t.Errorf("%d lines for %d modules", len(lines), code.Size())
	}
	for _, l := range lines {
		if n := len([]rune(strings.TrimSuffix(strings.TrimPrefix(l, "\x1b[30;107m"), "\x1b[0m"))); n != code.Size()+2*quiet {
			t.Errorf("line of %d signs", n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(pngOf(f, "DH1:ABC", 2))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, err := Decode(raw)
		if err != nil && !errors.Is(err, ErrImage) && !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		if err != nil && text != "" {
			t.Fatal("a text beside an error")
		}
	})
}

// FuzzFind gives the library's detector pixels, which no damaged file would
// reach it as.
func FuzzFind(f *testing.F) {
	code, err := Encode("DH1:ABC")
	if err != nil {
		f.Fatal(err)
	}
	side := code.Size() + 2*quiet
	pix := make([]byte, side*side)
	for i := range pix {
		if pix[i] = 255; code.code.Black(i%side-quiet, i/side-quiet) {
			pix[i] = 0
		}
	}
	f.Add(pix, uint8(side), uint8(4))
	f.Fuzz(func(_ *testing.T, pix []byte, width, scale uint8) {
		w, s := int(width)+1, int(scale%4)+1
		h := len(pix) / w
		if h == 0 || h > 256 {
			return
		}
		img := image.NewGray(image.Rect(0, 0, w*s, h*s))
		for y := range h * s {
			for x := range w * s {
				img.Pix[y*img.Stride+x] = pix[y/s*w+x/s]
			}
		}
		_, _ = find(img)
	})
}

func BenchmarkDecode(b *testing.B) {
	raw := pngOf(b, strings.Repeat("A1", 300), 4)
	for b.Loop() {
		if _, err := Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// TestStraightCodes reads codes as they were drawn, with patterns in them that
// the library takes for corners.
func TestStraightCodes(t *testing.T) {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	for _, seed := range []uint64{81, 142, 293} {
		rng := rand.New(rand.NewPCG(seed, 3)) // #nosec G404 -- a test
		text := make([]byte, 300+rng.IntN(500))
		for i := range text {
			text[i] = letters[rng.IntN(len(letters))]
		}
		want := "HC1:" + string(text)
		c, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := c.PNG(&out, 4); err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(out.Bytes()); err != nil || got != want {
			t.Errorf("seed %d: %d characters, %v", seed, len(got), err)
		}
	}
}
