// Package match compares fingers by their minutiae and says how likely it is
// that two different fingers look as alike.
//
// Minutia Cylinder-Code (Cappelli, Ferrara, Maltoni: IEEE PAMI 32, 2010) finds
// minutiae with like surroundings; pairs of them weigh each other by their
// relative positions; the strongest propose poses, and the pose in which most
// lies on each other is judged. Everything that is compared comes out of the
// template of ISO/IEC 19794-2.
package match

import "sync"

// work is the memory of one comparison.
type work struct {
	all          [maxChoice*maxChoice + 1]pair
	hopes        [maxPlaces]hope // more than maxChoice
	pairs        []pair
	nodes        [maxPairs]node
	turns        [maxPairs]uint8 // from the second minutia of each pair to the first
	gaps         [maxPairs*(maxPairs-1)/2 + 1]gap
	edges        []edge
	weight, sums [maxPairs]float32 // of each pair
	picked       [maxPairs]bool
	spots        [maxPlaces + 1]spot
	close        [4*maxPlaces + 1]candidate
	best, other  *alignment
}

var pool = sync.Pool{New: func() any {
	return &work{
		pairs: make([]pair, 0, maxPairs+1),
		edges: make([]edge, 0, maxPairs*(maxPairs-1)/2),
		best:  newAlignment(), other: newAlignment(),
	}
}}

// Compare compares two probes. It allocates nothing.
func Compare(p, q *Probe) Score {
	w := pool.Get().(*work)
	defer pool.Put(w)
	f, ok := w.compare(p, q)
	if !ok {
		return 0
	}
	return f.score()
}

// compare reports false where no two minutiae lie on each other.
func (w *work) compare(p, q *Probe) (features, bool) {
	w.choose(p, q)
	if len(w.pairs) < 2 {
		return features{}, false
	}
	w.relax(p, q)
	w.picked = [maxPairs]bool{}
	var sum float32
	w.best.like = 0
	for range min(seeds, len(w.pairs)) {
		top := w.strongest()
		sum += w.weight[top]
		a, b := w.pairs[top].a, w.pairs[top].b
		t := w.other
		t.pose = poseOf(&p.places[a], &q.places[b])
		w.pairUp(p, q, t)
		if len(t.matched) >= 3 {
			t.pose = t.fit(p, q)
			w.pairUp(p, q, t)
		}
		if t.like = t.likeness(p, q); t.like > w.best.like {
			w.best, w.other = t, w.best
		}
	}
	if w.best.like == 0 {
		return features{}, false
	}
	f := w.best.features(p, q)
	f[support] = sum / seeds
	return f, true
}

// strongest returns the pair of most weight that it has not returned before.
func (w *work) strongest() int {
	top := -1
	for i := range w.pairs {
		if !w.picked[i] && (top < 0 || w.weight[i] > w.weight[top]) {
			top = i
		}
	}
	w.picked[top] = true
	return top
}
