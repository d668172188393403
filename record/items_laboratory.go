package record

import (
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
	w.attrAt(0, &x.At)
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

// listed reads an observation of the list, and remembers the vital signs.
func (r *reader) listed(x *Observation) {
	r.left--
	var m *measure
	x.Code, m = r.measured(terms.Observations)
	r.observed(x, m)
	if m != nil && m.sign >= 0 && m.plain(x.Value.Quantity) && x.unsaid(r.base, m) {
		r.signs |= 1 << m.sign
	}
}

func (r *reader) observed(x *Observation, m *measure) {
	r.left--
	x.Category, x.Sensitive = m.implied(), r.secret
	var seen uint64
	composite := m != nil && len(m.members) > 0
	if composite {
		if x.Components, seen = r.members(m); len(x.Components) > maxComponents {
			r.fail("too many items")
		}
	} else {
		x.Value = r.value(m)
	}
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.At = r.at()
		case 1:
			x.Interpretation = chosen[interpretationNames](r)
		case 2:
			n := len(x.Components)
			x.Components = list(r, &r.stack.components, maxComponents, (*reader).component, x.Components)
			for i := range x.Components[n:] {
				if c := &x.Components[n+i]; composite && m.strays(c.Code, seen) && !c.bare() {
					r.fail("member outside its place")
				}
			}
		case 3:
			x.Status = chosen[observationNames](r)
		case 4:
			x.Note = r.text(maxNote)
		case 5:
			x.Category = r.category(m)
		case 6:
			if x.Value = r.value(m); !composite || x.Value.IsZero() {
				r.fail("value in the wrong place")
			}
		default:
			r.fail("unknown attribute")
		}
	}
}

// category reads a category that is not the one that the row implies.
func (r *reader) category(m *measure) Category {
	c := readEnum[categoryNames](r)
	if c == m.implied() {
		r.fail("category of the row written")
	}
	return c
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
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		if k != 0 {
			r.fail("unknown attribute")
			return
		}
		x.Interpretation = chosen[interpretationNames](r)
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
		i := m.memberAt(&x.Code, at)
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
	w.attrAt(0, &x.At)
	w.attrUint(1, uint64(x.Status))
	w.attrText(2, x.Conclusion)
}

// panelMembers puts what a list by members has on the stack, and returns which
// members these are.
func (r *reader) panelMembers(m *measure) (seen uint64) {
	stack := &r.stack.observations
	if r.peek() == majorBytes {
		return r.unpack(m, func(c *measure, q *Quantity) {
			x := push(stack)
			x.Code, x.Category, x.Sensitive, x.Value.Quantity = c.code, c.category, r.secret, q
		})
	}
	outer := r.left
	r.left = r.array(8 * maxMembers)
	packed := r.left > 0
	at := 0
	for c := r.nextMember(m, &at); c != nil; c = r.nextMember(m, &at) {
		x := push(stack)
		x.Code = c.code
		r.observed(x, c)
		packed = packed && len(c.members) == 0 && c.plain(x.Value.Quantity) && x.unsaid(r.base, c)
		seen |= 1 << (at - 1)
	}
	if packed || r.left < 0 {
		r.fail("plain numbers not as a byte string, or an item beyond its list")
	}
	r.left = outer
	return seen
}

func (r *reader) panel(x *Panel) {
	r.left -= 2
	var m *measure
	x.Code, m = r.measured(terms.Observations)
	x.Sensitive = r.secret
	stack := &r.stack.observations
	height := len(*stack)
	var seen uint64
	composite := m != nil && len(m.members) > 0
	if composite {
		seen = r.panelMembers(m)
	} else {
		items(r, stack, maxItems, (*reader).observation)
	}
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.At = r.at()
		case 1:
			x.Status = chosen[observationNames](r)
		case 2:
			x.Conclusion = r.text(maxNote)
		case 3:
			n := len(*stack)
			items(r, stack, maxItems, (*reader).observation)
			for i := range (*stack)[n:] {
				if o := &(*stack)[n+i]; !composite || m.strays(o.Code, seen) && !o.bare(r.base) {
					r.fail("member outside its place")
				}
			}
		default:
			r.fail("unknown attribute")
		}
	}
	if x.Observations = pop(stack, height, nil); len(x.Observations) == 0 || len(x.Observations) > maxItems {
		r.fail("panel without observations, or with too many")
	}
}
