package record

import (
	"fmt"
	"time"
)

// checker gathers the first thing wrong. Its texts name the field, never what
// is in it.
type checker struct {
	err   error
	later bool // codes and units are looked at as they are written
}

func (c *checker) fail(field, why string) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: %s: %w", field, why, ErrInvalid)
	}
}

func (c *checker) code(field string, v *Code) {
	if !c.later {
		c.known(field, v)
	}
}

func (c *checker) known(field string, v *Code) {
	if c.err == nil && v.Validate() != nil {
		c.fail(field, "code is empty, too long or of an unknown system")
	}
}

func (c *checker) optCode(field string, v *Code) {
	if v != nil {
		c.code(field, v)
	}
}

func (c *checker) codes(field string, vs []Code, limit int) {
	c.count(field, len(vs), limit)
	for i := range vs {
		c.code(field, &vs[i])
	}
}

func (c *checker) count(field string, n, limit int) {
	if n > limit {
		c.fail(field, "too many")
	}
}

// text admits an empty string.
func (c *checker) text(field, s string, limit int) {
	if s != "" {
		c.needText(field, s, limit)
	}
}

func (c *checker) needText(field, s string, limit int) {
	if !cleanText(s, limit) {
		c.fail(field, "text is empty, too long or not clean UTF-8")
	}
}

func (c *checker) moment(field string, m *Moment) {
	if !m.IsZero() {
		c.said(field, m)
	}
}

func (c *checker) said(field string, m *Moment) {
	if !m.valid() || !m.exact() {
		c.fail(field, "time is out of range or finer than its precision")
	}
}

// exact reports whether nothing is finer than the precision.
func (m *Moment) exact() bool {
	at := m.Time.Unix()
	switch {
	case m.Time.Nanosecond() != 0:
		return false
	case m.Precision == ToMinute:
		return at%60 == 0
	case at%(24*60*60) != 0:
		return false
	}
	_, month, day := m.Time.UTC().Date()
	return m.Precision == ToDay || day == 1 && (m.Precision == ToMonth || month == time.January)
}

// choice looks at what is not the default, which every list has.
func choice[S enumNames](c *checker, field string, e Enum[S]) {
	if e != 0 {
		choose(c, field, e)
	}
}

func choose[S enumNames](c *checker, field string, e Enum[S]) {
	if !e.Valid() {
		c.fail(field, "unknown choice")
	}
}

func (c *checker) quantity(field string, q *Quantity) {
	if q == nil {
		return
	}
	if !q.Value.Valid() {
		c.fail(field, "number out of range")
	}
	if !c.later {
		c.text(field, q.Unit, maxUnit)
	}
}

func (c *checker) value(field string, v *Value) {
	if v.Quantity != nil && v.Code == nil && v.Text == "" && v.Bool == nil {
		c.quantity(field, v.Quantity)
		return
	}
	if rank(v.Quantity != nil)+rank(v.Code != nil)+rank(v.Text != "")+rank(v.Bool != nil) > 1 {
		c.fail(field, "more than one value")
	}
	c.optCode(field, v.Code)
	c.text(field, v.Text, maxNote)
}

// Validate owes ErrInvalid for anything that could not be stored and read
// again as it is. An error names the field, never its content.
func (e *Entry) Validate() error {
	var c checker
	c.entry(e)
	return c.err
}

func (c *checker) entry(e *Entry) {
	c.start(e.Start)
	if e.Person > maxPerson || e.Part > maxPart {
		c.fail("person or part", "out of range")
	}
	choice(c, "class", e.Class)
	c.optCode("type", e.Type)
	c.codes("reasons", e.Reasons, maxReasons)
	c.cost(e.Cost)
	c.count("allergies", len(e.Allergies), maxItems)
	for i := range e.Allergies {
		c.allergy(&e.Allergies[i])
	}
	c.medicines(e)
	c.laboratory(e)
	c.clinical(e)
	c.extensions(e.Extensions)
}

func (c *checker) start(t time.Time) {
	const year = 365 * 24 * 60 * 60
	if at := t.Unix(); at < earliest+year || at >= latest-year {
		c.fail("start", "missing or out of range")
	}
}

// panelled looks at the number of a panel's observations.
func (c *checker) panelled(x *Panel) {
	if len(x.Observations) == 0 {
		c.fail("panels.observations", "empty")
	}
	c.count("panels.observations", len(x.Observations), maxItems)
}

func (c *checker) cost(x *Cost) {
	if x == nil {
		return
	}
	if !x.Total.Valid() || x.Patient != nil && (!x.Patient.Valid() || x.Patient.Scale != x.Total.Scale) {
		c.fail("cost", "number out of range, or two scales")
	}
	choice(c, "cost.service", x.Service)
	if x.Currency != "" && (len(x.Currency) != 3 || x.Currency == "IQD" || !capitals(x.Currency)) {
		c.fail("cost.currency", "not three capitals, or IQD, which is left empty")
	}
}

