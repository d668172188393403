package record

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxScale is the greatest number of decimals of a Decimal.
const MaxScale = 9

// maxMantissa keeps a Decimal within what a JSON number carries exactly.
const maxMantissa = 1e15

// Decimal is Mantissa / 10^Scale. Trailing zeros are kept: 7.0 is not 7.
type Decimal struct {
	Mantissa int64
	Scale    uint8
}

// Int returns a whole number.
func Int(v int64) Decimal { return Decimal{Mantissa: v} }

// Valid reports whether d can be stored.
func (d Decimal) Valid() bool {
	return d.Scale <= MaxScale && d.Mantissa <= maxMantissa && d.Mantissa >= -maxMantissa
}

// String returns the decimal as a JSON number.
func (d Decimal) String() string {
	s := strconv.FormatInt(d.Mantissa, 10)
	if d.Scale == 0 {
		return s
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	if n := int(d.Scale) + 1 - len(s); n > 0 {
		s = strings.Repeat("0", n) + s
	}
	return sign + s[:len(s)-int(d.Scale)] + "." + s[len(s)-int(d.Scale):]
}

// MarshalJSON implements json.Marshaler.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON implements json.Unmarshaler. It owes ErrInvalid.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	v, exact, err := ParseDecimal(string(b))
	if err != nil {
		return err
	}
	if !exact {
		return fmt.Errorf("decimal with more than %d digits: %w", MaxScale, ErrInvalid)
	}
	*d = v
	return nil
}

// ParseDecimal reads a JSON number. A number with more decimals than can be
// stored is rounded, half away from zero, and exact is false. It owes
// ErrInvalid for other text and for numbers out of range.
func ParseDecimal(s string) (d Decimal, exact bool, err error) {
	bad := fmt.Errorf("decimal of %d characters: %w", len(s), ErrInvalid)
	if s == "" || len(s) > 64 {
		return d, false, bad
	}
	digits, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if exp, err = strconv.Atoi(s[i+1:]); err != nil || exp > 20 || exp < -60 {
			return d, false, bad
		}
		digits = s[:i]
	}
	neg := strings.HasPrefix(digits, "-")
	digits = strings.TrimPrefix(digits, "-")
	whole, frac, _ := strings.Cut(digits, ".")
	all := whole + frac
	if whole == "" || strings.Trim(all, "0123456789") != "" {
		return d, false, bad
	}
	scale := len(frac) - exp
	for ; scale < 0; scale++ {
		all += "0"
	}
	exact, up := true, false
	if cut := scale - MaxScale; cut > 0 {
		all = strings.Repeat("0", max(0, cut+1-len(all))) + all
		rest := all[len(all)-cut:]
		all, scale = all[:len(all)-cut], MaxScale
		up, exact = rest[0] >= '5', strings.Trim(rest, "0") == ""
	}
	m, err := strconv.ParseInt(all, 10, 64)
	if err != nil {
		return d, false, bad
	}
	if up {
		m++
	}
	if neg {
		m = -m
	}
	d = Decimal{Mantissa: m, Scale: uint8(scale)} // #nosec G115 -- 0 to MaxScale
	if !d.Valid() {
		// Many decimals of a great number: keep what fits.
		if d.Scale > 0 && d.Mantissa != 0 {
			return d.Round(d.Scale - 1).fit()
		}
		return Decimal{}, false, bad
	}
	return d, exact, nil
}

func (d Decimal) fit() (Decimal, bool, error) {
	for !d.Valid() && d.Scale > 0 {
		d = d.Round(d.Scale - 1)
	}
	if !d.Valid() {
		return Decimal{}, false, fmt.Errorf("decimal out of range: %w", ErrInvalid)
	}
	return d, false, nil
}

// Round returns d with at most the given number of decimals, rounded half away
// from zero.
func (d Decimal) Round(scale uint8) Decimal {
	if d.Scale <= scale {
		return d
	}
	div := int64(1)
	for range min(d.Scale-scale, 18) {
		div *= 10
	}
	q, r := d.Mantissa/div, d.Mantissa%div
	if r*2 >= div {
		q++
	} else if -r*2 >= div {
		q--
	}
	return Decimal{Mantissa: q, Scale: scale}
}

