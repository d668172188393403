package match_test

import (
	"cmp"
	"math"
	"slices"
)

// penalty is on the squares of the weights of features of deviation 1.
const penalty = 0.0001

// sample is one comparison of two impressions.
type sample struct {
	database int
	fingers  [2]int
	same     bool // one finger's
	features [8]float64
	none     bool // no two minutiae lie on each other
}

// model judges features: the logarithm of the odds that they are of one finger.
type model struct {
	weights [8]float64
	bias    float64
}

func (m *model) odds(s *sample) float64 {
	if s.none {
		return -30
	}
	v := m.bias
	for i, w := range m.weights {
		v += w * s.features[i]
	}
	return v
}

// fit is a logistic regression by Newton's method; both kinds weigh the same.
func fit(all []*sample) model {
	all = slices.DeleteFunc(slices.Clone(all), func(s *sample) bool { return s.none })
	var mean, deviation [8]float64
	kinds := map[bool]float64{}
	for _, s := range all {
		kinds[s.same]++
		for i, v := range s.features {
			mean[i] += v / float64(len(all))
		}
	}
	for _, s := range all {
		for i, v := range s.features {
			deviation[i] += (v - mean[i]) * (v - mean[i]) / float64(len(all))
		}
	}
	for i, v := range deviation {
		deviation[i] = math.Sqrt(v) + 1e-9
	}
	var at [9]float64 // of features of mean 0 and deviation 1, and the bias
	for range 30 {
		var system [9][10]float64
		for i := range 8 {
			system[i][i], system[i][9] = penalty, penalty*at[i]
		}
		system[8][8] = 1e-9
		for _, s := range all {
			x := [9]float64{8: 1}
			odds := at[8]
			for i, v := range s.features {
				x[i] = (v - mean[i]) / deviation[i]
				odds += at[i] * x[i]
			}
			p := 1 / (1 + math.Exp(-odds))
			weight, off := 0.5/kinds[s.same], p
			if s.same {
				off = p - 1
			}
			for i := range x {
				system[i][9] += weight * off * x[i]
				for j := range x {
					system[i][j] += weight * p * (1 - p) * x[i] * x[j]
				}
			}
		}
		for i, step := range solve(&system) {
			at[i] -= step
		}
	}
	m := model{bias: at[8]}
	for i := range m.weights {
		m.weights[i] = at[i] / deviation[i]
		m.bias -= m.weights[i] * mean[i]
	}
	return m
}

// solve solves a system of linear equations, the right side last.
func solve(a *[9][10]float64) (x [9]float64) {
	for i := range a {
		top := i
		for j := i; j < len(a); j++ {
			if math.Abs(a[j][i]) > math.Abs(a[top][i]) {
				top = j
			}
		}
		a[i], a[top] = a[top], a[i]
		for j := range a {
			if f := a[j][i] / a[i][i]; j != i {
				for k := i; k < 10; k++ {
					a[j][k] -= f * a[i][k]
				}
			}
		}
	}
	for i := range x {
		x[i] = a[i][9] / a[i][i]
	}
	return x
}

// scored is a comparison and its odds by models that have not seen its fingers.
type scored struct {
	*sample
	odds float64
}

// crossed judges every comparison by the models that are fitted without one of
// its fingers, the mean of two where it is of two.
func crossed(all []*sample) []scored {
	without := map[int]model{}
	for _, s := range all {
		if _, ok := without[s.fingers[0]]; ok || !s.same {
			continue
		}
		without[s.fingers[0]] = fit(slices.DeleteFunc(slices.Clone(all), func(o *sample) bool {
			return slices.Contains(o.fingers[:], s.fingers[0])
		}))
	}
	var out []scored
	for _, s := range all {
		a, b := without[s.fingers[0]], without[s.fingers[1]]
		out = append(out, scored{s, (a.odds(s) + b.odds(s)) / 2})
	}
	return out
}

// levels are the false match rates at which loss looks at the false non-match
// rate.
var levels = [...]float64{0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1}

// loss is the mean false non-match rate at the levels, in percent, over the
// databases.
func loss(all []scored) (sum float64) {
	genuine, impostor := map[int][]float64{}, map[int][]float64{}
	for _, s := range all {
		if s.same {
			genuine[s.database] = append(genuine[s.database], s.odds)
		} else {
			impostor[s.database] = append(impostor[s.database], s.odds)
		}
	}
	for db, g := range genuine {
		slices.SortFunc(impostor[db], func(a, b float64) int { return cmp.Compare(b, a) })
		for _, level := range levels {
			threshold := impostor[db][int(level*float64(len(impostor[db])))]
			for _, v := range g {
				if v <= threshold {
					sum += 100 / float64(len(g)*len(levels)*len(genuine))
				}
			}
		}
	}
	return sum
}

// line fits the negative decimal logarithm of the false match rate, as a line
// over the odds, to the tail of other fingers.
func line(all []scored) (slope, offset float64) {
	var tail []float64
	for _, s := range all {
		if !s.same {
			tail = append(tail, s.odds)
		}
	}
	slices.SortFunc(tail, func(a, b float64) int { return cmp.Compare(b, a) })
	var n, x, y, xx, xy float64
	for k := 2; k < len(tail)/5; k++ {
		// Every decade of the rate weighs the same.
		w, u, v := 1/float64(k), tail[k-1], -math.Log10(float64(k)/float64(len(tail)))
		n, x, y, xx, xy = n+w, x+w*u, y+w*v, xx+w*u*u, xy+w*u*v
	}
	slope = (n*xy - x*y) / (n*xx - x*x)
	return slope, (y - slope*x) / n
}
