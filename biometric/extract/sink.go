package extract

import (
	"image"
	"image/color"
	"math"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
)

// picture draws the step that has just been done.
func (e *Extractor) picture(step string) {
	if e.Sink == nil {
		return
	}
	e.Sink(step, e.s.draw(step))
}

func (s *state) draw(step string) image.Image {
	switch step[0] {
	case '1':
		return s.flat.picture()
	case '4':
		return s.first.picture()
	case '6':
		return s.second.picture()
	case '2':
		return s.drawField(&s.flat)
	case '3':
		return s.drawGrid(s.period, 16)
	case '5':
		return s.drawGrid(s.clear, 1)
	default:
		return s.drawLines(step[0] == '8')
	}
}

func (p *plane) picture() *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, p.w, p.h))
	for y := range p.h {
		for x := range p.w {
			g := uint8(min(max(128+80*p.value(p.at(x, y))/unit, 0), 255)) // #nosec G115 -- as far as a byte goes
			out.SetRGBA(x, y, color.RGBA{g, g, g, 255})
		}
	}
	return out
}

func (s *state) drawGrid(grid []float32, top float32) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, s.w, s.h))
	for y := range s.h {
		for x := range s.w {
			i := y/block*s.gw + x/block
			g := uint8(min(max(grid[i]/top*255, 0), 255))
			c := color.RGBA{g, g, g, 255}
			if !s.fore[i] {
				c.B = 90
			}
			out.SetRGBA(x, y, c)
		}
	}
	return out
}

func (s *state) drawField(p *plane) image.Image {
	out := p.picture()
	for by := range s.gh {
		for bx := range s.gw {
			i := by*s.gw + bx
			sin, cos := math.Sincos(0.5 * math.Atan2(float64(s.oy[i]), float64(s.ox[i])))
			m := math.Hypot(float64(s.oy[i]), float64(s.ox[i]))
			for t := -4.0; t <= 4; t += 0.5 {
				out.SetRGBA(bx*block+block/2+int(math.Round(t*cos)), by*block+block/2+int(math.Round(t*sin)),
					color.RGBA{255, uint8(200 * (1 - m)), 0, 255})
			}
		}
	}
	return out
}

func (s *state) drawLines(minutiae bool) image.Image {
	out := s.flat.picture()
	for y := range s.h {
		for x := range s.w {
			if s.lines.pix[s.lines.at(x, y)] != 0 {
				out.SetRGBA(x, y, color.RGBA{0, 160, 255, 255})
			} else if !s.inside(x, y) {
				c := out.RGBAAt(x, y)
				out.SetRGBA(x, y, color.RGBA{c.R / 2, c.G / 2, c.B / 2, 255})
			}
		}
	}
	if minutiae {
		for _, p := range s.points {
			if p.dropped {
				Mark(out, float64(p.x), float64(p.y), float64(p.dx), float64(p.dy), color.RGBA{120, 120, 0, 255})
				continue
			}
			Mark(out, float64(p.x), float64(p.y), float64(p.dx), float64(p.dy), colourOf(p.kind))
		}
	}
	return out
}

func colourOf(t fmr.Type) color.RGBA {
	if t == fmr.Bifurcation {
		return color.RGBA{0, 200, 0, 255}
	}
	return color.RGBA{255, 0, 0, 255}
}

// Mark draws a minutia at x, y whose direction is dx, dy.
func Mark(out *image.RGBA, x, y, dx, dy float64, c color.RGBA) {
	for i := range 24 {
		sin, cos := math.Sincos(float64(i) * math.Pi / 12)
		out.SetRGBA(int(math.Round(x+3*cos)), int(math.Round(y+3*sin)), c)
	}
	for t := 3.0; t < 12; t += 0.5 {
		out.SetRGBA(int(math.Round(x+t*dx)), int(math.Round(y+t*dy)), c)
	}
}
