package extract

import (
	"image"
	"math"
)

// scaled returns img at about 500 dpi and the scale that was used. Images of
// nearly that resolution stay as they are: the filters follow the ridges.
func scaled(img *image.Gray, dpi float64) (*image.Gray, float64) {
	k := nominalDPI / dpi
	if k > 0.88 && k < 1.13 {
		return img, 1
	}
	b := img.Bounds()
	w, h := max(1, int(math.Round(float64(b.Dx())*k))), max(1, int(math.Round(float64(b.Dy())*k)))
	out := image.NewGray(image.Rect(0, 0, w, h))
	// A box as wide as the step when it shrinks, two lines of neighbours
	// otherwise: neither leaves anything finer than the new pixels.
	xs, ys := taps(w, b.Dx(), k), taps(h, b.Dy(), k)
	for y := range h {
		for x := range w {
			var sum, weight float32
			for _, ty := range ys[y] {
				line := img.Pix[(b.Min.Y-img.Rect.Min.Y+ty.at)*img.Stride+b.Min.X-img.Rect.Min.X:]
				for _, tx := range xs[x] {
					f := tx.weight * ty.weight
					sum += f * float32(line[tx.at])
					weight += f
				}
			}
			out.Pix[y*out.Stride+x] = uint8(sum/weight + 0.5)
		}
	}
	return out, k
}

type tap struct {
	at     int
	weight float32
}

// taps returns for each of n output pixels the input pixels that it is made of.
func taps(n, size int, k float64) [][]tap {
	all := make([][]tap, n)
	reach := max(1, 1/k)
	for i := range all {
		c := (float64(i)+0.5)/k - 0.5
		for j := int(math.Ceil(c - reach)); float64(j) <= c+reach; j++ {
			if f := 1 - math.Abs(float64(j)-c)/reach; f > 0 && j >= 0 && j < size {
				all[i] = append(all[i], tap{j, float32(f)})
			}
		}
		if len(all[i]) == 0 {
			all[i] = []tap{{min(max(int(c), 0), size-1), 1}}
		}
	}
	return all
}
