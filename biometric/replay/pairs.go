package replay

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
)

// An image that was recorded and written anew, brighter, as a JPEG or with a
// little noise, has other bytes and a template that differs in a few minutiae.
// The others lie as far from each other as before, to the pixel. Those of a
// finger that was put on again do not: skin stretches, and turns. Of 96
// impressions of 24 fingers, at most 12 in 100 pairs of minutiae were found in
// another one; of the same images as JPEG of quality 95, 39 at least.
const (
	reach     = 60                    // pixels between the two of a pair
	apart     = reach * reach * 3 / 2 // places that the second of a pair may have, about
	leastPair = 40                    // pairs under which nothing is said
	mostPlace = 100                   // minutiae that are looked at
	alike     = 0.3                   // share of pairs, beyond what chance makes equal, that is the same image
)

// pairs marks how near minutiae lie to each other, ascending, each once.
func (g *Guard) pairs(v *fmr.View) []uint64 {
	all := v.Minutiae[:min(len(v.Minutiae), mostPlace)]
	var out []uint64
	h := hmac.New(sha256.New, g.key[:])
	for i, a := range all {
		for _, b := range all[i+1:] {
			x, y := b.X-a.X, b.Y-a.Y
			if x < 0 || x == 0 && y < 0 {
				x, y = -x, -y
			}
			if x > reach || y > reach || y < -reach || x*x+y*y > reach*reach {
				continue
			}
			h.Reset()
			h.Write([]byte{'P', byte(x), byte(y)}) // #nosec G115 -- reach fits, y as two's complement
			out = append(out, binary.BigEndian.Uint64(h.Sum(nil)))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sameImage reports whether two impressions share more pairs than two captures
// of a finger do.
func sameImage(a, b []uint64) bool {
	least, most := min(len(a), len(b)), max(len(a), len(b))
	if least < leastPair {
		return false
	}
	shared := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			shared, i, j = shared+1, i+1, j+1
		}
	}
	chance := float64(most) / apart
	return float64(shared) >= (alike+chance)*float64(least)
}
