package extract

import (
	"errors"
	"image"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

// finger is the finger of every test; growing one takes a while.
var finger = sync.OnceValue(func() *synth.Finger { return synth.New(7) })

func minutiae(tb testing.TB, img *image.Gray, dpi int) []fmr.Minutia {
	tb.Helper()
	x, err := Extract(img, dpi)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := fmr.Marshal(x); err != nil {
		tb.Fatal(err)
	}
	return x.Views[0].Minutiae
}

// shared returns the share of a's minutiae that b has too, when b's are scaled
// by k: within 8 pixels and 20 degrees.
func shared(a, b []fmr.Minutia, k float64) float64 {
	n := 0
	for _, m := range a {
		if slices.ContainsFunc(b, func(o fmr.Minutia) bool {
			turn := int8(m.Angle - o.Angle)
			return math.Hypot(float64(m.X)-k*float64(o.X), float64(m.Y)-k*float64(o.Y)) < 8 && turn < 14 && turn > -14
		}) {
			n++
		}
	}
	return float64(n) / float64(max(len(a), 1))
}

func TestExtract(t *testing.T) {
	plain := synth.Pose{Width: 388, Height: 374, Noise: 0.2}
	want := minutiae(t, finger().Impression(plain), 500)
	if len(want) < 15 || len(want) > MaxMinutiae {
		t.Fatalf("%d minutiae", len(want))
	}
	if !slices.IsSortedFunc(want, func(a, b fmr.Minutia) int { return int(b.Quality) - int(a.Quality) }) {
		t.Error("the best are not first")
	}
	for _, c := range []struct {
		name  string
		pose  synth.Pose
		scale float64
		least float64
	}{
		{"again", synth.Pose{Width: 388, Height: 374, Noise: 0.6, Seed: 2}, 1, 0.75},
		{"wet", synth.Pose{Width: 388, Height: 374, Noise: 0.3, Pressure: 0.7, Seed: 3}, 1, 0.6},
		{"dry", synth.Pose{Width: 388, Height: 374, Noise: 0.3, Dryness: 0.5, Seed: 4}, 1, 0.5},
		{"300 dpi", synth.Pose{Width: 233, Height: 224, DPI: 300, Noise: 0.1}, 5. / 3, 0.6},
		{"1000 dpi", synth.Pose{Width: 776, Height: 748, DPI: 1000, Noise: 0.2}, 0.5, 0.75},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := minutiae(t, finger().Impression(c.pose), max(c.pose.DPI, 300)+btoi(c.pose.DPI == 0)*200)
			if s := shared(want, got, c.scale); s < c.least {
				t.Errorf("%.2f of the minutiae found again, at least %.2f", s, c.least)
			}
			if s := shared(got, want, 1/c.scale); len(got) > 80 || s > 1 {
				t.Errorf("%d minutiae", len(got))
			}
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestNoFinger: what is no finger has next to no minutiae, and is no error.
func TestNoFinger(t *testing.T) {
	blank := image.NewGray(image.Rect(0, 0, 300, 300))
	for i := range blank.Pix {
		blank.Pix[i] = 230
	}
	if n := len(minutiae(t, blank, 500)); n != 0 {
		t.Errorf("blank: %d minutiae", n)
	}
	ramp := image.NewGray(image.Rect(0, 0, 300, 300))
	for i := range ramp.Pix {
		ramp.Pix[i] = uint8(i % 300 / 2)
	}
	if n := len(minutiae(t, ramp, 500)); n > 2 {
		t.Errorf("ramp: %d minutiae", n)
	}
}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		name      string
		w, h, dpi int
		ok        bool
	}{
		{"narrow", 63, 300, 500, false},
		{"least", 64, 64, 500, true},
		{"coarse", 300, 300, 249, false},
		{"fine", 300, 300, 1101, false},
		{"fine and small", 130, 130, 1100, false},
		{"large", 4000, 2000, 1000, false},
		{"odd", 389, 71, 497, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Extract(image.NewGray(image.Rect(0, 0, c.w, c.h)), c.dpi)
			if errors.Is(err, ErrImage) == c.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestPart extracts from a part of a larger image.
func TestPart(t *testing.T) {
	whole := finger().Impression(synth.Pose{Width: 420, Height: 400})
	part := whole.SubImage(image.Rect(16, 8, 404, 382)).(*image.Gray)
	copied := image.NewGray(image.Rect(0, 0, 388, 374))
	for y := range 374 {
		copy(copied.Pix[y*388:(y+1)*388], whole.Pix[(y+8)*whole.Stride+16:])
	}
	if !slices.Equal(minutiae(t, part, 500), minutiae(t, copied, 500)) {
		t.Error("a part of an image is not read as its copy")
	}
	if s := shared(minutiae(t, part, 1000), minutiae(t, copied, 1000), 1); s != 1 {
		t.Errorf("scaled, %.2f are shared", s)
	}
}

// TestSink sees a picture of every step, in order.
func TestSink(t *testing.T) {
	var steps []string
	e := Extractor{Sink: func(step string, p image.Image) {
		if p.Bounds() != image.Rect(0, 0, 388, 374) {
			t.Errorf("%s: picture %v", step, p.Bounds())
		}
		steps = append(steps, step)
	}}
	if _, err := e.Extract(finger().Impression(synth.Pose{Width: 388, Height: 374}), 500); err != nil {
		t.Fatal(err)
	}
	if len(steps) < 7 || !slices.IsSorted(steps) {
		t.Errorf("steps %v", steps)
	}
}

func TestReadImage(t *testing.T) {
	for name, s := range map[string]string{"nothing": "", "text": "not an image", "cut": "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"} {
		if _, err := ReadImage(strings.NewReader(s)); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzExtract: no image makes the extraction fail or a template that cannot be
// written.
func FuzzExtract(f *testing.F) {
	f.Add([]byte{0, 255, 3}, uint8(70), uint8(90))
	f.Fuzz(func(t *testing.T, pattern []byte, w, h uint8) {
		if len(pattern) == 0 {
			return
		}
		img := image.NewGray(image.Rect(0, 0, int(w)+MinSize, int(h)+MinSize))
		for i := range img.Pix {
			img.Pix[i] = pattern[i%len(pattern)]
		}
		minutiae(t, img, 500)
	})
}

func BenchmarkExtract(b *testing.B) {
	img := finger().Impression(synth.Pose{Width: 388, Height: 374, Noise: 0.2})
	var e Extractor
	for b.Loop() {
		if _, err := e.Extract(img, 500); err != nil {
			b.Fatal(err)
		}
	}
}
