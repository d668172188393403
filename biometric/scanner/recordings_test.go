package scanner_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/scannertest"
	"github.com/dhamani-iq/dhamani/biometric/scanner/tape"
)

// recordings are those of real devices in the folder DHAMANI_DATA.
func recordings(tb testing.TB) []string {
	tb.Helper()
	data := os.Getenv("DHAMANI_DATA")
	if data == "" {
		data = "../../../shared/data"
	}
	dirs, err := filepath.Glob(filepath.Join(data, "usb", "*", "capture.png"))
	if err != nil {
		tb.Fatal(err)
	}
	if len(dirs) == 0 {
		tb.Skipf("no recordings of real scanners below %s/usb; name their folder in DHAMANI_DATA", data)
	}
	for i, d := range dirs {
		dirs[i] = filepath.Dir(d)
	}
	return dirs
}

// readGray reads a picture whose colours are all grey.
func readGray(tb testing.TB, name string) *image.Gray {
	tb.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	src, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	img := image.NewGray(src.Bounds())
	for y := range src.Bounds().Dy() {
		for x := range src.Bounds().Dx() {
			r, g, b, _ := src.At(x, y).RGBA()
			if r != g || g != b {
				tb.Fatalf("%s: pixel %d, %d has a colour", name, x, y)
			}
			img.SetGray(x, y, color.Gray{Y: uint8(r >> 8)})
		}
	}
	return img
}

func TestRealRecordings(t *testing.T) {
	for _, dir := range recordings(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			recording, err := tape.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			s, err := scanner.Open(t.Context(), recording.Play(), recording.Device.Model, scanner.Options{Seed: scanner.FixedSeed(scanner.RecordingSeed)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Capture(t.Context(), scanner.Request{Wait: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			want := readGray(t, filepath.Join(dir, "capture.png"))
			if got.Rect != want.Rect || !bytes.Equal(got.Pix, want.Pix) {
				n := 0
				for i := range want.Pix {
					if i < len(got.Pix) && want.Pix[i] != got.Pix[i] {
						n++
					}
				}
				t.Fatalf("%v, want %v; %d pixels differ", got.Rect, want.Rect, n)
			}
			t.Logf("%v at %d dpi, %v after the finger", got.Rect, got.DPI, got.Took)
		})
	}
}

// TestWrongRecordings: another seed, a cut recording and a changed byte have
// names.
func TestWrongRecordings(t *testing.T) {
	_, raw, _ := record(t, softScanner(t, scannertest.Model), ridges(300, 280))
	upek := scanner.ID{Vendor: 0x147E, Product: 0x2016}
	_, framed, _ := record(t, softScanner(t, upek), ridges(192, 270))
	seed := []byte{0x24, 0x21, 0xEA, 0x51} // RecordingSeed, little-endian, in the key exchange
	for _, tt := range []struct {
		name string
		raw  []byte
		seed uint32
		want error
	}{
		{"whole", raw, scanner.RecordingSeed, nil},
		{"another seed", raw, scanner.RecordingSeed + 1, tape.ErrMismatch},
		{"changed command", changed(t, raw, seed), scanner.RecordingSeed, tape.ErrMismatch},
		{"cut in a packet", raw[:len(raw)/2], scanner.RecordingSeed, tape.ErrFormat},
		{"cut between packets", raw[:blockBefore(t, raw, len(raw)/2)], scanner.RecordingSeed, tape.ErrEnd},
		{"cut behind the image", raw[:blockBefore(t, raw, len(raw)-600)], scanner.RecordingSeed, tape.ErrEnd},
		{"changed pixel under a checksum", changed(t, framed, framed[len(framed)/2:len(framed)/2+16]), 0, scanner.ErrProtocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := play(t, tt.raw, tt.seed); !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
		})
	}
}

// play captures from a recording, and gives what went wrong.
func play(t *testing.T, raw []byte, seed uint32) error {
	t.Helper()
	recording, err := tape.Parse(nil, raw)
	if err != nil {
		return err
	}
	s, err := scanner.Open(t.Context(), recording.Play(), recording.Device.Model, scanner.Options{Seed: scanner.FixedSeed(seed)})
	if err != nil {
		return err
	}
	_, err = s.Capture(t.Context(), scanner.Request{Wait: time.Second})
	return errors.Join(err, s.Close())
}

// changed changes one bit where found begins.
func changed(t *testing.T, raw, found []byte) []byte {
	t.Helper()
	at := bytes.Index(raw, found)
	if at < 0 {
		t.Fatal("not in the recording")
	}
	raw = bytes.Clone(raw)
	raw[at] ^= 0x10
	return raw
}

// blockBefore is where the last block of a recording begins before a place.
func blockBefore(t *testing.T, raw []byte, place int) int {
	t.Helper()
	at := 0
	for {
		next := at + int(binary.LittleEndian.Uint32(raw[at+4:]))
		if next > place {
			return at
		}
		at = next
	}
}
