package alerts

import (
	"math"
	"strconv"

	"github.com/dhamani-iq/dhamani/record"
)

// amount returns a quantity's number.
func amount(q *record.Quantity) float64 {
	return float64(q.Value.Mantissa) / math.Pow10(int(q.Value.Scale))
}

// massIn returns how many milligrams a unit of a dose is, or 1 for
// international units and millimoles, which are only compared with their own;
// 0 for a unit that says nothing of an amount.
func massIn(unit string) float64 {
	switch unit {
	case "mg", "[IU]", "mmol", "meq":
		return 1
	case "g":
		return 1000
	case "ug":
		return 0.001
	case "ng":
		return 0.000001
	default:
		return 0
	}
}

// sameMeasure reports whether amounts in two units can be compared.
func sameMeasure(a, b string) bool {
	special := func(u string) bool { return u == "[IU]" || u == "mmol" || u == "meq" }
	if special(a) || special(b) {
		return a == b
	}
	return massIn(a) > 0 && massIn(b) > 0
}

// counts reports whether a unit counts tablets, capsules or the like.
func counts(unit string) bool {
	switch unit {
	case "", "{tbl}", "{capsule}", "{count}", "{#}":
		return true
	default:
		return false
	}
}

func kilogramsIn(unit string) float64 {
	switch unit {
	case "kg":
		return 1
	case "g":
		return 0.001
	case "[lb_av]":
		return 0.45359237
	default:
		return 0
	}
}

// hoursIn is the length of a unit of a period.
func hoursIn(u record.PeriodUnit) float64 {
	switch u {
	case record.PeriodHour:
		return 1
	case record.PeriodDay:
		return 24
	case record.PeriodWeek:
		return 24 * 7
	case record.PeriodMonth:
		return 24 * 30
	case record.PeriodYear:
		return 24 * 365
	case record.PeriodMinute:
		return 1.0 / 60
	case record.PeriodSecond:
		return 1.0 / 3600
	default:
		return 0
	}
}

// perDay returns how often a dose is taken in 24 hours, 0 when nothing is said.
func perDay(f record.Frequency) float64 {
	hours := hoursIn(f.Unit) * float64(f.Period)
	if f.Times == 0 || hours == 0 {
		return 0
	}
	return float64(f.Times) * 24 / hours
}

// figure writes a number for people: at most three digits that count.
func figure(v float64) string {
	if v != 0 {
		digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
		scale := math.Pow10(min(max(digits, 0), 12))
		v = math.Round(v*scale) / scale
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
