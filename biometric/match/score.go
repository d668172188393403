package match

import (
	"math"
	"math/bits"
)

// Score says how likely it is that two different fingers look as alike: it is
// the negative decimal logarithm of the false match rate at this threshold, so
// 3 means one in a thousand. It is never negative.
type Score float32

// FMR returns the false match rate of accepting this score and all above it.
func (s Score) FMR() float64 { return math.Pow(10, -float64(s)) }

// Accepts reports whether a false match rate of at most fmr is kept.
func (s Score) Accepts(fmr float64) bool { return s.FMR() <= fmr }

// Impressions fuses the comparisons of several impressions of one finger: the
// best counts, and pays for that it was chosen.
func Impressions(scores ...Score) Score {
	var best Score
	for _, s := range scores {
		best = max(best, s)
	}
	if len(scores) > 1 {
		best -= Score(math.Log10(float64(len(scores))))
	}
	return max(best, 0)
}

// Fingers fuses the comparisons of several fingers of one person, which are
// independent of each other in different persons: the chance that the product
// of their rates is as small (Fisher's method).
func Fingers(scores ...Score) Score {
	var sum float64
	for _, s := range scores {
		sum += float64(s) * math.Ln10
	}
	term, total := 1.0, 0.0
	for k := range scores {
		if k > 0 {
			term *= sum / float64(k)
		}
		total += term
	}
	if total == 0 {
		return 0
	}
	return Score(max(0, (sum-math.Log(total))/math.Ln10))
}

// features are what a comparison is judged by.
type features [8]float32

// The features.
const (
	support  = iota // mean weight of the strongest pairs
	count           // matched minutiae
	likeMean        // likeness of their surroundings, in the mean
	farMean         // distance of the matched, root of the mean square in pixels
	turnMean        // their angles' difference in units of 360/256 degrees
	sameKind        // share of those of one kind
	share           // matched, of what both probes see, squared
	overlap         // minutiae that the other probe sees, the fewer of both
)

// features sums up the matched pairs, of which there is one at least.
func (t *alignment) features(p, q *Probe) features {
	var far, kinds, turns float32
	for _, c := range t.matched {
		a, b := &p.places[c.a], &q.places[c.b]
		x, y := t.apply(a.x, a.y)
		far += (x-b.x)*(x-b.x) + (y-b.y)*(y-b.y)
		turns += abs(float32(int8(a.angle + t.turn - b.angle))) // #nosec G115 -- modulo 256 is meant
		if a.kind == b.kind {
			kinds++
		}
	}
	na, nb := t.seen(p, q)
	m := float32(len(t.matched))
	return features{
		count: m, likeMean: t.like / m, farMean: sqrt(far / m), turnMean: turns / m, sameKind: kinds / m,
		share: m * m / (na*nb + 4), overlap: min(na, nb),
	}
}

// rim is how far outside the other's minutiae one counts as seen by it.
const rim = 12

// seen counts the minutiae of each probe that lie where the other one has seen
// the finger, and those that are matched.
func (t *alignment) seen(p, q *Probe) (na, nb float32) {
	a, b := t.usedA, t.usedB
	for i := range p.places {
		x, y := t.apply(p.places[i].x, p.places[i].y)
		a |= q.hull.around(x, y, rim) << i
	}
	for i := range q.places {
		x, y := q.places[i].x-t.x, q.places[i].y-t.y
		b |= p.hull.around(t.cos*x+t.sin*y, t.cos*y-t.sin*x, rim) << i
	}
	return float32(bits.OnesCount64(a)), float32(bits.OnesCount64(b))
}

// weights judge features by logistic regression; docs/biometrics.md tells on
// what they were fitted.
var weights = features{
	support: 103, count: 0.679, likeMean: -9.65, farMean: -0.277, turnMean: -0.2545, sameKind: 1.603,
	share: 6.934, overlap: -0.2241,
}

// The fit of the decimal logarithm of the false match rate.
const (
	slope  = 0.51
	offset = 0.70
)

func (f *features) score() Score {
	s := float32(offset)
	for i, w := range weights {
		s += slope * w * f[i]
	}
	return Score(max(0, s))
}
