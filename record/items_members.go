package record

import (
	"encoding/binary"
	"math/bits"
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
		i := m.memberAt(&c.Code, at)
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

// unpack calls f for each quantity of a byte string by members, which ends with
// one, and returns which members these are.
func (r *reader) unpack(m *measure, f func(*measure, *Quantity)) (seen uint64) {
	b := r.take(r.want(majorBytes, "byte string"), maxMembers*binary.MaxVarintLen64)
	if len(b) == 0 || b[len(b)-1] == 0 {
		r.fail("no number at the end of those by members")
		return 0
	}
	for i := 0; len(b) > 0; i++ {
		if b[0] == 0 { // absent
			b = b[1:]
			continue
		}
		v, n := uint64(b[0]), 1
		if v >= 0x80 {
			if v, n = binary.Uvarint(b); n <= 0 || b[n-1] == 0 {
				n = 0
			}
		}
		if n == 0 || i >= len(m.members) || v > maxMantissa {
			r.fail("malformed numbers by members")
			return 0
		}
		b = b[n:]
		c := &measures[m.members[i]]
		seen |= 1 << i
		f(c, r.newQuantity(Quantity{Value: Decimal{Mantissa: int64(v - 1), Scale: c.scale}, Unit: c.unit})) // #nosec G115 -- bounded
	}
	return seen
}

// members reads the components that are members, and says which these are.
func (r *reader) members(m *measure) (out []Component, seen uint64) {
	stack := &r.stack.components
	height := len(*stack)
	if r.peek() == majorBytes {
		seen = r.unpack(m, func(c *measure, q *Quantity) {
			x := push(stack)
			x.Code, x.Value.Quantity = c.code, q
		})
		return pop(stack, height, nil), seen
	}
	outer := r.left
	r.left = r.array(8 * maxMembers)
	packed := r.left > 0
	at := 0
	for c := r.nextMember(m, &at); c != nil; c = r.nextMember(m, &at) {
		r.left--
		x := push(stack)
		x.Code = c.code
		r.componentBody(x, c)
		packed = packed && x.Interpretation == 0 && c.plain(x.Value.Quantity)
		seen |= 1 << (at - 1)
	}
	if packed || r.left < 0 {
		r.fail("plain numbers not as a byte string, or an item beyond its list")
	}
	r.left = outer
	return pop(stack, height, nil), seen
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
	absent := 0
	switch {
	case r.err != nil || r.left <= 0:
		return nil
	case r.peek() == majorNegint:
		_, n := r.head()
		if n < attrKeys || n > attrKeys+maxMembers {
			r.fail("value expected")
			return nil
		}
		absent = int(n-attrKeys) + 2 // #nosec G115 -- bounded
		r.left--
	case r.nothing():
		absent = 1
		r.off++
		r.left--
	}
	if *at += absent + 1; *at > len(m.members) {
		r.fail("more values than members")
		return nil
	}
	if absent > 0 && (r.left <= 0 || r.peek() == majorNegint || r.nothing()) {
		r.fail("absent members at the end, or not in one number")
		return nil
	}
	return &measures[m.members[*at-1]]
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

// packVitals writes vital signs by the members of their panel, at whose places
// bits are set.
func (w *writer) packVitals(list []Observation, places uint64) {
	mark := w.open()
	at := 0
	for i := range list {
		place := bits.TrailingZeros64(places)
		places &= places - 1
		w.pack(place-at, list[i].Value.Quantity)
		at = place + 1
	}
	w.closeMembers(mark, true)
}

// unpackVitals puts two or more vital signs on the stack. Others of the same
// kinds may stand in the list.
func (r *reader) unpackVitals() {
	if r.peek() != majorBytes {
		r.fail("byte string expected")
		return
	}
	seen := r.panelMembers(vitals)
	if seen&(seen-1) == 0 || r.signs&^seen != 0 {
		r.fail("vital signs in the wrong place")
	}
	r.signs = 0
}

// signsPlaced refuses two vital signs of different kinds in the list.
func (r *reader) signsPlaced() {
	if r.signs&(r.signs-1) != 0 {
		r.fail("vital signs in the list")
	}
}
