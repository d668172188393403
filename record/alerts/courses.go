package alerts

import (
	"cmp"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// openEnded is how many days a line without a length goes on: longer than any.
const openEnded = 200 * 365

// course is a line of the draft: a medicine with a rule, from when to when, and
// what it comes to in a day, or in a week of what is taken weekly.
type course struct {
	item
	rule       *dose
	begin, end time.Time
	daily      float64 // in the rule's unit
}

// course says when a line is taken: without a beginning from the visit on, and
// without a length for good.
func (c *checker) course(x *record.Prescription, it *item, d *dose, once float64) course {
	begin, days := c.draft.Start, int(x.Days)
	if !x.At.IsZero() {
		begin = x.At.Time
	}
	if x.Ongoing || days == 0 {
		days = openEnded
	}
	return course{*it, d, begin, begin.AddDate(0, 0, days), d.daily(once, perDay(x.Frequency))}
}

// together tells what the lines of one medicine come to when they are taken
// together, and when that is more than any one of them comes to alone. A line
// that begins where another ends, as when a dose is tapered, is not taken with it.
func (c *checker) together(all []course) {
	alone, d := 0.0, all[0].rule
	items := make([]*item, len(all))
	for i := range all {
		alone, items[i] = max(alone, all[i].daily), &all[i].item
	}
	sum := peak(all)
	phrase, most := "dose-day", d.day
	if c.child(d) && (most == 0 || c.p.kilograms*d.childDay < most) {
		phrase, most = "dose-child", c.p.kilograms*d.childDay
	}
	if most == 0 || sum <= rounding*most || sum <= rounding*alone {
		return
	}
	c.doseAlert(d.rule(), phrase, loudness(sum/most), d.source, items, "n", figure(sum), "max", figure(most), "kg", figure(c.p.kilograms), "unit", d.unit)
}

// peak is the most that courses come to on one day.
func peak(all []course) float64 {
	type step struct {
		at time.Time
		by float64
	}
	steps := make([]step, 0, 2*len(all))
	for _, x := range all {
		steps = append(steps, step{x.begin, x.daily}, step{x.end, -x.daily})
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.by, b.by)) }) // ends first
	most, sum := 0.0, 0.0
	for _, s := range steps {
		sum += s.by
		most = max(most, sum)
	}
	return most
}
