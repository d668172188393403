package entitle

import (
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// ageOn returns the age in whole years on the local day of t of somebody who
// was born on a date. Who was born on 29 February is a year older on 1 March
// of a year without that day.
func (r *Rules) ageOn(year int, month time.Month, day int, t time.Time) int {
	y, m, d := r.date(t)
	age := y - year
	if m < month || m == month && d < day {
		age--
	}
	return age
}

// ages returns the least and the greatest age that somebody may have, given
// what is known of their birth; ok is false when that is nothing, or when it
// lies behind t.
func (r *Rules) ages(born record.Moment, t time.Time) (least, most int, ok bool) {
	if born.IsZero() {
		return 0, 0, false
	}
	first, last := born.Time, born.End().Add(-time.Nanosecond)
	if born.Precision == record.ToMinute { // an instant has a local day, a date is one
		offset := time.Duration(r.Offset) * time.Minute
		first, last = first.Add(offset), first.Add(offset)
	}
	year, month, day := last.Date()
	least = r.ageOn(year, month, day, t)
	year, month, day = first.Date()
	most = r.ageOn(year, month, day, t)
	return max(least, 0), most, most >= 0
}

// visits returns how many visits a year the rules allow at an age.
func (r *Rules) visits(age int) uint32 {
	n := uint32(0)
	for _, s := range r.Visits {
		if age >= int(s.Age) {
			n = uint32(s.Visits)
		}
	}
	return n
}
