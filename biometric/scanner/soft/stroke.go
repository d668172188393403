package soft

import (
	"image"
	"math"
)

// Stroke is how a finger is drawn over a swipe sensor.
type Stroke struct {
	// Speed is how many rows the finger moves on from each strip to the next,
	// over and over from the beginning; at 8 when empty. What is negative goes
	// back.
	Speed []float64
	Sway  float64 // columns by which it strays to a side and comes back
	Grain int     // greys by which a pixel is off
	From  int     // row of the finger that it begins at
	Most  int     // strips at most; 1,000 when 0
}

const mostStrips = 1000

// strips are what the sensor sees: from the stroke's beginning until the
// finger has passed.
func (s Stroke) strips(finger *image.Gray) []byte {
	speed := s.Speed
	if len(speed) == 0 {
		speed = []float64{8}
	}
	most := s.Most
	if most == 0 {
		most = mostStrips
	}
	last := float64(finger.Rect.Dy() - upekStripRows)
	var out []byte
	grain := uint32(1)
	for n, y := 0, float64(s.From); n < most && y >= 0; n++ {
		x := int(math.Round(s.Sway * math.Sin(math.Pi*y/float64(finger.Rect.Dy()))))
		for row := range upekStripRows {
			for col := range finger.Rect.Dx() {
				grain = grain*1664525 + 1013904223
				noise := float64(s.Grain) * (float64(grain>>8)/(1<<23) - 1)
				out = append(out, clamp(between(finger, col-x, y+float64(row))+noise))
			}
		}
		if y == last && speed[n%len(speed)] > 0 {
			break
		}
		y = min(y+speed[n%len(speed)], last)
	}
	return out
}

// between is the grey at a column, and at a row that may lie between two.
func between(img *image.Gray, x int, y float64) float64 {
	x = min(max(x, 0), img.Rect.Dx()-1)
	row := int(y)
	part := y - float64(row)
	next := min(row+1, img.Rect.Dy()-1)
	return float64(img.Pix[row*img.Stride+x])*(1-part) + float64(img.Pix[next*img.Stride+x])*part
}

func clamp(v float64) byte { return byte(min(max(math.Round(v), 0), 255)) }
