package record

import (
	"math"
	"strconv"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// A code stands in a place that has a slot of the terminology table:
//
//	number                 a row of that slot
//	-25 - n                the digits n of a code of the slot's own system
//	[16 + slot, number]    a row of another slot
//	[system, n or text]    any other code
//
// The first form that fits is the only one. The negative integers from -1 to
// -24 are the keys of attributes.
const (
	attrKeys    = 24
	foreignSlot = 16
)

// ownSystem is the system whose codes a slot has a short form for.
var ownSystem = [terms.NumSlots]terms.System{
	terms.Findings: terms.SNOMED, terms.Medicines: terms.RxNorm, terms.Observations: terms.LOINC,
	terms.Vaccines: terms.CVX, terms.Acts: terms.SNOMED,
}

// code returns the row of the first edition when it is one.
func (w *writer) code(at terms.Slot, c Code) *measure {
	slot, number, edition, ok := w.table.Find(c)
	if ok = ok && edition <= w.limit; !ok && c.System == terms.Newer {
		edition, slot, number, ok = c.Newer()
	}
	switch {
	case ok:
		w.edition = max(w.edition, edition)
		if slot != at {
			w.b = append(w.b, majorArray<<5|2, foreignSlot+byte(slot))
		}
		w.uint(uint64(number))
		if slot == at && at == terms.Observations && edition == 1 {
			return &measures[number]
		}
		return nil
	case c.System == ownSystem[at]:
		if n, ok := codeNumber(c); ok {
			w.head(majorNegint, n+attrKeys)
			return nil
		}
	}
	w.unknown = w.unknown || c.Validate() != nil
	w.short(majorArray, 2)
	w.uint(uint64(c.System))
	if n, ok := codeNumber(c); ok {
		w.uint(n)
	} else {
		w.text(c.Value)
	}
	return nil
}

func (r *reader) code(at terms.Slot) Code {
	c, _ := r.measured(at)
	return c
}

// measured reads a code and says how its row shortens an observation.
func (r *reader) measured(at terms.Slot) (Code, *measure) {
	if r.off < len(r.b) && r.b[r.off] < 24 { // the commonest rows
		r.off++
		if at == terms.Observations {
			m := &measures[r.b[r.off-1]]
			return m.code, m
		}
		return r.row(at, uint64(r.b[r.off-1])), nil
	}
	switch major, arg := r.head(); {
	case r.err != nil:
	case major == majorUint:
		if at == terms.Observations && arg < uint64(len(measures)) {
			return measures[arg].code, &measures[arg]
		}
		return r.row(at, arg), nil
	case major == majorNegint && arg >= attrKeys && arg <= math.MaxInt64:
		return r.spelled(r.numbered(ownSystem[at], arg-attrKeys)), nil
	case major == majorArray && arg == 2:
		return r.pair(at), nil
	default:
		r.fail("code expected")
	}
	return Code{}, nil
}

func (r *reader) row(s terms.Slot, number uint64) Code {
	if number < terms.MaxRows {
		if row := r.table.Row(s, uint32(number)); row != nil && row.Edition <= r.edition { // #nosec G115 -- bounded
			r.used = max(r.used, row.Edition)
			return row.Code
		} else if row == nil && r.edition > r.table.Edition {
			r.used = r.edition
			return terms.NewerCode(r.edition, s, uint32(number)) // #nosec G115 -- bounded
		}
	}
	r.fail("no such row in the code table")
	return Code{}
}

// spelled refuses a code that has a row.
func (r *reader) spelled(c Code) Code {
	if _, _, edition, ok := r.table.Find(c); ok && edition <= r.edition {
		r.fail("code of a row written out")
	}
	return c
}

func (r *reader) pair(at terms.Slot) Code {
	system := r.uint(foreignSlot + uint64(terms.NumSlots) - 1)
	if system >= foreignSlot {
		if terms.Slot(system-foreignSlot) == at { // #nosec G115 -- bounded
			r.fail("slot of the place written")
		}
		return r.row(terms.Slot(system-foreignSlot), r.uint(terms.MaxRows)) // #nosec G115 -- bounded
	}
	c := Code{System: terms.System(system)} // #nosec G115 -- bounded
	if r.peek() == majorUint {
		if c.System == ownSystem[at] {
			r.fail("system of the place written")
		}
		return r.spelled(r.numbered(c.System, r.uint(math.MaxInt64)))
	}
	c.Value = r.text(terms.MaxText)
	if r.err == nil && (!c.System.Valid() || c.Validate() != nil) {
		r.fail("malformed code")
	}
	if _, ok := codeNumber(c); ok {
		r.fail("digits of a code as text")
	}
	return r.spelled(c)
}

func (r *reader) numbered(s terms.System, n uint64) Code {
	c := Code{System: s, Value: codeText(s, n)}
	if m, ok := codeNumber(c); r.err == nil && (!ok || m != n) {
		r.fail("number in place of a code that has none")
	}
	return c
}

// codeNumber returns the number that stands for a code, and false when the
// code is not digits or would not read again to the same text.
func codeNumber(c Code) (uint64, bool) {
	const digits, most = 19, 1 << 62
	s := c.Value
	switch c.System { //nolint:exhaustive // the other systems' codes are not digits
	case terms.SNOMED, terms.RxNorm:
	case terms.CVX:
		if len(s) < 2 {
			return 0, false
		}
		if len(s) == 2 && s[0] == '0' {
			s = s[1:]
		}
	case terms.LOINC:
		if len(s) < 3 || s[len(s)-2] != '-' || s[len(s)-1] != luhn(s[:len(s)-2]) {
			return 0, false
		}
		s = s[:len(s)-2]
	default:
		return 0, false
	}
	if s == "" || len(s) > digits || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	n := uint64(0)
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, n < most
}

func codeText(s terms.System, n uint64) string {
	v := strconv.FormatUint(n, 10)
	if s == terms.LOINC {
		return v + "-" + string(luhn(v))
	}
	if s == terms.CVX && len(v) == 1 {
		return "0" + v
	}
	return v
}

// luhn returns the mod 10 check digit that LOINC puts behind a code's number.
func luhn(digits string) byte {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10) // #nosec G115 -- a digit
}

