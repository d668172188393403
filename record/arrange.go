package record

import (
	"slices"
	"time"
)

// bare reports whether the component says nothing: among others it would be
// read as one that is absent.
func (c *Component) bare() bool { return c.Interpretation == 0 && c.Value.IsZero() }

// bare is the same for an observation of a panel.
func (x *Observation) bare(start time.Time) bool {
	if !x.Value.IsZero() {
		return false
	}
	m := measureOf(x.Code)
	return (m == nil || len(m.members) == 0) && x.unsaid(start, m)
}

// unsaid reports whether there is nothing but a value.
func (x *Observation) unsaid(start time.Time, m *measure) bool {
	return x.Interpretation == 0 && x.Status == 0 && x.Note == "" && len(x.Components) == 0 && x.Category == m.implied() &&
		(x.At.IsZero() || x.At.Precision == ToMinute && x.At.Time.Equal(start))
}

// composite returns the measure of an observation whose row has members.
func (x *Observation) composite() *measure {
	if m := measureOf(x.Code); m != nil && len(m.members) > 0 {
		return m
	}
	return nil
}

// arrange puts the first item of each of the row's members in front, in the
// members' order, so that it can be written without its code. The list is not
// changed: when it has another order, a copy comes back.
func arrange[T any](list []T, m *measure, placed func(*T) (Code, bool)) []T {
	var seen uint64
	last := -1
	sorted := true
	var few [48]int
	places := few[:0]
	for i := range list {
		place := maxMembers
		if c, ok := placed(&list[i]); ok {
			if k := m.memberNear(&c, last+1); k >= 0 && seen&(1<<k) == 0 {
				place, seen = k, seen|1<<k
			}
		}
		sorted = sorted && place >= last
		last = place
		places = append(places, place)
	}
	if sorted {
		return list
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return places[a] - places[b] })
	out := make([]T, len(list))
	for i, from := range order {
		out[i] = list[from]
	}
	return out
}

// placed reports whether all components are members and in the members' order.
func (m *measure) placed(list []Component) bool {
	last := -1
	for i := range list {
		k := m.memberNear(&list[i].Code, last+1)
		if k <= last || list[i].bare() {
			return false
		}
		last = k
	}
	return true
}

func arrangeComponents(x *Observation) []Component {
	m := x.composite()
	if m == nil || m.placed(x.Components) {
		return x.Components
	}
	return arrange(x.Components, m, func(c *Component) (Code, bool) { return c.Code, !c.bare() })
}

func arrangePanel(x *Panel, start time.Time) []Observation {
	m := measureOf(x.Code)
	if m == nil || len(m.members) == 0 || len(x.Observations) < 2 {
		return x.Observations
	}
	last, i := -1, 0
	for ; i < len(x.Observations); i++ {
		o := &x.Observations[i]
		k := m.memberNear(&o.Code, last+1)
		if k <= last || o.bare(start) {
			break
		}
		last = k
	}
	if i == len(x.Observations) {
		return x.Observations // all are members, and in order
	}
	return arrange(x.Observations, m, func(o *Observation) (Code, bool) { return o.Code, !o.bare(start) })
}

// arranged returns list with its components arranged; it is not changed.
func arranged(list []Observation) []Observation {
	copied := false
	for i := range list {
		if len(list[i].Components) < 2 {
			continue
		}
		cs := arrangeComponents(&list[i])
		if &cs[0] == &list[i].Components[0] {
			continue
		}
		if !copied {
			list, copied = slices.Clone(list), true
		}
		list[i].Components = cs
	}
	return list
}

// arrangedPanels is the same for panels.
func arrangedPanels(list []Panel, start time.Time) []Panel {
	copied := false
	for i := range list {
		obs := arrangePanel(&list[i], start)
		obs = arranged(obs)
		if len(obs) == 0 || &obs[0] == &list[i].Observations[0] {
			continue
		}
		if !copied {
			list, copied = slices.Clone(list), true
		}
		list[i].Observations = obs
	}
	return list
}

// vital returns the observation's place among the vital signs' members, -1
// when it is none or more is said of it than a number.
func (x *Observation) vital(start time.Time) int {
	if x.Category != CategoryVitalSigns || x.Value.Quantity == nil {
		return -1 // all members are vital signs
	}
	m := measureOf(x.Code)
	if m == nil || m.sign < 0 || !m.plain(x.Value.Quantity) || !x.unsaid(start, m) {
		return -1
	}
	return int(m.sign)
}

// vitalsLast returns list with the sensitive behind the others, and in each
// part the last of every vital sign at the end, in the members' order, when
// there are two or more; signs has a bit for the place of each, in each part. It
// is the last, so that a list that has been arranged stays as it is. The list is
// not changed.
func vitalsLast(list []Observation, start time.Time) (sorted []Observation, signs [2]uint64) {
	if len(list) < 2 {
		return list, signs
	}
	var few [32]uint8
	places := few[:]
	if len(list) > len(few) {
		places = make([]uint8, len(list))
	}
	places = places[:len(list)]
	for i := len(list) - 1; i >= 0; i-- {
		if k := list[i].vital(start); k >= 0 {
			if part := rank(list[i].Sensitive); signs[part]&(1<<k) == 0 {
				signs[part] |= 1 << k
				places[i] = uint8(k) + 1 // #nosec G115 -- below maxMembers
			}
		}
	}
	for part, set := range signs {
		if set&(set-1) == 0 { // one at most
			signs[part] = 0
		}
	}
	ordered, last := true, uint8(0)
	for i := range list {
		part := rank(list[i].Sensitive)
		if signs[part] == 0 {
			places[i] = 0
		}
		places[i] += uint8(part) * (maxMembers + 1) // #nosec G115 -- 0 or 1
		ordered = ordered && places[i] >= last
		last = places[i]
	}
	if ordered {
		return list, signs
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(places[a]) - int(places[b]) })
	out := make([]Observation, len(list))
	for i, from := range order {
		out[i] = list[from]
	}
	return out, signs
}
