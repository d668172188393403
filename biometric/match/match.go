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
	all, pairs   []pair
	fit          [maxPairs * maxPairs]float32 // how well two pairs go together
	weight, next *[maxPairs]float32           // of each pair
	buf          [2][maxPairs]float32
	picked       [maxPairs]bool
	close        [4 * maxPlaces]candidate
	matched      []candidate
	usedA, usedB [maxPlaces]bool
}

var pool = sync.Pool{New: func() any {
	w := &work{
		all:     make([]pair, 0, maxPlaces*maxPlaces),
		pairs:   make([]pair, 0, maxPairs),
		matched: make([]candidate, 0, maxPlaces),
	}
	w.weight, w.next = &w.buf[0], &w.buf[1]
	return w
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
	var sum, best float32
	var at pose
	for range min(seeds, len(w.pairs)) {
		top := w.strongest()
		sum += w.weight[top]
		t := poseOf(&p.places[w.pairs[top].a], &q.places[w.pairs[top].b])
		w.pairUp(p, q, &t)
		if len(w.matched) >= 3 {
			t = w.fitPose(p, q)
			w.pairUp(p, q, &t)
		}
		if like := w.likeness(p, q); like > best {
			best, at = like, t
		}
	}
	if best == 0 {
		return features{}, false
	}
	w.pairUp(p, q, &at)
	f := w.features(p, q, &at)
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

// likeness sums up how alike the matched minutiae's cylinders are.
func (w *work) likeness(p, q *Probe) float32 {
	var like float32
	for _, c := range w.matched {
		like += alike(&p.cylinders[c.a], &q.cylinders[c.b])
	}
	return like
}
