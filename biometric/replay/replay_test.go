package replay

import (
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
)

func picture(v uint8) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 20, 20))
	for i := range img.Pix {
		img.Pix[i] = v + uint8(i%7)
	}
	return img
}

func template(shift int, angles ...uint8) *fmr.Template {
	t := &fmr.Template{Views: []fmr.View{{}}}
	for i, a := range angles {
		t.Views[0].Minutiae = append(t.Views[0].Minutiae, fmr.Minutia{X: 10*i + shift, Y: 7*i + 2*shift, Angle: a})
	}
	return t
}

func TestCheck(t *testing.T) {
	g, err := NewGuard(8)
	if err != nil {
		t.Fatal(err)
	}
	larger := image.NewGray(image.Rect(0, 0, 30, 30))
	copy(larger.Pix, picture(1).Pix)
	reversed := template(0, 1, 2, 3)
	m := reversed.Views[0].Minutiae
	m[0], m[2] = m[2], m[0]
	for _, c := range []struct {
		name  string
		img   *image.Gray
		t     *fmr.Template
		again bool
	}{
		{"first", picture(1), template(0, 1, 2, 3), false},
		{"same", picture(1), template(0, 1, 2, 3), true},
		{"same image, other template", picture(1), template(0, 1, 2, 4), true},
		{"other image, same template", picture(2), template(0, 1, 2, 3), true},
		{"template alone", nil, template(0, 1, 2, 3), true},
		{"template shifted", picture(3), template(5, 1, 2, 3), true},
		{"template in another order", picture(4), reversed, true},
		{"other size", larger, nil, false},
		{"another", picture(5), template(0, 9, 9, 9), false},
		{"no minutiae", picture(6), template(0), false},
		{"no minutiae again", picture(7), template(0), false},
		{"nothing", nil, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := g.Check(c.img, c.t); errors.Is(err, ErrReplay) != c.again {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestForget: the oldest impressions make room.
func TestForget(t *testing.T) {
	g, err := NewGuard(2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint8(5) {
		if err := g.Check(picture(i*20), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Check(picture(4*20), nil); !errors.Is(err, ErrReplay) {
		t.Errorf("the newest: %v", err)
	}
	if err := g.Check(picture(0), nil); err != nil {
		t.Errorf("the oldest: %v", err)
	}
	if len(g.seen) != len(g.ring) || len(g.ring) > 4 {
		t.Errorf("%d marks, %d in the ring", len(g.seen), len(g.ring))
	}
}

// TestOnce: of many goroutines with one image one only gets through.
func TestOnce(t *testing.T) {
	g, err := NewGuard(10)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	results := make([]error, 20)
	for i := range results {
		wg.Go(func() { results[i] = g.Check(picture(9), nil) })
	}
	wg.Wait()
	passed := 0
	for _, err := range results {
		if err == nil {
			passed++
		}
	}
	if passed != 1 {
		t.Errorf("%d got through", passed)
	}
}

// TestDense: so many minutiae that many pairs are equal by chance, or so few
// that a single one is.
func TestDense(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{2, 8, 60, 255} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			g, err := NewGuard(32)
			if err != nil {
				t.Fatal(err)
			}
			for range 30 {
				v := fmr.View{}
				for range n {
					v.Minutiae = append(v.Minutiae, fmr.Minutia{X: random.IntN(200), Y: random.IntN(250)})
				}
				if err := g.Check(nil, &fmr.Template{Views: []fmr.View{v}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// BenchmarkCheck: an impression of a large sensor against a guard that is full,
// as every capture of an agent pays it.
func BenchmarkCheck(b *testing.B) {
	g, err := NewGuard(512)
	if err != nil {
		b.Fatal(err)
	}
	img := image.NewGray(image.Rect(0, 0, 388, 374))
	angles := make([]uint8, 60)
	for i := 0; b.Loop(); i++ {
		img.Pix[i%len(img.Pix)]++ // never the same
		angles[i%len(angles)]++
		if err := g.Check(img, template(i%50, angles...)); err != nil {
			b.Fatal(err)
		}
	}
}
