package extract

import (
	"math/rand/v2"
	"testing"
)

// parts counts the connected parts of what is set, by eight neighbours, or of
// what is not set, by four.
func parts(b *bitmap, set bool) int {
	w, h := b.w+2, b.h+2 // with a rim of nothing
	at := func(i int) bool {
		x, y := i%w-1, i/w-1
		return x >= 0 && y >= 0 && x < b.w && y < b.h && b.row(y)[x/64]>>(x%64)&1 != 0
	}
	around := []int{1, -1, w, -w}
	if set {
		around = append(around, w+1, w-1, -w+1, -w-1)
	}
	seen := make([]bool, w*h)
	n := 0
	for start := range seen {
		if seen[start] || at(start) != set {
			continue
		}
		n++
		seen[start] = true
		for todo := []int{start}; len(todo) > 0; {
			i := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for _, d := range around {
				// Pixels of the rim have none beyond them.
				if j := i + d; j >= 0 && j < len(seen) && abs(float32(j%w-i%w)) <= 1 && !seen[j] && at(j) == set {
					seen[j] = true
					todo = append(todo, j)
				}
			}
		}
	}
	return n
}

// TestThin: lines neither break nor join, nothing goes, nothing comes, and what
// is left is thin.
func TestThin(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var b bitmap
	for n := range 60 {
		b.reset(r.IntN(190)+1, r.IntN(60)+1)
		for range r.IntN(60) {
			// A bar of random place and size, set or cut out.
			x, y, bw, bh := r.IntN(b.w), r.IntN(b.h), r.IntN(70)+1, r.IntN(12)+1
			if n%2 == 0 {
				bw, bh = bh, bw
			}
			for v := y; v < min(y+bh, b.h); v++ {
				for u := x; u < min(x+bw, b.w); u++ {
					if n%3 == 0 || (x+y)%3 > 0 {
						b.row(v)[u/64] |= 1 << (u % 64)
					} else {
						b.row(v)[u/64] &^= 1 << (u % 64)
					}
				}
			}
		}
		var before bitmap
		before.reset(b.w, b.h)
		copy(before.words, b.words)
		b.thin()
		if p, q := parts(&before, true), parts(&b, true); p != q {
			t.Fatalf("%d parts of the lines, %d before", q, p)
		}
		if p, q := parts(&before, false), parts(&b, false); p != q {
			t.Fatalf("%d parts between the lines, %d before", q, p)
		}
		for i, word := range b.words {
			if word&^before.words[i] != 0 {
				t.Fatal("a pixel has come")
			}
		}
		again := append([]uint64(nil), b.words...)
		b.thin()
		for i, word := range b.words {
			if word != again[i] {
				t.Fatal("thinned lines get thinner")
			}
		}
		// No line is three pixels wide.
		for y := 1; y < b.h-1; y++ {
			for i, word := range b.row(y) {
				whole := word & (word >> 1) & (word << 1)
				if solid(&b, y, i, whole) {
					t.Fatal("a pixel has eight neighbours")
				}
			}
		}
	}
}

// solid reports whether a pixel of a word in line y has all eight neighbours;
// middle are those that have the ones beside them.
func solid(b *bitmap, y, i int, middle uint64) bool {
	up, down := b.row(y - 1)[i], b.row(y + 1)[i]
	return middle&up&(up>>1)&(up<<1)&down&(down>>1)&(down<<1) != 0
}
