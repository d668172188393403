// Package replay knows images of fingers again that it has seen before. No
// finger is put down twice in the same way: an image, or a template, that comes
// a second time was recorded, and is refused.
package replay

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"image"
	"slices"
	"sync"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
)

// ErrReplay says that an impression was seen before.
var ErrReplay = errors.New("this very impression was captured before")

// mark stands for an impression; nothing of the finger can be computed from it
// without the guard's key.
type mark [16]byte

// Guard remembers the impressions of the last captures. Many goroutines may use
// it.
type Guard struct {
	key [32]byte

	mu   sync.Mutex
	seen map[mark]struct{}
	ring []mark // in the order they came; next is the oldest once it is full
	next int
	near [][]uint64 // the pairs of each template, as ring; last is the oldest
	last int
}

// NewGuard makes a guard that remembers the last size impressions, at least
// one. It owes an error when the system has no random numbers.
func NewGuard(size int) (*Guard, error) {
	g := &Guard{seen: make(map[mark]struct{}), ring: make([]mark, 0, 2*max(size, 1)), near: make([][]uint64, 0, max(size, 1))}
	if _, err := rand.Read(g.key[:]); err != nil {
		return nil, err
	}
	return g, nil
}

// Check remembers an impression, as an image, as a template or both; what is
// nil does not count. It owes ErrReplay where one of them was there before, and
// where a template comes of an image that was there before and has been written
// anew. A template without minutiae says nothing and is not remembered.
func (g *Guard) Check(img *image.Gray, t *fmr.Template) error {
	var marks []mark
	var pairs []uint64
	if img != nil {
		marks = append(marks, g.image(img))
	}
	if t != nil && len(t.Views) > 0 && len(t.Views[0].Minutiae) > 0 {
		marks = append(marks, g.template(&t.Views[0]))
		pairs = g.pairs(&t.Views[0])
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	again := false
	for _, m := range marks {
		if _, ok := g.seen[m]; ok {
			again = true
			continue
		}
		g.add(m)
	}
	again = again || slices.ContainsFunc(g.near, func(old []uint64) bool { return sameImage(old, pairs) })
	if again {
		return ErrReplay
	}
	if len(pairs) >= leastPair {
		g.addPairs(pairs)
	}
	return nil
}

// add remembers m in the place of the oldest. The caller holds mu.
func (g *Guard) add(m mark) {
	g.seen[m] = struct{}{}
	if len(g.ring) < cap(g.ring) {
		g.ring = append(g.ring, m)
		return
	}
	delete(g.seen, g.ring[g.next])
	g.ring[g.next] = m
	g.next = (g.next + 1) % len(g.ring)
}

// addPairs remembers pairs in the place of the oldest. The caller holds mu.
func (g *Guard) addPairs(pairs []uint64) {
	if len(g.near) < cap(g.near) {
		g.near = append(g.near, pairs)
		return
	}
	g.near[g.last] = pairs
	g.last = (g.last + 1) % len(g.near)
}

func (g *Guard) image(img *image.Gray) mark {
	h := hmac.New(sha256.New, g.key[:])
	b := img.Bounds()
	var size [17]byte
	size[0] = 'I'
	binary.BigEndian.PutUint64(size[1:], uint64(b.Dx())) // #nosec G115 -- not negative
	binary.BigEndian.PutUint64(size[9:], uint64(b.Dy())) // #nosec G115 -- not negative
	h.Write(size[:])
	for y := b.Min.Y; y < b.Max.Y; y++ {
		i := img.PixOffset(b.Min.X, y)
		h.Write(img.Pix[i : i+b.Dx()])
	}
	return mark(h.Sum(nil)[:16])
}

// template marks the minutiae whatever their order and wherever the image
// begins, so that an image that was cut or shifted is known again.
func (g *Guard) template(v *fmr.View) mark {
	all := slices.Clone(v.Minutiae)
	x0, y0 := all[0].X, all[0].Y
	for _, m := range all {
		x0, y0 = min(x0, m.X), min(y0, m.Y)
	}
	rows := make([][9]byte, len(all))
	for i, m := range all {
		binary.BigEndian.PutUint32(rows[i][0:], uint32(m.Y-y0)) // #nosec G115 -- not negative
		binary.BigEndian.PutUint32(rows[i][4:], uint32(m.X-x0)) // #nosec G115 -- not negative
		rows[i][8] = m.Angle
	}
	slices.SortFunc(rows, func(a, b [9]byte) int { return slices.Compare(a[:], b[:]) })
	h := hmac.New(sha256.New, g.key[:])
	h.Write([]byte{'T'})
	for _, r := range rows {
		h.Write(r[:])
	}
	return mark(h.Sum(nil)[:16])
}
