package synth

import (
	"math"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
)

// Person makes the fingers of nobody as templates straight away, without
// images: thousands a second, for tests of searches among many. Minutiae lie
// about as densely as in fingers and follow the model of the ridges; impression
// 0 is the finger itself, every other one loses some minutiae, gains some and
// moves all, as extraction does.
func Person(seed uint64, finger fmr.Position, impression int) *fmr.Template {
	id := mix(seed*16 + uint64(finger))
	r := random(id)
	f := &Finger{seed: id, period: r.between(8.2, 9.8), lean: r.between(-0.12, 0.12), bend: r.between(0.5, 0.9)}
	f.pattern(&r)
	var all []fmr.Minutia
	for try := 0; try < 400 && len(all) < 46; try++ {
		all = f.add(all, &r)
	}
	t := &fmr.Template{Width: masterWidth, Height: masterHeight, XRes: fmr.PerCm(masterDPI), YRes: fmr.PerCm(masterDPI)}
	if impression > 0 {
		again := random(mix(id ^ mix(uint64(impression)))) // #nosec G115 -- any bits will do
		all = f.again(all, &again)
	}
	t.Views = []fmr.View{{Position: finger, Quality: 70, Minutiae: all}}
	return t
}

// add puts one more minutia where none is near.
func (f *Finger) add(all []fmr.Minutia, r *random) []fmr.Minutia {
	x, y := r.between(-1, 1), r.between(-1, 1)
	if x*x+y*y > 1 {
		return all
	}
	x, y = masterWidth/2+150*x, masterHeight/2+200*y
	for _, m := range all {
		if math.Hypot(float64(m.X)-x, float64(m.Y)-y) < 13 {
			return all
		}
	}
	angle := -f.orientation(x, y)
	if r.unit() < 0.5 {
		angle += math.Pi
	}
	kind := fmr.Ending
	if r.unit() < 0.45 {
		kind = fmr.Bifurcation
	}
	return append(all, fmr.Minutia{
		X: int(x), Y: int(y), Angle: units(angle), Type: kind, Quality: uint8(r.between(40, 90)), // #nosec G115 -- at most 90
	})
}

// again is another impression: a quarter of the minutiae goes, an eighth is
// new, the rest moves by a pose and a little by itself; what leaves the sensor
// goes too.
func (f *Finger) again(all []fmr.Minutia, r *random) []fmr.Minutia {
	turn := 0.15 * r.normal()
	sin, cos := math.Sincos(turn)
	dx, dy := 22*r.normal(), 22*r.normal()
	pull := [2]field{{r.next(), 170}, {r.next(), 170}}
	var out []fmr.Minutia
	for _, m := range all {
		x, y := float64(m.X), float64(m.Y)
		u, v := x-masterWidth/2+6*pull[0].at(x, y), y-masterHeight/2+6*pull[1].at(x, y)
		m.X = int(math.Round(masterWidth/2 + cos*u - sin*v + dx + 1.5*r.normal()))
		m.Y = int(math.Round(masterHeight/2 + sin*u + cos*v + dy + 1.5*r.normal()))
		m.Angle += units(-turn + 0.09*r.normal())
		if r.unit() < 0.12 {
			m.Type = fmr.Ending + fmr.Bifurcation - m.Type
		}
		if r.unit() > 0.25 && m.X >= 30 && m.X < masterWidth-30 && m.Y >= 60 && m.Y < masterHeight-60 {
			out = append(out, m)
		}
	}
	for range len(all) / 8 {
		out = f.add(out, r)
	}
	return out
}

func units(angle float64) uint8 { return uint8(int(math.Round(angle*128/math.Pi)) & 0xFF) } // #nosec G115 -- modulo 256 is meant