// Quantities: an unsigned integer for a whole number without unit, else
// [mantissa, unit] when the scale is the unit's own, else [mantissa, unit,
// scale]. A unit is its index in the table of units, or its UCUM text. Behind
// the code of a row with a unit, the unsigned integer is a mantissa of that
// unit and that row's scale.

func (w *writer) quantity(q *Quantity, m *measure) {
	if m.orNone().plain(q) {
		w.uint(uint64(q.Value.Mantissa)) // #nosec G115 -- not negative, being plain
		return
	}
	i, known := unitIndex[q.Unit]
	scale := uint8(0)
	if known {
		scale = units[i].scale
	}
	own := q.Value.Scale == scale
	w.short(majorArray, 3-rank(own))
	w.int(q.Value.Mantissa)
	if known {
		w.uint(uint64(i)) // #nosec G115 -- an index
	} else {
		w.unknown = w.unknown || !cleanText(q.Unit, maxUnit)
		w.text(q.Unit)
	}
	if !own {
		w.uint(uint64(q.Value.Scale))
	}
}

func (r *reader) quantity(m *measure) *Quantity {
	if r.peek() != majorArray {
		q := Quantity{Value: Int(int64(r.uint(math.MaxInt64)))} // #nosec G115 -- bounded
		if m != nil {
			q.Unit, q.Value.Scale = m.unit, m.scale
		}
		return r.amount(q)
	}
	return r.quantityBody(r.array(3), m)
}

// quantityBody reads the n items of a quantity whose array head was read.
func (r *reader) quantityBody(n int, m *measure) *Quantity {
	if n < 2 || n > 3 {
		r.fail("quantity is not two or three items")
		return nil
	}
	q := Quantity{Value: Int(r.int())}
	if r.peek() == majorText {
		q.Unit = r.text(maxUnit)
		if _, known := unitIndex[q.Unit]; known {
			r.fail("unit of the list written out")
		}
	} else if i := r.uint(uint64(len(units) - 1)); r.err == nil { // #nosec G115 -- positive
		q.Unit, q.Value.Scale = units[i].code, units[i].scale
	}
	if n == 3 {
		scale := uint8(r.uint(MaxScale)) // #nosec G115 -- bounded
		if scale == q.Value.Scale {
			r.fail("scale of the unit written")
		}
		q.Value.Scale = scale
	}
	if m.orNone().plain(&q) {
		r.fail("plain number written with its unit")
	}
	return r.amount(q)
}

func (r *reader) amount(q Quantity) *Quantity {
	if r.err == nil && !q.Value.Valid() {
		r.fail("number out of range")
	}
	if r.err != nil {
		return nil
	}
	return r.newQuantity(q)
}

// Values: null for none, a quantity, text, a boolean, or [code].

func (w *writer) value(v *Value, m *measure) {
	switch {
	case v.Quantity != nil:
		w.quantity(v.Quantity, m)
	case v.Code != nil:
		w.head(majorArray, 1)
		w.code(terms.Findings, *v.Code)
	case v.Text != "":
		w.text(v.Text)
	case v.Bool != nil:
		w.bool(*v.Bool)
	default:
		w.simple(simpleNull)
	}
}

func (r *reader) value(m *measure) Value {
	switch r.peek() {
	case majorArray:
		n := r.array(3)
		if n == 1 {
			return Value{Code: r.newCode(r.code(terms.Findings))}
		}
		return Value{Quantity: r.quantityBody(n, m)}
	case majorText:
		return Value{Text: r.text(maxNote)}
	case majorSimple:
		switch s := r.simple(); s {
		case simpleNull:
		case simpleTrue, simpleFalse:
			b := s == simpleTrue
			return Value{Bool: &b}
		default:
			r.fail("unknown simple value")
		}
		return Value{}
	default:
		return Value{Quantity: r.quantity(m)}
	}
}

// Frequencies: the number of times a day, else [times, period, unit].

func (w *writer) frequency(f Frequency) {
	if f.Period == 1 && f.Unit == PeriodDay {
		w.uint(uint64(f.Times))
		return
	}
	w.head(majorArray, 3)
	w.uint(uint64(f.Times))
	w.uint(uint64(f.Period))
	w.uint(uint64(f.Unit))
}

func (r *reader) frequency() Frequency {
	if r.peek() != majorArray {
		return Frequency{Times: uint8(r.some(math.MaxUint8)), Period: 1} // #nosec G115 -- bounded
	}
	if r.array(3) != 3 {
		r.fail("frequency is not three items")
	}
	f := Frequency{Times: uint8(r.some(math.MaxUint8)), Period: uint16(r.some(math.MaxUint16))} // #nosec G115 -- bounded
	if f.Unit = readEnum[periodNames](r); f.Period == 1 && f.Unit == PeriodDay {
		r.fail("times a day written with their period")
	}
	return f
}
