package synth

import (
	"image"
	"math"
)

// Pose is how a finger lies on a sensor, and what the sensor is. The zero value
// of everything but the size is a clear print in the middle at 500 dpi.
type Pose struct {
	Width, Height int     // pixels of the image, each 1 to 4096
	DPI           int     // pixels an inch; 0 means 500
	X, Y          float64 // mm the finger lies off the middle, right and down
	Angle         float64 // degrees it is turned, clockwise
	Pressure      float64 // -1 (barely touching) to 1 (pressed hard): area and width of ridges
	Dryness       float64 // 0 to 1: ridges break up into dots
	Distortion    float64 // 0 to 1: the skin is pulled
	Noise         float64 // 0 to 1: of the sensor
	Seed          uint64  // of what differs from one impression to the next
}

// Random returns a pose as people put their fingers: seed decides everything,
// effort 0 to 1 how far it is from a clear print in the middle.
func Random(seed uint64, effort float64) Pose {
	r := random(mix(seed ^ 0x5EED))
	return Pose{
		Width: 388, Height: 374,
		X: 2.2 * effort * r.normal(), Y: 2.2 * effort * r.normal(), Angle: 12 * effort * r.normal(),
		Pressure: min(max(0.5*effort*r.normal(), -1), 1), Dryness: min(1, math.Abs(0.45*effort*r.normal())),
		Distortion: min(1, math.Abs(0.6*effort*r.normal())), Noise: min(1, 0.15+math.Abs(0.3*effort*r.normal())),
		Seed: seed,
	}
}

// maxSide bounds the sides of an image.
const maxSide = 4096

// Impression returns an image of the finger: ridges dark, 8 bits grey. Sizes
// and resolutions out of range are brought into it.
func (f *Finger) Impression(p Pose) *image.Gray {
	w, h := min(max(p.Width, 1), maxSide), min(max(p.Height, 1), maxSide)
	dpi := float64(p.DPI)
	if p.DPI <= 0 {
		dpi = masterDPI
	}
	out := image.NewGray(image.Rect(0, 0, w, h))
	s := newSkin(f, p)
	grain := random(mix(p.Seed ^ 0x6A11))
	k := masterDPI / dpi
	for y := range h {
		for x := range w {
			v := s.grey((float64(x)+0.5-float64(w)/2)*k, (float64(y)+0.5-float64(h)/2)*k)
			v += 14 * p.Noise * grain.normal()
			out.Pix[y*out.Stride+x] = uint8(min(max(v, 0), 255))
		}
	}
	return out
}

// skin is a finger as it lies in one pose.
type skin struct {
	f                        *Finger
	p                        Pose
	sin, cos                 float64
	pullX, pullY, edge       field
	dots, patches, fine      field
	wide, high               float64 // half axes of what touches, pixels
	twist, shearX, shearY    float64
	threshold, light, shadow float64
}

func newSkin(f *Finger, p Pose) *skin {
	seed := mix(p.Seed + 77)
	r := random(seed)
	s := &skin{f: f, p: p}
	s.sin, s.cos = math.Sincos(p.Angle * math.Pi / 180)
	s.pullX, s.pullY, s.edge = field{seed + 1, 170}, field{seed + 2, 170}, field{seed + 3, 40}
	// Pores and the skin's grain belong to the finger, dry patches to the day.
	s.dots, s.patches, s.fine = field{f.seed + 4, 3.1}, field{seed + 5, 55}, field{seed + 6, 2.2}
	press := min(max(p.Pressure, -1), 1)
	s.wide, s.high = 150+28*press, 205+30*press
	s.twist = 0.16 * p.Distortion * r.between(-1, 1)
	s.shearX, s.shearY = 0.06*p.Distortion*r.between(-1, 1), 0.06*p.Distortion*r.between(-1, 1)
	s.threshold = -0.45 * press
	s.light, s.shadow = r.between(222, 240), r.between(40, 75)
	return s
}

// grey returns the grey level at a point of the sensor, in pixels at 500 dpi
// from its middle.
func (s *skin) grey(x, y float64) float64 {
	const mm = masterDPI / 25.4
	x, y = x-s.p.X*mm, y-s.p.Y*mm
	x, y = s.cos*x+s.sin*y, s.cos*y-s.sin*x
	// What touches: an ellipse with an uneven edge.
	inside := 1 - math.Sqrt(x*x/(s.wide*s.wide)+y*y/(s.high*s.high)) + 0.05*s.edge.at(x, y)
	contact := 1 / (1 + math.Exp(-45*inside))
	if contact < 1e-3 {
		return s.light
	}
	// The skin turns and is pulled more the further it is from the middle.
	turn := s.twist * (x*x + y*y) / (200 * 200)
	dx := -turn*y + s.shearX*x + s.shearY*y + 14*s.p.Distortion*s.pullX.at(x, y)
	dy := turn*x + s.shearY*x - s.shearX*y + 14*s.p.Distortion*s.pullY.at(x, y)
	u, v := x+dx+masterWidth/2, y+dy+masterHeight/2
	height := s.f.at(u, v)
	height += 0.25 * s.dots.at(u, v)
	if s.p.Dryness > 0 {
		patch := 0.6 + 0.4*s.patches.at(x, y)
		height -= s.p.Dryness * patch * (1.1 + 1.5*s.fine.at(x, y))
	}
	ink := contact / (1 + math.Exp(-4*(height-s.threshold)))
	return s.light + (s.shadow-s.light)*ink
}
