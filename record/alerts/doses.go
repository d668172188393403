package alerts

import (
	"maps"
	"slices"
	"strings"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/ucum"
)

// Bounds of what is counted, not weighed.
const (
	mostAtOnce = 10 // tablets
	mostInADay = 40
)

// How many times over its bound a dose must be to be a slip of the unit, or
// to be dangerous beyond doubt.
const (
	slip     = 20
	twofold  = 2
	rounding = 1.001
)

// Of a child, in months: doses by weight hold below, those of grown-ups above.
const grownUp = 12 * 12

// doses looks at how much of each medicine the draft orders, in each of its
// lines and in all of them.
func (c *checker) doses() {
	lines := make(map[string][]course) // by the rule's ATC code
	for i := range c.draft.Prescriptions {
		x := &c.draft.Prescriptions[i]
		if x.Dose == nil || x.Status >= record.MedicationCancelled && x.Status != record.MedicationDraft && x.Status != record.MedicationIntended {
			continue
		}
		it := c.t.item(x.Medicine)
		it.fresh, it.secret = true, x.Sensitive || c.p.isSecret(x.Medicine)
		if counts(x.Dose.Unit) {
			c.counted(x, &it)
		}
		if len(it.atc) == 0 || it.topical || x.Route == record.RouteTopical || x.Route == record.RouteInhaled {
			continue
		}
		d, ok := c.t.doses[it.atc[0]] // of a combination its own, not its ingredients'
		if once, err := ucum.Convert(amount(x.Dose), x.Dose.Unit, d.unit); ok && err == nil && once > 0 {
			if c.dosed(x, &it, &d, once) {
				lines[d.atc] = append(lines[d.atc], c.course(x, &it, &d, once))
			}
		}
	}
	for _, atc := range slices.Sorted(maps.Keys(lines)) {
		if all := lines[atc]; len(all) > 1 {
			c.together(all)
		}
	}
}

func (c *checker) counted(x *record.Prescription, it *item) {
	n := amount(x.Dose)
	if n <= mostAtOnce && n*perDay(x.Frequency) <= mostInADay {
		return
	}
	c.doseAlert("dose-count", "dose-count", Warn, c.t.sources["own"], []*item{it}, "n", figure(n))
}

func (c *checker) doseAlert(rule, phrase string, s Severity, source string, of []*item, fields ...string) {
	c.add(Alert{
		Rule: rule, Kind: record.AlertDose, Severity: s, Source: source,
		Text: c.t.say(phrase, func(i int) []string { return append([]string{"a", of[0].called(languages[i])}, fields...) }),
	}, of...)
}

// dosed compares one dose, in the rule's unit, and what it comes to. Of several
// bounds that it exceeds the first of the loudest is told. It reports false for
// a dose that cannot be meant: that is no part of a sum.
func (c *checker) dosed(x *record.Prescription, it *item, d *dose, once float64) bool {
	times := perDay(x.Frequency)
	alert := func(phrase string, s Severity, fields ...string) {
		c.doseAlert(d.rule(), phrase, s, d.source, []*item{it}, append(fields, "unit", d.unit)...)
	}
	if unit := slipped(once, d, x.Dose.Unit); unit != "" {
		alert("dose-unit", Stop, "n", figure(amount(x.Dose)), "given", x.Dose.Unit, "other", unit)
		return false
	}
	if d.weekly && times >= 0.5 {
		alert("dose-weekly", Stop, "n", figure(once))
		return false
	}
	daily := d.daily(once, times)
	loudest := bound{}
	exceeded := func(phrase string, given, most float64, fields ...string) {
		if most > 0 && given > rounding*most && (loudest.phrase == "" || loudness(given/most) > loudness(loudest.over)) {
			loudest = bound{phrase, given / most, append([]string{"n", figure(given), "max", figure(most)}, fields...)}
		}
	}
	if c.child(d) {
		exceeded("dose-child", daily, c.p.kilograms*d.childDay, "kg", figure(c.p.kilograms))
	}
	exceeded("dose-once", once, d.most)
	exceeded("dose-day", daily, d.day)
	if loudest.phrase != "" {
		alert(loudest.phrase, loudness(loudest.over), loudest.fields...)
	}
	return true
}

// rule is the name under which alerts about a dose go.
func (d *dose) rule() string { return "dose-" + strings.ToLower(d.atc) }

// daily is what a dose comes to in a day, or in a week of what is taken weekly.
func (d *dose) daily(once, times float64) float64 {
	if d.weekly {
		return once * times * 7
	}
	return max(once*times, once) // it is taken on one day at least
}

// bound is one that a dose exceeds, and how many times over.
type bound struct {
	phrase string
	over   float64
	fields []string
}

// child reports whether the bound by weight holds.
func (c *checker) child(d *dose) bool {
	return c.p.youngest >= 0 && c.p.youngest < grownUp && c.p.kilograms > 0 && d.childDay > 0
}

func loudness(over float64) Severity {
	if over > twofold*rounding {
		return Stop
	}
	return Warn
}

// slipped returns the unit that was meant when a dose is far out of its bounds
// but within them in another unit of mass; once is in the rule's unit.
func slipped(once float64, d *dose, unit string) string {
	if d.least == 0 || d.most == 0 {
		return ""
	}
	fits := func(v float64) bool { return v >= d.least/rounding && v <= d.most*rounding }
	if once > slip*d.most && fits(once/1000) {
		return map[string]string{"g": "mg", "mg": "ug", "ug": "ng"}[unit]
	}
	if once*slip < d.least && fits(once*1000) {
		return map[string]string{"ng": "ug", "ug": "mg", "mg": "g"}[unit]
	}
	return ""
}
