package extract

import "math"

// gauss is half of a Gaussian filter over blocks, from its middle outwards.
type gauss []float32

var (
	gauss08 = newGauss(0.75)
	gauss10 = newGauss(1)
	gauss12 = newGauss(1.2)
	gauss15 = newGauss(1.5)
)

// newGauss makes a filter of a deviation of sigma blocks.
func newGauss(sigma float64) gauss {
	r := int(math.Ceil(2.5 * sigma))
	k := make(gauss, r+1)
	var sum float32
	for i := range k {
		k[i] = float32(math.Exp(-float64(i*i) / (2 * sigma * sigma)))
		sum += k[i]
	}
	sum = 2*sum - k[0]
	for i := range k {
		k[i] /= sum
	}
	return k
}

// smooth filters a grid of the blocks; beyond the edge it goes on as its mirror
// would.
func (s *state) smooth(grid []float32, k gauss) { s.smoothed(grid, s.gw, s.gh, k) }

// smoothed is smooth of a grid of w times h.
func (s *state) smoothed(grid []float32, w, h int, k gauss) {
	r := len(k) - 1
	line := grow(&s.line, max(w+2*r, w*h))
	for y := range h {
		row := grid[y*w:][:w]
		copy(line[r:], row)
		for i := 1; i <= r; i++ {
			line[r-i] = row[min(i-1, w-1)]
			line[r+w-1+i] = row[max(w-i, 0)]
		}
		for x := range row {
			near := line[x:][: 2*r+1 : 2*r+1]
			v := k[0] * near[r]
			for j := 1; j <= r; j++ {
				v += k[j] * (near[r-j] + near[r+j])
			}
			row[x] = v
		}
	}
	copy(line, grid)
	for y := range h {
		row, mid := grid[y*w:][:w], line[y*w:][:w]
		for x, v := range mid {
			row[x] = k[0] * v
		}
		for j := 1; j <= r; j++ {
			up, down := line[mirror(y-j, h)*w:][:w], line[mirror(y+j, h)*w:][:w]
			f := k[j]
			for x := range row {
				row[x] += f * (up[x] + down[x])
			}
		}
	}
}

// mirror returns the line of n that stands for line y, which may lie beyond the
// edge.
func mirror(y, n int) int {
	if y < 0 {
		return min(-y-1, n-1)
	}
	if y >= n {
		return max(2*n-1-y, 0)
	}
	return y
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
