package record

import "time"

// observationGroups writes the three lists whose key gives the category, and
// the one for the other categories.
func (m *mapWriter) observationGroups(e *Entry, secret bool) {
	for group := CategoryLaboratory; group <= CategorySocialHistory; group++ {
		implied, key := group, keyLaboratory+uint64(group)
		if group == CategorySocialHistory {
			implied, key = CategoryOther, keyObservations
		}
		items(m, key, e.Observations, func(x *Observation) bool {
			return x.Sensitive == secret && min(x.Category, CategorySocialHistory) == group
		}, func(w *writer, x *Observation) int { return w.observation(x, e.Start, implied) })
	}
}

// observation = code, value, ? {1 at, 2 interpretation, 3 components,
// 4 status, 5 note, 6 category}
//
// The category is written when it is not the one that the list implies.
func (w *writer) observation(x *Observation, base time.Time, implied Category) int {
	w.code(x.Code)
	w.value(x.Value)
	return w.attributes(2, func(m *mapWriter) {
		m.optAt(1, x.At, base)
		m.optUint(2, uint64(x.Interpretation))
		if len(x.Components) > 0 {
			m.key(3)
			m.list(func() int {
				n := 0
				for i := range x.Components {
					n += w.component(&x.Components[i])
				}
				return n
			})
		}
		m.optUint(4, uint64(x.Status))
		m.optText(5, x.Note)
		if x.Category != implied {
			m.key(6)
			m.uint(uint64(x.Category))
		}
	})
}

func (r *reader) observation(base time.Time, implied Category, secret bool) Observation {
	x := Observation{Code: r.code(), Value: r.value(), Category: implied, Sensitive: secret}
	r.attributes(2, func(key uint64) bool {
		switch key {
		case 1:
			x.At = r.moment(base)
		case 2:
			x.Interpretation = readEnum[interpretationNames](r)
		case 3:
			r.items(func() bool {
				if len(x.Components) >= maxComponents {
					r.fail("too many components")
					return false
				}
				x.Components = append(x.Components, r.component())
				return r.err == nil
			})
		case 4:
			x.Status = readEnum[observationNames](r)
		case 5:
			x.Note = r.text(maxNote)
		case 6:
			x.Category = readEnum[categoryNames](r)
		default:
			return false
		}
		return true
	})
	return x
}

// component = code, value, ? {1 interpretation}
func (w *writer) component(x *Component) int {
	w.code(x.Code)
	w.value(x.Value)
	return w.attributes(2, func(m *mapWriter) { m.optUint(1, uint64(x.Interpretation)) })
}

func (r *reader) component() Component {
	x := Component{Code: r.code(), Value: r.value()}
	r.attributes(2, func(key uint64) bool {
		if key != 1 {
			return false
		}
		x.Interpretation = readEnum[interpretationNames](r)
		return true
	})
	return x
}

// panel = code, [observations], ? {1 at, 2 status, 3 conclusion}
//
// The observations are laboratory's unless they say otherwise.
func (w *writer) panel(x *Panel, base time.Time) int {
	w.code(x.Code)
	w.list(func() int {
		n := 0
		for i := range x.Observations {
			n += w.observation(&x.Observations[i], base, CategoryLaboratory)
		}
		return n
	})
	return w.attributes(2, func(m *mapWriter) {
		m.optAt(1, x.At, base)
		m.optUint(2, uint64(x.Status))
		m.optText(3, x.Conclusion)
	})
}

func (r *reader) panel(base time.Time, secret bool) Panel {
	x := Panel{Code: r.code(), Sensitive: secret}
	r.items(func() bool {
		if len(x.Observations) >= maxItems {
			r.fail("too many observations")
			return false
		}
		x.Observations = append(x.Observations, r.observation(base, CategoryLaboratory, secret))
		return r.err == nil
	})
	r.attributes(2, func(key uint64) bool {
		switch key {
		case 1:
			x.At = r.moment(base)
		case 2:
			x.Status = readEnum[observationNames](r)
		case 3:
			x.Conclusion = r.text(maxNote)
		default:
			return false
		}
		return true
	})
	return x
}
