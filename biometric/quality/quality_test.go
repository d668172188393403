package quality

import (
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

func TestJudge(t *testing.T) {
	fine := extract.Measures{Area: 200, Clear: 0.8, Contrast: 40, Dark: 0.48, Minutiae: 40}
	for _, c := range []struct {
		name   string
		change func(*extract.Measures)
		class  Class
		advice Advice
	}{
		{"fine", func(*extract.Measures) {}, 1, Good},
		{"off the middle but large", func(m *extract.Measures) { m.X = 5 }, 1, Good},
		{"nothing", func(m *extract.Measures) { *m = extract.Measures{} }, 5, NoFinger},
		{"small", func(m *extract.Measures) { m.Area, m.Minutiae = 55, 20 }, 4, PressHarder},
		{"small and right", func(m *extract.Measures) { m.Area, m.X = 50, 4 }, 4, MoveLeft},
		{"small and left", func(m *extract.Measures) { m.Area, m.X = 50, -4 }, 4, MoveRight},
		{"small and low", func(m *extract.Measures) { m.Area, m.Y = 50, 4 }, 4, MoveUp},
		{"small and high", func(m *extract.Measures) { m.Area, m.Y = 50, -4 }, 4, MoveDown},
		{"wet", func(m *extract.Measures) { m.Clear, m.Dark = 0.5, 0.6 }, 3, PressLess},
		{"dry", func(m *extract.Measures) { m.Clear, m.Dark = 0.5, 0.38 }, 3, TooDry},
		{"faint", func(m *extract.Measures) { m.Clear, m.Contrast = 0.5, 8 }, 3, TooDry},
		{"unclear", func(m *extract.Measures) { m.Clear = 0.4 }, 4, Clean},
		{"so so", func(m *extract.Measures) { m.Clear = 0.5 }, 3, Good},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := fine
			c.change(&m)
			class, advice := Judge(m)
			if class != c.class || advice != c.advice {
				t.Errorf("class %d, %s; want %d, %s", class, advice.Code(), c.class, c.advice.Code())
			}
		})
	}
}

// TestCapture judges made up impressions.
func TestCapture(t *testing.T) {
	f := synth.New(30)
	var e extract.Extractor
	for _, c := range []struct {
		name   string
		pose   synth.Pose
		advice Advice
	}{
		{"middle", synth.Pose{}, Good},
		{"far right", synth.Pose{X: 14.5}, MoveLeft},
		{"far up", synth.Pose{Y: -14.5}, MoveDown},
		{"away", synth.Pose{X: 40}, NoFinger},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.pose.Width, c.pose.Height = 388, 374
			if _, err := e.Extract(f.Impression(c.pose), 500); err != nil {
				t.Fatal(err)
			}
			if _, advice := Judge(e.Measures()); advice != c.advice {
				t.Errorf("%s of %+v", advice.Code(), e.Measures())
			}
		})
	}
}

func TestClassOf(t *testing.T) {
	for q, want := range map[uint8]Class{100: 1, 65: 1, 64: 2, 45: 3, 40: 4, 39: 5, 0: 5} {
		if got := ClassOf(q); got != want {
			t.Errorf("quality %d: class %d, want %d", q, got, want)
		}
	}
}

func TestBest(t *testing.T) {
	if Best(nil) != -1 || Best([]uint8{10, 60, 60, 20}) != 1 {
		t.Error("not the first of the best")
	}
}

func TestAdvice(t *testing.T) {
	seen := map[string]bool{}
	for a := range Clean + 2 {
		for _, lang := range []string{"en", "ar", "ckb"} {
			if a <= Clean && a.Text(lang) == "" {
				t.Errorf("%s has no words in %s", a.Code(), lang)
			}
		}
		seen[a.Code()] = true
	}
	if len(seen) != int(Clean)+2 || !seen["unknown"] {
		t.Errorf("codes %v", seen)
	}
}

// BenchmarkJudge: what judging costs on top of extraction, whose measures it
// takes.
func BenchmarkJudge(b *testing.B) {
	m := extract.Measures{Area: 50, X: 4, Clear: 0.5, Contrast: 20, Dark: 0.5, Minutiae: 30}
	for b.Loop() {
		if class, _ := Judge(m); class == 0 {
			b.Fatal("no class")
		}
	}
}
