package record

import (
	"slices"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// observation = code, value, 0 at, 1 interpretation, 2 [components], 3 status,
// 4 note, 5 category
//
// Where the code's row has members, their values stand in the value's place,
// and the observation's own value, if any, is attribute 6. The category is
// written when it is not the one that the row implies.
func (w *writer) observation(x *Observation) {
	w.lead(1)
	w.observed(x, w.code(terms.Observations, x.Code))
}

// observed writes what follows the code.
func (w *writer) observed(x *Observation, m *measure) {
	w.lead(1)
	rest := x.Components
	composite := m != nil && len(m.members) > 0
	if composite {
		rest = rest[w.components(rest, m):]
	} else {
		w.value(&x.Value, m)
	}
	w.attrAt(0, x.At)
	w.attrUint(1, uint64(x.Interpretation))
	if len(rest) > 0 {
		w.attr(2)
		mark := w.open()
		for i := range rest {
			w.lead(2)
			w.value(&rest[i].Value, w.code(terms.Observations, rest[i].Code))
			w.attrUint(0, uint64(rest[i].Interpretation))
		}
		w.finish(mark)
	}
	w.attrUint(3, uint64(x.Status))
	w.attrText(4, x.Note)
	if x.Category != m.implied() {
		w.attr(5)
		w.uint(uint64(x.Category))
	}
	if composite && !x.Value.IsZero() {
		w.attr(6)
		w.value(&x.Value, m)
	}
}

func (r *reader) observation(x *Observation) {
	r.left--
	var m *measure
	x.Code, m = r.measured(terms.Observations)
	r.observed(x, m)
}

func (r *reader) observed(x *Observation, m *measure) {
	r.left--
	x.Category, x.Sensitive = m.implied(), r.secret
	if m != nil && len(m.members) > 0 {
		x.Components = r.members(m)
	} else {
		x.Value = r.value(m)
	}
	for k, ok := r.attr(); ok; k, ok = r.attr() {
		switch k {
		case 0:
			x.At = r.moment(r.base)
		case 1:
			x.Interpretation = readEnum[interpretationNames](r)
		case 2:
			x.Components = append(x.Components, list(r, maxComponents, 2, (*reader).component)...)
		case 3:
			x.Status = readEnum[observationNames](r)
		case 4:
			x.Note = r.text(maxNote)
		case 5:
			x.Category = readEnum[categoryNames](r)
		case 6:
			x.Value = r.value(m)
		default:
			r.fail("unknown attribute")
		}
	}
}

// component = code, value, 0 interpretation
func (r *reader) component(x *Component) {
	r.left -= 2
	var m *measure
	x.Code, m = r.measured(terms.Observations)
	r.componentBody(x, m)
}

func (r *reader) componentBody(x *Component, m *measure) {
	x.Value = r.value(m)
	for k, ok := r.attr(); ok; k, ok = r.attr() {
		if k != 0 {
			r.fail("unknown attribute")
			return
		}
		x.Interpretation = readEnum[interpretationNames](r)
	}
}

// panel = code, [observations], 0 at, 1 status, 2 conclusion
//
// Where the code's row has members, the list is by members, and attribute 3
// has the other observations.
func (w *writer) panel(x *Panel) {
	w.lead(2)
	m := w.code(terms.Observations, x.Code)
	rest := x.Observations
	if m == nil || len(m.members) == 0 {
		w.observations(rest)
		w.panelled(x)
		return
	}
	rest = rest[w.panelMembers(rest, m):]
	w.panelled(x)
	if len(rest) > 0 {
		w.attr(3)
		w.observations(rest)
	}
}

func (w *writer) observations(list []Observation) {
	mark := w.open()
	for i := range list {
		w.observation(&list[i])
	}
	w.finish(mark)
}

func (w *writer) panelMembers(list []Observation, m *measure) (n int) {
	var places [maxMembers]int8
	packed := true
	for at := 0; n < len(list); n++ {
		x := &list[n]
		i := m.memberAt(x.Code, at)
		if i < 0 {
			break
		}
		c := &measures[m.members[i]]
		plain := len(c.members) == 0 && x.unsaid(w.base, c)
		if plain && x.Value.IsZero() {
			break
		}
		places[n], at = int8(i), i+1 // #nosec G115 -- below maxMembers
		packed = packed && plain && c.plain(x.Value.Quantity)
	}
	mark := w.open()
	at := 0
	for i := range n {
		x, place := &list[i], int(places[i])
		if packed {
			w.pack(place-at, x.Value.Quantity)
		} else {
			w.absent(place - at)
			w.observed(x, &measures[m.members[place]])
		}
		at = place + 1
	}
	w.closeMembers(mark, packed && n > 0)
	return n
}

func (w *writer) panelled(x *Panel) {
	w.attrAt(0, x.At)
	w.attrUint(1, uint64(x.Status))
	w.attrText(2, x.Conclusion)
}

// panelMembers appends what a list by members has to out.
func (r *reader) panelMembers(out []Observation, m *measure) []Observation {
	if r.peek() == majorBytes {
		b, n := r.packed(m)
		out = slices.Grow(out, n)
		r.unpack(b, m, func(c *measure, q *Quantity) {
			out = append(out, Observation{Code: c.code, Category: c.category, Sensitive: r.secret, Value: Value{Quantity: q}})
		})
		return out
	}
	outer := r.left
	r.left = r.array(8 * maxMembers)
	out = slices.Grow(out, min(r.left, len(m.members)))
	at := 0
	for c := r.nextMember(m, &at); c != nil; c = r.nextMember(m, &at) {
		out = append(out, Observation{Code: c.code})
		r.observed(&out[len(out)-1], c)
	}
	r.left = outer
	return out
}

func (r *reader) panel(x *Panel) {
	r.left -= 2
	var m *measure
	x.Code, m = r.measured(terms.Observations)
	x.Sensitive = r.secret
	if m != nil && len(m.members) > 0 {
		x.Observations = r.panelMembers(nil, m)
	} else {
		x.Observations = list(r, maxItems, 2, (*reader).observation)
	}
	for k, ok := r.attr(); ok; k, ok = r.attr() {
		switch k {
		case 0:
			x.At = r.moment(r.base)
		case 1:
			x.Status = readEnum[observationNames](r)
		case 2:
			x.Conclusion = r.text(maxNote)
		case 3:
			x.Observations = append(x.Observations, list(r, maxItems, 2, (*reader).observation)...)
		default:
			r.fail("unknown attribute")
		}
	}
}
