package record

import (
	"math"
	"strconv"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// Codes: [system, value], the value a number where the code is digits that
// read again to the same text. An unsigned integer in a code's place will be
// the index of a code table; no table exists yet, so it is refused.

func (w *writer) code(c Code) {
	w.head(majorArray, 2)
	w.uint(uint64(c.System))
	if n, ok := codeNumber(c); ok {
		w.uint(n)
		return
	}
	w.text(c.Value)
}

func (r *reader) code() Code {
	if r.peek() == majorUint {
		r.fail("index of a code table that is not known")
		return Code{}
	}
	if r.array(2) != 2 {
		r.fail("code is not a pair")
		return Code{}
	}
	c := Code{System: terms.System(r.uint(math.MaxUint8))} // #nosec G115 -- bounded
	if r.peek() == majorUint {
		c.Value = codeText(c.System, r.uint(math.MaxInt64))
	} else {
		c.Value = r.text(terms.MaxText)
	}
	if r.err == nil && c.Validate() != nil {
		r.fail("malformed code")
		return Code{}
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
	n, err := strconv.ParseUint(s, 10, 63)
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

func (w *writer) codes(cs []Code) {
	w.head(majorArray, uint64(len(cs)))
	for _, c := range cs {
		w.code(c)
	}
}

func (r *reader) codes(limit int) []Code {
	n := r.array(limit)
	cs := make([]Code, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		cs = append(cs, r.code())
	}
	return cs
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

func (m *mapWriter) optMoment(k uint64, v Moment, base time.Time) {
	if !v.IsZero() {
		m.key(k)
		m.moment(v, base)
	}
}

// Quantities: a bare integer for a whole number without unit, else
// [mantissa, unit] when the scale is the unit's own, else [mantissa, unit,
// scale]. A unit is its index in the table of units, or its UCUM text.

func (w *writer) quantity(q *Quantity) {
	i, known := unitIndex[q.Unit]
	scale := uint8(0)
	if known {
		scale = units[i].scale
	}
	own := q.Value.Scale == scale
	switch {
	case own && q.Unit == "":
		w.int(q.Value.Mantissa)
		return
	case own:
		w.head(majorArray, 2)
	default:
		w.head(majorArray, 3)
	}
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

func (r *reader) quantity() *Quantity {
	if r.peek() != majorArray {
		return r.amount(&Quantity{Value: Int(r.int())})
	}
	return r.quantityBody(r.array(3))
}

// quantityBody reads the n items of a quantity whose array head was read.
func (r *reader) quantityBody(n int) *Quantity {
	if n < 2 || n > 3 {
		r.fail("quantity is not two or three items")
		return nil
	}
	q := &Quantity{Value: Int(r.int())}
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

func (r *reader) amount(q *Quantity) *Quantity {
	if r.err == nil && !q.Value.Valid() {
		r.fail("number out of range")
	}
	if r.err != nil {
		return nil
	}
	return q
}

func (m *mapWriter) optQuantity(k uint64, q *Quantity) {
	if q != nil {
		m.key(k)
		m.quantity(q)
	}
}

// Values: null for none, a quantity, text, a boolean, or [code].

func (w *writer) value(v Value) {
	switch {
	case v.Quantity != nil:
		w.quantity(v.Quantity)
	case v.Code != nil:
		w.head(majorArray, 1)
		w.code(*v.Code)
	case v.Text != "":
		w.text(v.Text)
	case v.Bool != nil:
		w.bool(*v.Bool)
	default:
		w.simple(simpleNull)
	}
}

func (r *reader) value() Value {
	switch r.peek() {
	case majorArray:
		n := r.array(3)
		if n == 1 {
			c := r.code()
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
		return Value{Quantity: r.quantity()}
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

func (m *mapWriter) optFrequency(k uint64, f Frequency) {
	if f != (Frequency{}) {
		m.key(k)
		m.frequency(f)
	}
}

func (m *mapWriter) optCodes(k uint64, cs []Code) {
	if len(cs) > 0 {
		m.key(k)
		m.codes(cs)
	}
}

func (m *mapWriter) optCode(k uint64, c *Code) {
	if c != nil {
		m.key(k)
		m.code(*c)
	}
}
