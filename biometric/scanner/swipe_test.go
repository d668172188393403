package scanner_test

import (
	"image"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/match"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

var touchChip = scanner.ID{Vendor: 0x147E, Product: 0x2016}

// drawn is a finger of nobody as high as one is drawn, and as wide as a swipe
// sensor.
var drawn = sync.OnceValue(func() *image.Gray {
	return synth.New(4).Impression(synth.Pose{Width: 144, Height: 420, DPI: 508, Noise: 0.1})
})

// lying is another impression of the same finger, on an area sensor.
var lying = sync.OnceValue(func() *image.Gray {
	return synth.New(4).Impression(synth.Pose{Width: 300, Height: 400, DPI: 508, X: 0.6, Y: -0.8, Angle: 5, Noise: 0.3, Pressure: 0.2, Seed: 9})
})

// swipe captures a stroke, and gives the hints that came before the image.
func swipe(tb testing.TB, finger *image.Gray, strokes ...soft.Stroke) (scanner.Image, []scanner.Hint, error) {
	tb.Helper()
	dev := softScanner(tb, touchChip, soft.Swipe)
	model, _ := scanner.Lookup(touchChip)
	var hints []scanner.Hint
	watch := func(ev scanner.Event) {
		if ev.Hint == "" || ev.Hint == scanner.HintPreview {
			return
		}
		hints = append(hints, ev.Hint)
		if len(hints) < len(strokes) {
			dev.Draw(finger, strokes[len(hints)])
		}
	}
	s, err := scanner.Open(tb.Context(), open(tb, dev), model, scanner.Options{Watch: watch})
	if err != nil {
		tb.Fatal(err)
	}
	dev.Draw(finger, strokes[0])
	img, err := s.Capture(tb.Context(), scanner.Request{})
	if err != nil && s.State() != scanner.Ready {
		tb.Errorf("%v after %v", s.State(), err)
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
	if st := dev.Stats(); st.Opened != 1 || st.Closed != 1 || st.Submitted != st.Ended {
		tb.Errorf("something is left open: %+v", st)
	}
	return img, hints, err
}

// TestSwipe: strips taken at any speed become the finger again, as long as it
// was, and match another impression of it.
func TestSwipe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stroke soft.Stroke
		off    float64 // rows that the image may be longer or shorter
		mean   float64 // greys that a pixel may be off in the mean
	}{
		{"whole rows", soft.Stroke{Speed: []float64{8}}, 0, 0.01},
		{"slow", soft.Stroke{Speed: []float64{0.7}}, 1.5, 14},
		{"fast", soft.Stroke{Speed: []float64{14.3}}, 1.5, 14},
		{"faster and slower", soft.Stroke{Speed: []float64{3.2, 4.1, 5.7, 7.4, 9.3, 11.2, 12.9, 11.5, 9.8, 7.7, 5.1, 3.6}}, 1.5, 14},
		{"stops on the way", soft.Stroke{Speed: []float64{6.4, 7.2, 0, 0, 0, 0, 0.3, 5.5}}, 1.5, 14},
		{"strays", soft.Stroke{Speed: []float64{7.3}, Sway: 9}, 1.5, 20},
		{"grainy", soft.Stroke{Speed: []float64{6.6, 9.1}, Grain: 24}, 1.5, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				img, hints, err := swipe(t, drawn(), tt.stroke)
				if err != nil || len(hints) > 0 {
					t.Fatalf("hints %v, %v", hints, err)
				}
				off, mean := differ(img.Gray, drawn())
				t.Logf("%d rows of %d, %.2f greys off in the mean", img.Rect.Dy(), drawn().Rect.Dy(), mean)
				if math.Abs(float64(off)) > tt.off || mean > tt.mean {
					t.Errorf("%d rows too many, %.2f greys off", off, mean)
				}
				score := compare(t, img.Gray, lying())
				if !score.Accepts(1e-4) {
					t.Errorf("score %.2f against another impression", score)
				}
			})
		})
	}
}

