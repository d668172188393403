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

// counts reports whether a unit counts tablets, capsules or the like.
func counts(unit string) bool {
	switch unit {
	case "", "{tbl}", "{capsule}", "{count}", "{#}":
		return true
	default:
		return false
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
