package extract

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLanes: no sum of weights and pixels runs over its lane, in either pass.
func TestLanes(t *testing.T) {
	most := func(kernels []kernel, value, gain int32) (result int32) {
		for _, k := range kernels {
			sum, all := max(k.weights[0], -k.weights[0]), k.weights[0]
			for _, w := range k.weights[1 : k.reach+1] {
				sum += 2 * max(w, -w)
				all += 2 * w
			}
			if gain == acrossUnit && all != 0 || gain == alongSum && (all != alongSum || sum != all) {
				t.Errorf("weights %v add up to %d", k.weights, all)
			}
			result = max(result, sum*value)
		}
		return result
	}
	value := int32(rawMost)
	for pass := range 2 {
		sum := most(acrossKernels[:], value, acrossUnit)
		if sum+acrossUnit/2 >= 1<<15 {
			t.Errorf("pass %d: sums up to %d", pass, sum)
		}
		value = sum/acrossUnit + 1
		if most(alongKernels[:], zero+value, alongSum) >= 1<<16 {
			t.Errorf("pass %d: values up to %d", pass, value)
		}
	}
	if rawZero+rawMost > 255 || rawZero < rawMost {
		t.Error("raw values are no bytes")
	}
}

// TestFilter compares the filters with their definition, pixel by pixel.
func TestFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var src, across, along plane
	for _, p := range []*plane{&src, &across, &along} {
		p.reset(12, 12, zero)
	}
	for i := 0; i < len(src.pix); i += 2 {
		v := zero + r.IntN(2*rawMost) - rawMost
		src.pix[i], src.pix[i+1] = byte(v), byte(v>>8)
	}
	sum := func(p *plane, k *kernel, at func(j int) int) (v int) {
		for j := -k.reach; j <= k.reach; j++ {
			v += int(k.weights[max(j, -j)]) * p.value(at(j))
		}
		return v
	}
	for n := range 400 {
		f := filter{
			at: src.at(4, 4), flat: n%2 == 0, steps: &alongSteps[r.IntN(slopes+1)],
			across: &acrossKernels[r.IntN(acrossSteps+1)], along: &alongKernels[r.IntN(len(alongKernels))],
		}
		f.runAcross(&src, &across)
		f.runAlong(&src, &along)
		for y := 4; y < 4+tile; y++ {
			for x := 4; x < 4+tile; x++ {
				i := src.at(x, y)
				// Across counts on one axis, along goes on the other one.
				cross := func(j int) int { return i + 2*j }
				down := func(j int) int { return i + j*src.stride }
				way := func(j int) int {
					aside := int(f.steps[max(j, -j)])
					if j < 0 {
						aside = -aside
					}
					if f.flat {
						return i + 2*j + aside*src.stride
					}
					return i + j*src.stride + 2*aside
				}
				if f.flat {
					cross = down
				}
				a := int(math.Floor(float64(sum(&src, f.across, cross))/acrossUnit + 0.5))
				b := int(math.Floor(float64(sum(&src, f.along, way)) / alongSum))
				if across.value(i) != a || along.value(i) != b {
					t.Fatalf("at %d, %d: across %d, want %d; along %d, want %d", x, y, across.value(i), a, along.value(i), b)
				}
			}
		}
	}
}

// TestTensor: a wave has the orientation that it has, and what lies beyond the
// image does not count.
func TestTensor(t *testing.T) {
	for _, degrees := range []float64{0, 20, 45, 90, 130} {
		var s state
		s.w, s.h, s.gw, s.gh = 61, 53, 8, 7
		s.flat.reset(s.w, s.h, zero)
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		for y := -pad; y < s.h+pad; y++ {
			for x := -pad; x < s.w+pad; x++ {
				v := zero + int(math.Round(unit*math.Sin(2*math.Pi*(float64(y)*cos-float64(x)*sin)/9)))
				if x > s.w { // further than a gradient of the image reaches
					v = 2*zero - 1
				}
				i := s.flat.at(x, y)
				s.flat.pix[i], s.flat.pix[i+1] = byte(v), byte(v>>8)
			}
		}
		s.orient(&s.flat, fineOfRidges, fineOfImage)
		for i := range s.ox {
			got := math.Atan2(float64(s.oy[i]), float64(s.ox[i])) / 2 * 180 / math.Pi
			if off := math.Abs(math.Remainder(got-degrees, 180)); off > 2 || math.Hypot(float64(s.ox[i]), float64(s.oy[i])) < 0.9 {
				t.Fatalf("ridges at %v degrees: %v in block %d", degrees, got, i)
			}
		}
	}
}

// TestSmooth: a grid of one value keeps it, and what is smoothed keeps its sum,
// also where the filter is wider than the grid.
func TestSmooth(t *testing.T) {
	var s state
	r := rand.New(rand.NewPCG(5, 6))
	for _, size := range [][2]int{{1, 1}, {3, 40}, {17, 9}, {48, 47}} {
		for _, k := range []gauss{gauss08, gauss15, coarseOfImage} {
			w, h := size[0], size[1]
			same, other := make([]float32, w*h), make([]float32, w*h)
			var before, after float64
			for i := range other {
				same[i], other[i] = 3, r.Float32()
				before += float64(other[i])
			}
			s.smoothed(same, w, h, k)
			s.smoothed(other, w, h, k)
			for i, v := range other {
				after += float64(v)
				if abs(same[i]-3) > 1e-4 || v < 0 || v > 1 {
					t.Fatalf("%v: %v and %v", size, same[i], v)
				}
			}
			if len(k) <= min(w, h) && math.Abs(before-after) > 1e-3*before {
				t.Errorf("%v: sum %v, before %v", size, after, before)
			}
		}
	}
}

func TestDark(t *testing.T) {
	for n := range 16 {
		word := uint64(zero * each)
		for i := range lanes {
			if n>>i&1 != 0 {
				word -= 1 << (16 * i)
			}
		}
		if got := darkOf(word); got != uint64(n) {
			t.Errorf("%04b: %04b", n, got)
		}
	}
}
