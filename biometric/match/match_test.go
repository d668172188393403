package match

import (
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

// people are templates of impressions of made up fingers: people()[i] of one.
var people = sync.OnceValue(func() (all [4][3]*fmr.Template) {
	for i := range all {
		f := synth.New(uint64(20 + i))
		for j := range all[i] {
			p := synth.Random(uint64(100*i+j), 0.6)
			t, err := extract.Extract(f.Impression(p), 500)
			if err != nil {
				panic(err)
			}
			all[i][j] = t
		}
	}
	return all
})

func prepare(tb testing.TB, x *fmr.Template) *Probe {
	tb.Helper()
	p, err := Prepare(x, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestCompare(t *testing.T) {
	all := people()
	var refused, accepted int
	for i := range all {
		for j := range all[i] {
			for k := range all {
				for l := range all[k] {
					if k < i || k == i && l <= j {
						continue
					}
					s := Compare(prepare(t, all[i][j]), prepare(t, all[k][l]))
					if s < 0 || math.IsNaN(float64(s)) {
						t.Fatalf("score %v", s)
					}
					switch {
					case i == k && !s.Accepts(1e-3):
						refused++
					case i != k && s.Accepts(1e-4):
						accepted++
					}
				}
			}
		}
	}
	// Twelve comparisons of one finger, 54 of two.
	if refused > 1 || accepted > 0 {
		t.Errorf("%d of one finger refused at 1 in 1000, %d of two accepted at 1 in 10,000", refused, accepted)
	}
}

// TestMoved turns and shifts a template: it stays the same finger.
func TestMoved(t *testing.T) {
	x := people()[0][0]
	for _, degrees := range []float64{0, 10, -35, 60} {
		sin, cos := math.Sincos(-degrees * math.Pi / 180)
		moved := &fmr.Template{Width: 2000, Height: 2000, XRes: x.XRes, YRes: x.YRes, Views: []fmr.View{{}}}
		for _, m := range x.Views[0].Minutiae {
			u, v := float64(m.X), float64(m.Y)
			m.X, m.Y = int(math.Round(cos*u-sin*v+1000)), int(math.Round(sin*u+cos*v+900))
			m.Angle += uint8(int(math.Round(degrees*256/360)) & 0xFF)
			moved.Views[0].Minutiae = append(moved.Views[0].Minutiae, m)
		}
		if s := Compare(prepare(t, x), prepare(t, moved)); s < 5 {
			t.Errorf("turned by %v degrees: score %.1f", degrees, s)
		}
	}
}

// TestResolution: a template of an image of twice the resolution is the same.
func TestResolution(t *testing.T) {
	x := people()[1][0]
	fine := &fmr.Template{Width: 2 * x.Width, Height: 2 * x.Height, XRes: 2 * x.XRes, YRes: 2 * x.YRes, Views: []fmr.View{{}}}
	for _, m := range x.Views[0].Minutiae {
		m.X, m.Y = 2*m.X, 2*m.Y
		fine.Views[0].Minutiae = append(fine.Views[0].Minutiae, m)
	}
	if s := Compare(prepare(t, x), prepare(t, fine)); s < 5 {
		t.Errorf("score %.1f", s)
	}
}

func TestEmpty(t *testing.T) {
	none := &fmr.Template{Width: 300, Height: 300, XRes: 197, YRes: 197, Views: []fmr.View{{}}}
	if s := Compare(prepare(t, none), prepare(t, people()[0][0])); s != 0 {
		t.Errorf("score %v", s)
	}
	if _, err := Prepare(none, 1); !errors.Is(err, ErrView) {
		t.Errorf("error %v", err)
	}
}

func TestFuse(t *testing.T) {
	for _, c := range []struct {
		name string
		got  Score
		want float64
	}{
		{"no finger", Fingers(), 0},
		{"one finger", Fingers(3), 3},
		{"two fingers", Fingers(3, 3), 6 - math.Log10(1+6*math.Ln10)},
		{"one of them a stranger's", Fingers(4, 0), 4 - math.Log10(1+4*math.Ln10)},
		{"no impression", Impressions(), 0},
		{"one impression", Impressions(2), 2},
		{"the best of ten", Impressions(0, 4, 1, 0, 0, 0, 0, 0, 0, 0), 3},
		{"never below", Impressions(0.1, 0.1), 0},
	} {
		if math.Abs(float64(c.got)-c.want) > 1e-4 {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if s := Score(3); !s.Accepts(1.001e-3) || s.Accepts(0.999e-3) {
		t.Error("threshold wrong")
	}
}

// FuzzCompare compares whatever a card can hold.
func FuzzCompare(f *testing.F) {
	f.Add([]byte{1, 2, 0x43, 90, 80, 0x50, 30, 40, 0x61}, []byte{1, 2, 0x43, 90, 80, 0x50, 30, 44, 0x61})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, err := fmr.ParseCard(a, fmr.Compact)
		if err != nil {
			return
		}
		y, err := fmr.ParseCard(b, fmr.Compact)
		if err != nil {
			return
		}
		s := Compare(prepare(t, x), prepare(t, y))
		if !(s >= 0) || math.IsInf(float64(s), 0) {
			t.Fatalf("score %v", s)
		}
	})
}

func BenchmarkPrepare(b *testing.B) {
	x := people()[0][0]
	for b.Loop() {
		prepare(b, x)
	}
}

// TestHull: what is well within is near, and the other way round not.
func TestHull(t *testing.T) {
	h := hullOf([]place{{x: 0, y: 0}, {x: 100, y: 0}, {x: 100, y: 80}, {x: 0, y: 80}, {x: 50, y: 40}})
	if len(h.corners) != 4 {
		t.Fatalf("corners %v", h)
	}
	for _, c := range []struct {
		x, y         float32
		within, near bool // by 20, within 10
	}{
		{50, 40, true, true}, {21, 21, true, true}, {19, 40, false, true}, {-9, 40, false, true}, {-11, 40, false, false}, {108, 88, false, false},
	} {
		if h.within(c.x, c.y, 20) != c.within || h.near(c.x, c.y, 10) != c.near {
			t.Errorf("%v, %v: within %v, near %v", c.x, c.y, !c.within, !c.near)
		}
	}
	// Around reaches as far as near, and further at the corners alone.
	for _, c := range []struct {
		x, y float32
		want uint64 // by 10
	}{{50, 40, 1}, {-9, 40, 1}, {-11, 40, 0}, {108, 88, 1}, {111, 80, 0}} {
		if got := h.around(c.x, c.y, 10); got != c.want {
			t.Errorf("%v, %v: around %d", c.x, c.y, got)
		}
	}
	line, none := hullOf([]place{{x: 0}, {x: 50}, {x: 100}}), hullOf(nil)
	if line.within(50, 0, 0) || !line.near(50, 9, 10) || none.near(0, 0, 10) || line.around(50, 9, 10) != 1 || none.around(0, 0, 10) != 0 {
		t.Error("a line has no inside")
	}
}
