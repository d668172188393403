package record

import (
	"math"
	"strconv"
	"time"

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
	w.head(majorArray, 2)
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
	switch major, arg := r.head(); {
	case r.err != nil:
	case major == majorUint:
		if at == terms.Observations && arg < uint64(len(measures)) {
			return measures[arg].code, &measures[arg]
		}
		return r.row(at, arg), nil
	case major == majorNegint && arg >= attrKeys && arg <= math.MaxInt64:
		return r.numbered(ownSystem[at], arg-attrKeys), nil
	case major == majorArray && arg == 2:
		return r.pair(), nil
	default:
		r.fail("code expected")
	}
	return Code{}, nil
}

func (r *reader) row(s terms.Slot, number uint64) Code {
	if number < terms.MaxRows {
		if row := r.table.Row(s, uint32(number)); row != nil && row.Edition <= r.edition { // #nosec G115 -- bounded
			return row.Code
		} else if row == nil && r.edition > r.table.Edition {
			return terms.NewerCode(r.edition, s, uint32(number)) // #nosec G115 -- bounded
		}
	}
	r.fail("no such row in the code table")
	return Code{}
}

func (r *reader) pair() Code {
	system := r.uint(foreignSlot + uint64(terms.NumSlots) - 1)
	if system >= foreignSlot {
		return r.row(terms.Slot(system-foreignSlot), r.uint(terms.MaxRows)) // #nosec G115 -- bounded
	}
	c := Code{System: terms.System(system)} // #nosec G115 -- bounded
	if r.peek() == majorUint {
		return r.numbered(c.System, r.uint(math.MaxInt64))
	}
	c.Value = r.text(terms.MaxText)
	if r.err == nil && c.Validate() != nil {
		r.fail("malformed code")
	}
	return c
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
	s := c.Value
	switch c.System { //nolint:exhaustive // the other systems' codes are not digits
	case terms.SNOMED, terms.RxNorm, terms.CVX:
	case terms.LOINC:
		if len(s) < 3 || s[len(s)-2] != '-' {
			return 0, false
		}
		s = s[:len(s)-2]
	default:
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 62)
	if err != nil || codeText(c.System, n) != c.Value {
		return 0, false
	}
	return n, true
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

// Moments: minutes after a base, or [year - 2000 (, month (, day))].

func (w *writer) moment(m Moment, base time.Time) {
	if m.Precision == ToMinute {
		w.int(int64(m.Time.Sub(base) / time.Minute))
		return
	}
	n := uint64(ToYear-m.Precision) + 1
	w.head(majorArray, n)
	w.int(int64(m.Time.Year() - 2000))
	if n > 1 {
		w.uint(uint64(m.Time.Month())) // #nosec G115 -- 1 to 12
	}
	if n > 2 {
		w.uint(uint64(m.Time.Day())) // #nosec G115 -- 1 to 31
	}
}

func (r *reader) moment(base time.Time) Moment {
	const century = 400 * 366 * 24 * 60 // minutes, beyond what valid admits
	if r.peek() != majorArray {
		d := r.int()
		if d > century || d < -century {
			r.fail("time out of range")
			return Moment{}
		}
		return r.checked(Moment{Time: base.Add(time.Duration(d) * time.Minute)})
	}
	n := r.array(3)
	if n == 0 {
		r.fail("empty date")
		return Moment{}
	}
	year, month, day := r.int(), uint64(1), uint64(1)
	if n > 1 {
		month = r.uint(12)
	}
	if n > 2 {
		day = r.uint(31)
	}
	if year > 200 || year < -200 {
		r.fail("year out of range")
		return Moment{}
	}
	t := time.Date(2000+int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC) // #nosec G115 -- bounded
	return r.checked(Moment{Time: t, Precision: ToYear - Precision(n-1)})             // #nosec G115 -- 1 to 3
}

func (r *reader) checked(m Moment) Moment {
	if r.err == nil && (m.IsZero() || !m.valid()) {
		r.fail("time out of range")
	}
	if r.err != nil {
		return Moment{}
	}
	return m
}

// Lengths of time: quarters of an hour, else -1 - minutes.

func (w *writer) minutes(n uint32) {
	if n%15 == 0 {
		w.uint(uint64(n / 15))
		return
	}
	w.head(majorNegint, uint64(n))
}

func (r *reader) minutes() uint32 {
	if r.peek() == majorUint {
		return 15 * uint32(r.uint(math.MaxUint32/15)) // #nosec G115 -- bounded
	}
	n := r.want(majorNegint, "length of time")
	if n > math.MaxUint32 {
		r.fail("number out of range")
	}
	return uint32(n) // #nosec G115 -- bounded
}

// Quantities: an unsigned integer for a whole number without unit, else
// [mantissa, unit] when the scale is the unit's own, else [mantissa, unit,
// scale]. A unit is its index in the table of units, or its UCUM text. Behind
// the code of a row with a unit, the unsigned integer is a mantissa of that
// unit and that row's scale.

func (w *writer) quantity(q *Quantity, m *measure) {
	if m == nil {
		m = &measures[0] // the row of a blood pressure, without unit
	}
	if q.Value.Mantissa >= 0 && q.Value.Scale == m.scale && q.Unit == m.unit {
		w.uint(uint64(q.Value.Mantissa))
		return
	}
	i, known := unitIndex[q.Unit]
	scale := uint8(0)
	if known {
		scale = units[i].scale
	}
	own := q.Value.Scale == scale
	w.head(majorArray, 3-uint64(rank(own))) // #nosec G115 -- 2 or 3
	w.int(q.Value.Mantissa)
	if known {
		w.uint(uint64(i)) // #nosec G115 -- an index
	} else {
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
	return r.quantityBody(r.array(3))
}

// quantityBody reads the n items of a quantity whose array head was read.
func (r *reader) quantityBody(n int) *Quantity {
	if n < 2 || n > 3 {
		r.fail("quantity is not two or three items")
		return nil
	}
	q := Quantity{Value: Int(r.int())}
	if r.peek() == majorText {
		q.Unit = r.text(maxUnit)
	} else if i := r.uint(uint64(len(units) - 1)); r.err == nil { // #nosec G115 -- positive
		q.Unit, q.Value.Scale = units[i].code, units[i].scale
	}
	if n == 3 {
		q.Value.Scale = uint8(r.uint(MaxScale)) // #nosec G115 -- bounded
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
			c := r.code(terms.Findings)
			return Value{Code: &c}
		}
		return Value{Quantity: r.quantityBody(n)}
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
		return Frequency{Times: uint8(r.uint(math.MaxUint8)), Period: 1} // #nosec G115 -- bounded
	}
	if r.array(3) != 3 {
		r.fail("frequency is not three items")
	}
	f := Frequency{Times: uint8(r.uint(math.MaxUint8)), Period: uint16(r.uint(math.MaxUint16))} // #nosec G115 -- bounded
	f.Unit = readEnum[periodNames](r)
	return f
}
