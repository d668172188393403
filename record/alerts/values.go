package alerts

import (
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// values looks at what the draft says was measured.
func (c *checker) values() {
	for i := range c.draft.Observations {
		c.observed(&c.draft.Observations[i], c.draft.Observations[i].Sensitive)
	}
	for i := range c.draft.Panels {
		for j := range c.draft.Panels[i].Observations {
			c.observed(&c.draft.Panels[i].Observations[j], c.draft.Panels[i].Sensitive)
		}
	}
}

func (c *checker) observed(o *record.Observation, secret bool) {
	if o.Status == record.ObservationEnteredInError || o.Status == record.ObservationCancelled {
		return
	}
	secret = secret || c.p.isSecret(o.Code)
	c.measured(o.Code, o.Value.Quantity, secret)
	for i := range o.Components {
		c.measured(o.Components[i].Code, o.Components[i].Value.Quantity, secret)
	}
}

// measured compares a value with what a living person can have. One that is
// out of these bounds, and usual in another of the observation's units, was
// likely measured in that.
func (c *checker) measured(code terms.Code, q *record.Quantity, secret bool) {
	i, ok := c.t.values[code]
	if !ok || q == nil {
		return
	}
	r := &c.t.ranges[i]
	v, known := r.in(q)
	if !known || v >= r.low && v <= r.high {
		return
	}
	it := item{code: code, secret: secret}
	about := func(key string, fields ...string) {
		c.add(Alert{
			Rule: r.rule, Kind: record.AlertValue, Severity: Warn, Source: r.source,
			Text: c.t.say(key, func(i int) []string {
				return append([]string{"a", it.called(languages[i]), "n", figure(amount(q)), "unit", orUnit(q.Unit, r.unit)}, fields...)
			}),
		}, &it)
	}
	given := orUnit(q.Unit, r.unit)
	for _, unit := range append([]string{r.unit}, r.others...) {
		meant, err := terms.Convert(code, amount(q), unit, r.unit)
		if unit != given && err == nil && meant >= r.usualLow && meant <= r.usualHigh {
			about("value-unit", "other", unit)
			return
		}
	}
	about("value", "min", figure(r.low), "max", figure(r.high), "other", r.unit)
}

func orUnit(unit, usual string) string {
	if unit == "" {
		return usual
	}
	return unit
}

// in returns a quantity in the range's unit; false when it cannot be had.
func (r *valueRange) in(q *record.Quantity) (float64, bool) {
	v, err := terms.Convert(r.code, amount(q), orUnit(q.Unit, r.unit), r.unit)
	return v, err == nil
}
