package match

// Features are what a comparison is judged by, for fitting the weights. It
// reports false where no two minutiae lie on each other.
func Features(p, q *Probe) ([8]float64, bool) {
	w := pool.Get().(*work)
	defer pool.Put(w)
	f, ok := w.compare(p, q)
	var out [8]float64
	for i, v := range f {
		out[i] = float64(v)
	}
	return out, ok
}
