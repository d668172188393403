package scanner_test

import (
	"bytes"
	"context"
	"image"
	"math"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
	"github.com/dhamani-iq/dhamani/biometric/scanner/tape"
)

// ridges draws a whorl: a picture that no two rows of are alike.
func ridges(width, height int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			r := math.Hypot(float64(x-width/2), float64(y-height/2)*0.8)
			img.Pix[y*width+x] = uint8(128 + 90*math.Sin(r*0.7+math.Atan2(float64(y-height/2), float64(x-width/2))))
		}
	}
	return img
}

// softScanner makes a scanner with a finger on it that leaves when the image
// has been taken.
func softScanner(tb testing.TB, id scanner.ID, variants ...soft.Variant) *soft.Scanner {
	tb.Helper()
	s, err := soft.New(id, variants...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func open(tb testing.TB, s *soft.Scanner) scanner.Transport {
	tb.Helper()
	tr, err := s.Open()
	if err != nil {
		tb.Fatal(err)
	}
	return tr
}

// liftAt takes the finger off when the session waits for that.
func liftAt(s *soft.Scanner) func(scanner.Event) {
	return func(ev scanner.Event) {
		if ev.State == scanner.Lifting {
			s.Lift()
		}
	}
}

// record captures finger through a recorder, and gives tape and image.
func record(tb testing.TB, s *soft.Scanner, finger *image.Gray) (*tape.Tape, []byte, *image.Gray) {
	tb.Helper()
	var file bytes.Buffer
	device := s.Device("1")
	rec, err := tape.NewRecorder(&file, open(tb, s), device.Descriptors)
	if err != nil {
		tb.Fatal(err)
	}
	s.Touch(finger)
	got := capture(tb, rec, device.Model, liftAt(s))
	recording, err := tape.Parse(nil, file.Bytes())
	if err != nil {
		tb.Fatal(err)
	}
	return recording, file.Bytes(), got.Gray
}

// capture opens a session, takes one image and closes it.
func capture(tb testing.TB, tr scanner.Transport, m scanner.Model, watch func(scanner.Event)) scanner.Image {
	tb.Helper()
	s, err := scanner.Open(tb.Context(), tr, m, scanner.Options{Seed: scanner.FixedSeed(scanner.RecordingSeed), Watch: watch})
	if err != nil {
		tb.Fatal(err)
	}
	img, err := s.Capture(tb.Context(), scanner.Request{Wait: 5 * time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
	return img
}

func same(a, b *image.Gray) bool { return a.Rect == b.Rect && bytes.Equal(a.Pix, b.Pix) }

// lifting takes the finger off when the driver awaits that.
type lifting struct {
	scanner.Transport
	s *soft.Scanner
}

func (l lifting) Control(ctx context.Context, setup scanner.Setup, data []byte) (int, error) {
	n, err := l.Transport.Control(ctx, setup, data)
	if setup.Value == 0x4E && len(data) == 1 && data[0] == 0x12 {
		l.s.Lift()
	}
	return n, err
}
