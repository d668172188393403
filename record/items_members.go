package record

import (
	"encoding/binary"
)

// A list by members has no codes: the first value is of the row's first
// member, and so on. It ends with the last that is there. Where all values are
// numbers in their rows' own units, and nothing else is said of them, it is a
// byte string of variable-length numbers, seven bits in a byte, the lowest
// first: 0 for an absent member, else the number plus one. Otherwise it is an
// array of values with their attributes; there an absent member is null, and
// two or more are -25 - (their number - 2).

// components writes those that are members, in order, and returns their number.
func (w *writer) components(list []Component, m *measure) (n int) {
	var places [maxMembers]int8
	packed := true
	for at := 0; n < len(list); n++ {
		c := &list[n]
		i := m.memberAt(c.Code, at)
		if i < 0 || c.bare() {
			break
		}
		places[n], at = int8(i), i+1 // #nosec G115 -- below maxMembers
		packed = packed && c.Interpretation == 0 && measures[m.members[i]].plain(c.Value.Quantity)
	}
	mark := w.open()
	at := 0
	for i := range n {
		c, place := &list[i], int(places[i])
		if packed {
			w.pack(place-at, c.Value.Quantity)
		} else {
			w.absent(place - at)
			w.lead(1)
			w.value(&c.Value, &measures[m.members[place]])
			w.attrUint(0, uint64(c.Interpretation))
		}
		at = place + 1
	}
	w.closeMembers(mark, packed && n > 0)
	return n
}

// plain reports whether a quantity is a number of the row's unit and scale.
func (m *measure) plain(q *Quantity) bool {
	return q != nil && q.Value.Mantissa >= 0 && q.Value.Scale == m.scale && q.Unit == m.unit
}

// pack writes a plain quantity behind a number of absent ones.
func (w *writer) pack(absent int, q *Quantity) {
	for range absent {
		w.b = append(w.b, 0)
	}
	w.b = binary.AppendUvarint(w.b, uint64(q.Value.Mantissa)+1) // #nosec G115 -- not negative
}

func (w *writer) closeMembers(mark listMark, packed bool) {
	if packed {
		w.patch(mark.at, majorBytes, len(w.b)-mark.at-1)
		w.n = mark.n
		return
	}
	w.close(mark)
}

// packed takes a byte string by members, makes room for its quantities, and
// returns it with their number.
func (r *reader) packed(m *measure) (b []byte, n int) {
	b = r.take(r.want(majorBytes, "byte string"), maxMembers*binary.MaxVarintLen64)
	more := false // the byte before is continued
	for _, c := range b {
		if c < 0x80 && (c > 0 || more) {
			n++
		}
		more = c >= 0x80
	}
	n = min(n, len(m.members))
	if cap(r.amounts)-len(r.amounts) < n {
		r.amounts = make([]Quantity, 0, n)
	}
	return b, n
}

// unpack calls f for each quantity of a byte string by members.
func (r *reader) unpack(b []byte, m *measure, f func(*measure, *Quantity)) {
	for i := 0; len(b) > 0 && r.err == nil; i++ {
		v, n := binary.Uvarint(b)
		if n <= 0 || i >= len(m.members) || v > maxMantissa {
			r.fail("malformed numbers by members")
			return
		}
		if b = b[n:]; v > 0 {
			c := &measures[m.members[i]]
			f(c, r.newQuantity(Quantity{Value: Decimal{Mantissa: int64(v - 1), Scale: c.scale}, Unit: c.unit})) // #nosec G115 -- bounded
		}
	}
}

func (r *reader) members(m *measure) (out []Component) {
	if r.peek() == majorBytes {
		b, n := r.packed(m)
		out = make([]Component, 0, n)
		r.unpack(b, m, func(c *measure, q *Quantity) {
			out = append(out, Component{Code: c.code, Value: Value{Quantity: q}})
		})
		return out
	}
	outer := r.left
	r.left = r.array(8 * maxMembers)
	at := 0
	for c := r.nextMember(m, &at); c != nil; c = r.nextMember(m, &at) {
		if out == nil {
			out = make([]Component, 0, min(1+r.left, len(m.members)))
		}
		r.left--
		out = append(out, Component{Code: c.code})
		r.componentBody(&out[len(out)-1], c)
	}
	r.left = outer
	return out
}

// maxMembers bounds a list by members; it is the code table's own bound.
const maxMembers = 40

func (w *writer) absent(n int) {
	switch {
	case n == 1:
		w.lead(1)
		w.simple(simpleNull)
	case n > 1:
		w.lead(1)
		w.head(majorNegint, attrKeys+uint64(n-2)) // #nosec G115 -- at most maxMembers
	}
}

// nextMember returns the next member whose value is there, nil at the list's end.
func (r *reader) nextMember(m *measure, at *int) *measure {
	for r.err == nil && r.left > 0 {
		if r.peek() == majorNegint {
			_, n := r.head()
			if n < attrKeys || n > attrKeys+maxMembers {
				r.fail("value expected")
				return nil
			}
			*at += int(n-attrKeys) + 2 // #nosec G115 -- bounded
			r.left--
			continue
		}
		if *at >= len(m.members) {
			r.fail("more values than members")
			return nil
		}
		*at++
		if !r.nothing() {
			return &measures[m.members[*at-1]]
		}
		r.off++
		r.left--
	}
	return nil
}

// nothing reports whether a null without attributes is next.
func (r *reader) nothing() bool {
	if r.off >= len(r.b) || r.b[r.off] != majorSimple<<5|simpleNull {
		return false
	}
	if r.left < 2 || r.off+1 >= len(r.b) {
		return true
	}
	next := r.b[r.off+1]
	return next>>5 != majorNegint || next&31 >= attrKeys
}

// vitals returns the observations at the end of a list that are written by the
// members of the panel of vital signs: two at least.
func (w *writer) vitals(list []Observation) []Observation {
	n, next := 0, maxMembers
	for n < len(list) {
		i := list[len(list)-1-n].vital(w.base)
		if i < 0 || i >= next {
			break
		}
		n, next = n+1, i
	}
	if n < 2 {
		return nil
	}
	return list[len(list)-n:]
}

func (w *writer) packVitals(list []Observation) {
	mark := w.open()
	at := 0
	for i := range list {
		place := vitals.memberAt(list[i].Code, 0)
		w.pack(place-at, list[i].Value.Quantity)
		at = place + 1
	}
	w.closeMembers(mark, true)
}

func (r *reader) unpackVitals(list []Observation) []Observation {
	if r.peek() != majorBytes {
		r.fail("byte string expected")
		return nil
	}
	return r.panelMembers(list, vitals)
}
