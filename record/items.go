package record

import (
	"slices"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// A list of items is flat: an item is one to three leading elements, and
// behind them its attributes, each a key (a negative integer, -1 - k) and a
// value. What is its default has no attribute. Each kind of item has its
// writer and its reader side by side.

// lead counts an item's leading elements.
func (w *writer) lead(n int) { w.n += n }

// attr begins the attribute k.
func (w *writer) attr(k byte) {
	w.b = append(w.b, majorNegint<<5|k)
	w.n += 2
}

func (w *writer) attrUint(k byte, v uint64) {
	if v != 0 {
		w.attr(k)
		w.uint(v)
	}
}

func (w *writer) attrTrue(k byte, v bool) {
	if v {
		w.attr(k)
		w.bool(true)
	}
}

func (w *writer) attrText(k byte, s string) {
	if s != "" {
		w.attr(k)
		w.text(s)
	}
}

func (w *writer) attrMoment(k byte, m *Moment) {
	if !m.IsZero() {
		w.attrSaid(k, m)
	}
}

func (w *writer) attrSaid(k byte, m *Moment) {
	w.attr(k)
	w.moment(*m, w.base)
}

// attrAt writes an item's time unless it is the encounter's start.
func (w *writer) attrAt(k byte, at *Moment) {
	if !at.IsZero() && (at.Precision != ToMinute || !at.Time.Equal(w.base)) {
		w.attrSaid(k, at)
	}
}

func (w *writer) attrQuantity(k byte, q *Quantity) {
	if q != nil {
		w.attr(k)
		w.quantity(q, nil)
	}
}

func (w *writer) attrFrequency(k byte, f Frequency) {
	if f != (Frequency{}) {
		w.attr(k)
		w.frequency(f)
	}
}

func (w *writer) attrCode(k byte, at terms.Slot, c *Code) {
	if c != nil {
		w.attr(k)
		w.code(at, *c)
	}
}

func (w *writer) attrCodes(k byte, at terms.Slot, cs []Code) {
	if len(cs) > 0 {
		w.attr(k)
		w.codes(at, cs)
	}
}

// codes writes a list of codes; a single one that is no array stands alone.
func (w *writer) codes(at terms.Slot, cs []Code) {
	mark := w.open()
	for _, c := range cs {
		w.lead(1)
		w.code(at, c)
	}
	w.finish(mark)
}

func (r *reader) codes(at terms.Slot, limit int) []Code {
	n := r.elements(limit)
	cs := r.codingRoom(n)
	for ; n > 0 && r.err == nil; n-- {
		cs = append(cs, r.code(at))
	}
	return r.newCodes(cs)
}

// elements begins an array and returns the number of its elements, which is 1
// for an element that stands without its array.
func (r *reader) elements(limit int) int {
	if r.peek() != majorArray {
		return 1
	}
	n := r.array(limit)
	if n == 0 || n == 1 && r.peek() != majorArray {
		r.fail("empty list, or an array that could be left out")
	}
	return n
}

// attrReasons writes an item's reasons: true when they are the visit's.
func (w *writer) attrReasons(k byte, cs []Code) {
	if len(cs) > 0 && slices.Equal(cs, w.reasons) {
		w.attr(k)
		w.bool(true)
		return
	}
	w.attrCodes(k, terms.Findings, cs)
}

func (r *reader) itemReasons() []Code {
	if r.peek() == majorSimple {
		if r.isTrue(); len(r.reasons) == 0 {
			r.fail("reasons of a visit that has none")
		}
		return r.newCodes(append(r.codingRoom(len(r.reasons)), r.reasons...))
	}
	cs := r.codes(terms.Findings, maxReasons)
	if len(r.reasons) > 0 && slices.Equal(cs, r.reasons) {
		r.fail("the visit's reasons written again")
	}
	return cs
}

// attr returns the key of the next attribute of the item that is being read,
// and false when the next element is none. Keys rise: last is the one before,
// -1 for the first.
func (r *reader) attr(last int) (key int, ok bool) {
	if r.left <= 0 || r.off >= len(r.b) {
		return 0, false
	}
	c := r.b[r.off]
	if c>>5 != majorNegint || c&31 >= attrKeys {
		return 0, false
	}
	if key = int(c & 31); key <= last {
		r.fail("attributes not in rising order")
		return 0, false
	}
	r.off++
	r.left -= 2
	return key, true
}

// at reads an item's time, which is not the encounter's start.
func (r *reader) at() Moment {
	m := r.moment(r.base)
	if m.Precision == ToMinute && m.Time.Equal(r.base) {
		r.fail("time of the start written")
	}
	return m
}

// list reads the items of a flat list, at least one, and puts them behind out.
func list[T any](r *reader, stack *[]T, limit int, one func(*reader, *T), out []T) []T {
	height := len(*stack)
	items(r, stack, limit-len(out), one)
	return pop(stack, height, out)
}

// items puts the items of a flat list on a stack; a single element that is no
// array stands without its array. How many elements an item takes shows as it is
// read, so the array's count is checked at the end.
func items[T any](r *reader, stack *[]T, limit int, one func(*reader, *T)) {
	outer := r.left
	for r.left = r.elements(8 * maxItems); r.err == nil && r.left > 0; limit-- {
		if limit <= 0 {
			r.fail("too many items")
			break
		}
		one(r, push(stack))
	}
	if r.left < 0 {
		r.fail("item goes beyond its list")
	}
	r.left = outer
}

// allergy = code, 0 kind, 1 group, 2 criticality, 3 severity, 4 reactions,
// 5 status, 6 certainty, 7 at, 8 onset, 9 note
func (w *writer) allergy(x *Allergy) {
	w.lead(1)
	w.code(terms.Findings, x.Code)
	w.attrUint(0, uint64(x.Kind))
	w.attrUint(1, uint64(x.Group))
	w.attrUint(2, uint64(x.Criticality))
	w.attrUint(3, uint64(x.Severity))
	w.attrCodes(4, terms.Findings, x.Reactions)
	w.attrUint(5, uint64(x.Status))
	w.attrUint(6, uint64(x.Certainty))
	w.attrAt(7, &x.At)
	w.attrMoment(8, &x.Onset)
	w.attrText(9, x.Note)
}

func (r *reader) allergy(x *Allergy) {
	r.left--
	x.Code = r.code(terms.Findings)
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.Kind = chosen[allergyKindNames](r)
		case 1:
			x.Group = chosen[allergyGroupNames](r)
		case 2:
			x.Criticality = chosen[criticalityNames](r)
		case 3:
			x.Severity = chosen[severityNames](r)
		case 4:
			x.Reactions = r.codes(terms.Findings, maxReactions)
		case 5:
			x.Status = chosen[conditionNames](r)
		case 6:
			x.Certainty = chosen[certaintyNames](r)
		case 7:
			x.At = r.at()
		case 8:
			x.Onset = r.moment(r.base)
		case 9:
			x.Note = r.text(maxNote)
		default:
			r.fail("unknown attribute")
		}
	}
}
