//go:build !race

// No goroutine is in these tests, and a finger takes the race detector ten
// times as long to grow.

package replay

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

var nobody = sync.OnceValue(func() *synth.Finger { return synth.New(7) })

// press is an impression on a small sensor, which costs less to extract from.
func press(seed uint64, effort float64) *image.Gray {
	pose := synth.Random(seed, effort)
	pose.Width, pose.Height = 220, 240
	return nobody().Impression(pose)
}

func extracted(t *testing.T, img *image.Gray) *fmr.Template {
	t.Helper()
	out, err := extract.Extract(img, 500)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// changed is img with every grey changed.
func changed(img *image.Gray, to func(grey int) int) *image.Gray {
	out := image.NewGray(img.Rect)
	for i, grey := range img.Pix {
		out.Pix[i] = uint8(max(0, min(255, to(int(grey))))) // #nosec G115 -- within
	}
	return out
}

// TestWrittenAnew: an image that was recorded is known again when its bytes are
// others.
func TestWrittenAnew(t *testing.T) {
	img := press(3, 0.5)
	noise := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name  string
		again func() *image.Gray
	}{
		{"brighter", func() *image.Gray { return changed(img, func(g int) int { return g + 1 }) }},
		{"less contrast", func() *image.Gray { return changed(img, func(g int) int { return 128 + (g-128)*9/10 }) }},
		{"noise", func() *image.Gray { return changed(img, func(g int) int { return g + noise.IntN(5) - 2 }) }},
		{"jpeg", func() *image.Gray {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
				t.Fatal(err)
			}
			out, err := extract.ReadImage(&b)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := NewGuard(4)
			if err != nil {
				t.Fatal(err)
			}
			if err := g.Check(img, extracted(t, img)); err != nil {
				t.Fatal(err)
			}
			again := c.again()
			if err := g.Check(again, extracted(t, again)); !errors.Is(err, ErrReplay) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestPutOnAgain: a finger that is put on again is not refused.
func TestPutOnAgain(t *testing.T) {
	g, err := NewGuard(512)
	if err != nil {
		t.Fatal(err)
	}
	for _, effort := range []float64{0.2, 0.5} {
		for n := range uint64(3) {
			img := press(n<<4|uint64(effort*10), effort)
			if err := g.Check(img, extracted(t, img)); err != nil {
				t.Errorf("press %d of effort %v: %v", n, effort, err)
			}
		}
	}
}