func capitals(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

func (c *checker) allergy(x *Allergy) {
	c.code("allergies.code", &x.Code)
	choice(c, "allergies.kind", x.Kind)
	choice(c, "allergies.group", x.Group)
	choice(c, "allergies.criticality", x.Criticality)
	choice(c, "allergies.severity", x.Severity)
	choice(c, "allergies.status", x.Status)
	choice(c, "allergies.certainty", x.Certainty)
	c.codes("allergies.reactions", x.Reactions, maxReactions)
	c.moment("allergies.at", &x.At)
	c.moment("allergies.onset", &x.Onset)
	c.text("allergies.note", x.Note, maxNote)
}

func (c *checker) medicines(e *Entry) {
	c.count("prescriptions", len(e.Prescriptions), maxItems)
	for i := range e.Prescriptions {
		x := &e.Prescriptions[i]
		c.code("prescriptions.medicine", &x.Medicine)
		choice(c, "prescriptions.status", x.Status)
		choice(c, "prescriptions.route", x.Route)
		c.frequency("prescriptions.frequency", x.Frequency)
		c.moment("prescriptions.at", &x.At)
		c.quantity("prescriptions.dose", x.Dose)
		c.quantity("prescriptions.quantity", x.Quantity)
		c.codes("prescriptions.reasons", x.Reasons, maxReasons)
		c.text("prescriptions.directions", x.Directions, maxNote)
	}
}

func (c *checker) frequency(field string, f Frequency) {
	choice(c, field, f.Unit)
	if f != (Frequency{}) && (f.Times == 0 || f.Period == 0) {
		c.fail(field, "times and period must both be given")
	}
}

func (c *checker) laboratory(e *Entry) {
	c.count("observations", len(e.Observations), maxItems)
	for i := range e.Observations {
		c.observation(&e.Observations[i])
	}
	c.count("panels", len(e.Panels), maxItems)
	for i := range e.Panels {
		x := &e.Panels[i]
		c.code("panels.code", &x.Code)
		c.moment("panels.at", &x.At)
		choice(c, "panels.status", x.Status)
		c.text("panels.conclusion", x.Conclusion, maxNote)
		c.panelled(x)
		for j := range x.Observations {
			if x.Observations[j].Sensitive != x.Sensitive {
				c.fail("panels.observations", "a panel is sensitive as a whole")
			}
			c.observation(&x.Observations[j])
		}
	}
}

func (c *checker) observation(x *Observation) {
	c.code("observations.code", &x.Code)
	choice(c, "observations.category", x.Category)
	choice(c, "observations.interpretation", x.Interpretation)
	choice(c, "observations.status", x.Status)
	c.value("observations.value", &x.Value)
	c.moment("observations.at", &x.At)
	c.text("observations.note", x.Note, maxNote)
	c.count("observations.components", len(x.Components), maxComponents)
	for i := range x.Components {
		p := &x.Components[i]
		c.code("observations.components.code", &p.Code)
		c.value("observations.components.value", &p.Value)
		choice(c, "observations.components.interpretation", p.Interpretation)
	}
}

func (c *checker) clinical(e *Entry) {
	c.count("diagnoses", len(e.Diagnoses), maxItems)
	for i := range e.Diagnoses {
		x := &e.Diagnoses[i]
		c.code("diagnoses.code", &x.Code)
		choice(c, "diagnoses.status", x.Status)
		choice(c, "diagnoses.certainty", x.Certainty)
		choice(c, "diagnoses.severity", x.Severity)
		c.moment("diagnoses.at", &x.At)
		c.moment("diagnoses.onset", &x.Onset)
		c.moment("diagnoses.end", &x.End)
		c.text("diagnoses.note", x.Note, maxNote)
	}
	c.count("procedures", len(e.Procedures), maxItems)
	for i := range e.Procedures {
		x := &e.Procedures[i]
		c.code("procedures.code", &x.Code)
		choice(c, "procedures.status", x.Status)
		c.moment("procedures.at", &x.At)
		c.codes("procedures.reasons", x.Reasons, maxReasons)
		c.optCode("procedures.body_site", x.BodySite)
		c.text("procedures.note", x.Note, maxNote)
	}
	c.count("immunisations", len(e.Immunisations), maxItems)
	for i := range e.Immunisations {
		x := &e.Immunisations[i]
		c.code("immunisations.vaccine", &x.Vaccine)
		choice(c, "immunisations.status", x.Status)
		choice(c, "immunisations.route", x.Route)
		c.moment("immunisations.at", &x.At)
		c.text("immunisations.lot", x.Lot, maxLot)
		c.optCode("immunisations.site", x.Site)
	}
	c.others(e)
}