// Quantity is a measured amount. Unit is a UCUM code, empty for a bare count.
type Quantity struct {
	Value Decimal `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

// NewQuantity returns mantissa × 10^exponent of a unit. An exponent out of
// -MaxScale to 0 that cannot be written out gives a Quantity that Validate
// refuses.
func NewQuantity(mantissa int64, exponent int, unit string) *Quantity {
	for ; exponent > 0 && mantissa <= maxMantissa && mantissa >= -maxMantissa; exponent-- {
		mantissa *= 10
	}
	scale := uint8(MaxScale + 1)
	if exponent <= 0 && exponent >= -MaxScale {
		scale = uint8(-exponent) // #nosec G115 -- 0 to MaxScale
	}
	return &Quantity{Value: Decimal{Mantissa: mantissa, Scale: scale}, Unit: unit}
}

// Precision says how much of a Moment is known.
type Precision uint8

// The precisions, from a minute to a year.
const (
	ToMinute Precision = iota
	ToDay
	ToMonth
	ToYear
)

// Moment is a time known to the minute, the day, the month or the year, as
// FHIR's dateTime. Its zero value is "not said". In JSON it is the text
// 2026-02-28T08:15:00Z, 2026-02-28, 2026-02 or 2026.
type Moment struct {
	Time      time.Time // UTC; the first instant of what is known
	Precision Precision
}

// At returns t to the minute.
func At(t time.Time) Moment { return Moment{Time: minute(t)} }

// Day returns a date without a time.
func Day(year int, month time.Month, day int) Moment {
	return Moment{Time: time.Date(year, month, day, 0, 0, 0, 0, time.UTC), Precision: ToDay}
}

func minute(t time.Time) time.Time {
	if t.Location() == time.UTC && t.Nanosecond() == 0 && t.Unix()%60 == 0 {
		return t
	}
	return t.UTC().Truncate(time.Minute)
}

// or returns m, or t when nothing is said.
func (m Moment) or(t time.Time) Moment {
	if m.IsZero() {
		return At(t)
	}
	return m
}

func (m Moment) same(n Moment) bool { return m.Precision == n.Precision && m.Time.Equal(n.Time) }

// IsZero reports whether nothing is said.
func (m Moment) IsZero() bool { return m.Time.IsZero() }

var momentLayouts = [...]string{ToMinute: time.RFC3339, ToDay: "2006-01-02", ToMonth: "2006-01", ToYear: "2006"}

// String returns the text form, empty for the zero Moment.
func (m Moment) String() string {
	if m.IsZero() || int(m.Precision) >= len(momentLayouts) {
		return ""
	}
	return m.Time.Format(momentLayouts[m.Precision])
}

// End returns the first instant after what is known: a day ends at midnight.
func (m Moment) End() time.Time {
	switch m.Precision { //nolint:exhaustive // a minute is the rest
	case ToDay:
		return m.Time.AddDate(0, 0, 1)
	case ToMonth:
		return m.Time.AddDate(0, 1, 0)
	case ToYear:
		return m.Time.AddDate(1, 0, 0)
	default:
		return m.Time
	}
}

// MarshalText implements encoding.TextMarshaler.
func (m Moment) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It owes ErrInvalid.
func (m *Moment) UnmarshalText(b []byte) error {
	v, err := ParseMoment(string(b))
	if err != nil {
		return err
	}
	*m = v
	return nil
}

// ParseMoment reads the text form. Seconds are dropped, and the offset from
// UTC is applied. It owes ErrInvalid.
func ParseMoment(s string) (Moment, error) {
	if s == "" {
		return Moment{}, nil
	}
	p := ToMinute
	switch len(s) {
	case 4:
		p = ToYear
	case 7:
		p = ToMonth
	case 10:
		p = ToDay
	}
	t, err := time.Parse(momentLayouts[p], s)
	m := Moment{Time: minute(t), Precision: p}
	if err != nil || m.IsZero() || !m.valid() {
		return Moment{}, fmt.Errorf("time of %d characters: %w", len(s), ErrInvalid)
	}
	return m, nil
}

func (m Moment) valid() bool {
	if m.IsZero() {
		return true
	}
	at := m.Time.Unix()
	return m.Precision <= ToYear && at >= earliest && at < latest
}

// Bounds of a Moment in seconds: the years 1800 to 2200.
var (
	earliest = time.Date(1800, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(2201, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
)