// TestSwipeOfAnother: the match is the finger's, not the sensor's.
func TestSwipeOfAnother(t *testing.T) {
	other := synth.New(5).Impression(synth.Pose{Width: 300, Height: 400, DPI: 508})
	if score := compare(t, drawn(), other); score.Accepts(1e-4) {
		t.Errorf("score %.2f against another finger", score)
	}
}

// TestSwipeGuidance: a finger that was drawn badly is told how, and asked for
// again.
func TestSwipeGuidance(t *testing.T) {
	good := soft.Stroke{Speed: []float64{8}}
	for _, tt := range []struct {
		name  string
		bad   soft.Stroke
		hints []scanner.Hint // nil: the image is good
	}{
		{"too fast", soft.Stroke{Speed: []float64{31}}, []scanner.Hint{scanner.HintTooFast}},
		{"too short", soft.Stroke{Speed: []float64{8}, From: 300}, []scanner.Hint{scanner.HintTooShort}},
		{"not at all", soft.Stroke{Speed: []float64{0}, From: 200, Most: 50}, []scanner.Hint{scanner.HintTooShort}},
		{"there and back", soft.Stroke{Speed: slices.Concat(slices.Repeat([]float64{9}, 20), slices.Repeat([]float64{-9}, 20))}, []scanner.Hint{scanner.HintOneWay}},
		{"the other way round", soft.Stroke{Speed: []float64{-7.5}, From: 396}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				img, hints, err := swipe(t, drawn(), tt.bad, good)
				if err != nil || !slices.Equal(hints, tt.hints) {
					t.Fatalf("hints %v, %v", hints, err)
				}
				if off, mean := differ(img.Gray, drawn()); max(off, -off) > 8 || mean > 14 {
					t.Errorf("%d rows too many, %.2f greys off", off, mean)
				}
			})
		})
	}
	t.Run("never good", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if _, hints, err := swipe(t, drawn(), soft.Stroke{Speed: []float64{31}}); err == nil || len(hints) != 5 {
				t.Errorf("%d hints, %v", len(hints), err)
			}
		})
	})
}

// TestSwipeJoined: a sensor that puts its strips together itself.
func TestSwipeJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := softScanner(t, touchChip, soft.Swipe, soft.Joined)
		dev.Touch(drawn())
		model, _ := scanner.Lookup(touchChip)
		if img := capture(t, open(t, dev), model, nil); !same(img.Gray, drawn()) {
			t.Error("the image is another")
		}
	})
}

// differ tells how many rows more a has than b, and how many greys their
// pixels are apart in the mean where a lies best on b, at most a few rows off.
func differ(a, b *image.Gray) (rows int, mean float64) {
	mean = math.Inf(1)
	for shift := -8; shift <= 8; shift++ {
		sum, n := 0, 0
		for y := range b.Rect.Dy() {
			if y+shift < 0 || y+shift >= a.Rect.Dy() {
				continue
			}
			for x := range b.Rect.Dx() {
				d := int(a.Pix[(y+shift)*a.Stride+x]) - int(b.Pix[y*b.Stride+x])
				sum += max(d, -d)
				n++
			}
		}
		if m := float64(sum) / float64(max(n, 1)); m < mean {
			mean = m
		}
	}
	return a.Rect.Dy() - b.Rect.Dy(), mean
}

func compare(tb testing.TB, a, b *image.Gray) match.Score {
	tb.Helper()
	var probes [2]*match.Probe
	for i, img := range []*image.Gray{a, b} {
		template, err := extract.Extract(img, 508)
		if err != nil {
			tb.Fatal(err)
		}
		if probes[i], err = match.Prepare(template, 0); err != nil {
			tb.Fatal(err)
		}
	}
	return match.Compare(probes[0], probes[1])
}

// BenchmarkSwipe is a swipe of 420 rows from the first strip to the image.
func BenchmarkSwipe(b *testing.B) {
	for b.Loop() {
		if _, _, err := swipe(b, drawn(), soft.Stroke{Speed: []float64{7.3}}); err != nil {
			b.Fatal(err)
		}
	}
}
