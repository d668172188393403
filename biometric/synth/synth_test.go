package synth

import (
	"bytes"
	"math"
	"testing"
)

func TestSameSeed(t *testing.T) {
	a, b, c := New(5), New(5), New(6)
	p := Random(9, 0.5)
	if !bytes.Equal(a.Impression(p).Pix, b.Impression(p).Pix) {
		t.Error("one seed and one pose make two images")
	}
	if bytes.Equal(a.Impression(p).Pix, c.Impression(p).Pix) {
		t.Error("two seeds make one finger")
	}
	q := p
	q.Seed++
	if bytes.Equal(a.Impression(p).Pix, a.Impression(q).Pix) {
		t.Error("two impressions are one image")
	}
}

// TestImpression looks at what a pose does to the image.
func TestImpression(t *testing.T) {
	f := New(5)
	dark := func(p Pose) (n int, cx, cy float64) {
		img := f.Impression(p)
		for i, v := range img.Pix {
			if v < 128 {
				n++
				cx += float64(i % img.Stride)
				cy += float64(i / img.Stride)
			}
		}
		return n, cx / float64(n), cy / float64(n)
	}
	plain := Pose{Width: 500, Height: 560}
	n, cx, cy := dark(plain)
	if share := float64(n) / (500 * 560); share < 0.12 || share > 0.5 {
		t.Errorf("%.2f of the image is dark", share)
	}
	moved := plain
	moved.X, moved.Y = 2, -1
	if _, mx, my := dark(moved); math.Abs(mx-cx-2/25.4*500) > 3 || math.Abs(my-cy+1/25.4*500) > 3 {
		t.Errorf("moved by %.1f, %.1f pixels", mx-cx, my-cy)
	}
	for name, change := range map[string]struct {
		p    Pose
		more bool
	}{
		"pressed": {Pose{Width: 500, Height: 560, Pressure: 1}, true},
		"touched": {Pose{Width: 500, Height: 560, Pressure: -1}, false},
		"dry":     {Pose{Width: 500, Height: 560, Dryness: 1}, false},
	} {
		if m, _, _ := dark(change.p); (m > n) != change.more {
			t.Errorf("%s: %d dark pixels, %d without", name, m, n)
		}
	}
	double := Pose{Width: 1000, Height: 1120, DPI: 1000}
	if m, _, _ := dark(double); math.Abs(float64(m)/float64(4*n)-1) > 0.05 {
		t.Errorf("at twice the resolution %d dark pixels, %d at the simple", m, n)
	}
	if b := f.Impression(Pose{}).Bounds(); b.Dx() != 1 || b.Dy() != 1 {
		t.Errorf("no size makes %v", b)
	}
}

func TestClasses(t *testing.T) {
	seen := map[string]bool{}
	for c := range Whorl + 1 {
		seen[c.String()] = true
	}
	if len(seen) != 5 {
		t.Errorf("names %v", seen)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New(1)
	}
}

func BenchmarkImpression(b *testing.B) {
	f := New(1)
	for b.Loop() {
		f.Impression(Random(1, 0.5))
	}
}
