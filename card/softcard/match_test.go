package softcard

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/card"
)

// dot is a minutia of a made-up finger, in 0.1 mm and degrees.
type dot struct{ x, y, angle float64 }

// newFinger makes up a finger: minutiae at least 0.8 mm apart on 18 by 22 mm,
// their directions following a loop.
func newFinger(r *rand.Rand, n int) []dot {
	var out []dot
	phase, bend := r.Float64()*2*math.Pi, 0.5+r.Float64()
	for len(out) < n {
		d := dot{x: (r.Float64() - 0.5) * 180, y: (r.Float64() - 0.5) * 220}
		near := false
		for _, o := range out {
			near = near || math.Hypot(o.x-d.x, o.y-d.y) < 8
		}
		if near {
			continue
		}
		d.angle = phase/6 + bend*math.Atan2(d.y, d.x) + r.NormFloat64()*0.2
		if r.IntN(2) == 0 {
			d.angle += math.Pi
		}
		out = append(out, d)
	}
	return out
}

// pressing is how a finger lies on the sensor.
type pressing struct {
	turn, dx, dy float64 // radians, 0.1 mm
	lost         float64 // share of the minutiae that are not seen
	spurious     int
	jitter       float64 // 0.1 mm
}

// press takes a finger's print in the compact card format.
func press(r *rand.Rand, finger []dot, p pressing) []byte {
	var out []byte
	add := func(x, y, angle float64) {
		if x < -127 || x > 127 || y < -127 || y > 127 || len(out) == minutiaLen*card.MaxMinutiae {
			return
		}
		steps := int(math.Round(angle/(2*math.Pi)*64)) & 63
		out = append(out, byte(128+x), byte(128+y), byte(r.IntN(2))<<6|byte(steps)) // #nosec G115 -- within range
	}
	sin, cos := math.Sincos(p.turn)
	for _, d := range finger {
		if r.Float64() < p.lost {
			continue
		}
		x, y := d.x*cos+d.y*sin+p.dx+r.NormFloat64()*p.jitter, d.y*cos-d.x*sin+p.dy+r.NormFloat64()*p.jitter
		add(x, y, d.angle+p.turn+r.NormFloat64()*0.1)
	}
	for range p.spurious {
		add((r.Float64()-0.5)*200, (r.Float64()-0.5)*220, r.Float64()*2*math.Pi)
	}
	return out
}

func plainPress(r *rand.Rand, finger []dot) []byte { return press(r, finger, pressing{jitter: 1}) }

// TestMatch compares made-up fingers: the same one turned, shifted, with
// minutiae lost and others seen that are not there; and different ones.
func TestMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- made-up fingers that are the same in every run
	parse := func(raw []byte) []minutia {
		m, err := parseMinutiae(raw)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	const fingers = 60
	var enrolled [][]minutia
	var all [][]dot
	for range fingers {
		f := newFinger(r, 30+r.IntN(20))
		all = append(all, f)
		enrolled = append(enrolled, parse(press(r, f, pressing{jitter: 1, lost: 0.1, spurious: 2})))
	}
	missed, tried, worst := 0, 0, time.Duration(0)
	for i, f := range all {
		for range 4 {
			p := pressing{
				turn: (r.Float64() - 0.5) * math.Pi / 3, dx: (r.Float64() - 0.5) * 80, dy: (r.Float64() - 0.5) * 80,
				lost: 0.2, spurious: 4, jitter: 2,
			}
			same, work := match(enrolled[i], parse(press(r, f, p)))
			tried++
			worst = max(worst, work.time())
			if !same {
				missed++
			}
		}
	}
	wrong, impostors := 0, 0
	for i := range enrolled {
		for j := range enrolled {
			if i == j {
				continue
			}
			same, work := match(enrolled[i], enrolled[j])
			impostors++
			worst = max(worst, work.time())
			if same {
				wrong++
			}
		}
	}
	t.Logf("%d of %d prints of the same finger missed, %d of %d others taken for it, %v of modelled time at most", missed, tried, wrong, impostors, worst)
	if missed*20 > tried || wrong > 1 || worst > 1500*time.Millisecond {
		t.Fail()
	}
}

// TestMatchOnPrints compares the prints of the four FVC sets B that are in the
// data folder, taken out of their images by this project's extractor. The
// matcher's figures in docs/formats/card.md are from here.
func TestMatchOnPrints(t *testing.T) {
	root := os.Getenv("DHAMANI_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	paths, err := filepath.Glob(filepath.Join(root, "fvc", "*", "*.png"))
	if err != nil || len(paths) == 0 || testing.Short() {
		t.Skip("no FVC images in DHAMANI_DATA, or -short")
	}
	type sample struct {
		set, finger string
		minutiae    []minutia
	}
	var prints []sample
	few := 0
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		img, err := extract.ReadImage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		found, err := extract.Extract(img, 500)
		if err != nil {
			few++
			continue
		}
		compact, err := fmr.AppendCard(nil, found, 0, fmr.Compact, card.MaxMinutiae)
		if err != nil {
			t.Fatal(err)
		}
		minutiae, err := parseMinutiae(compact)
		if err != nil {
			few++
			continue
		}
		finger, _, _ := strings.Cut(filepath.Base(path), "_")
		prints = append(prints, sample{filepath.Dir(path), finger, minutiae})
	}
	var tried, wrong [2]int // impostors, genuine
	for i, a := range prints {
		for _, b := range prints[i+1:] {
			if a.set != b.set {
				continue
			}
			same, genuine := false, 0
			if a.finger == b.finger {
				genuine = 1
			}
			if same, _ = match(a.minutiae, b.minutiae); same != (genuine == 1) {
				wrong[genuine]++
			}
			tried[genuine]++
		}
	}
	t.Logf("%d prints, %d with too few minutiae; %d of %d other fingers taken for the same, %d of %d prints of the same missed",
		len(prints), few, wrong[0], tried[0], wrong[1], tried[1])
	if wrong[0]*1000 > tried[0] || wrong[1]*5 > tried[1] {
		t.Fail()
	}
}

func TestParseMinutiae(t *testing.T) {
	for name, raw := range map[string][]byte{
		"none": nil, "too few": make([]byte, 3*(card.MinMinutiae-1)), "too many": make([]byte, 3*(card.MaxMinutiae+1)),
		"cut": make([]byte, 3*card.MinMinutiae+1), "kind 3": append(make([]byte, 3*card.MinMinutiae), 0, 0, 0xC0),
	} {
		if _, err := parseMinutiae(raw); err == nil {
			t.Errorf("%s taken", name)
		}
	}
}

// FuzzMatch: nothing of a print makes the matcher fail, or leave its bounds.
func FuzzMatch(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4)) // #nosec G404 -- as above
	a := newFinger(r, 40)
	f.Add(plainPress(r, a), plainPress(r, a))
	f.Add(make([]byte, 3*card.MaxMinutiae), plainPress(r, a))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		a, err := parseMinutiae(one)
		if err != nil {
			return
		}
		b, err := parseMinutiae(two)
		if err != nil {
			return
		}
		if _, work := match(a, b); work.votes > (2*turns+1)*len(a)*len(b) {
			t.Errorf("%+v", work)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6)) // #nosec G404 -- as above
	f := newFinger(r, 40)
	enrolled, _ := parseMinutiae(plainPress(r, f))
	probe, _ := parseMinutiae(plainPress(r, f))
	for b.Loop() {
		match(enrolled, probe)
	}
}
