package alerts

import (
	"slices"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/record/ucum"
)

// Person is who the record is about.
type Person struct {
	Born record.Moment
	Sex  record.Sex
}

// Patient is what is known of a person at a time.
type Patient struct {
	// Locked names the sections that the reader could not open.
	Locked []string

	now       time.Time
	sex       record.Sex
	months    int // of age, as old as the person may be; negative when not known
	youngest  int // as young as the person may be
	current   *record.Summary
	secret    map[terms.Code]bool // items of the sensitive section
	overrides []given
	mild      map[terms.Code]bool      // whether an allergy was one that is, as last told
	worse     map[terms.Code]time.Time // when it was told to be no longer
	ills      set
	pregnant  bool
	weeks     int // of pregnancy, 0 when not known
	nursing   bool
	hidden    bool // what is said of pregnancy, nursing and kidneys comes from the sensitive section
	kilograms float64
	filters   float64 // filtration of the kidneys, mL/min/1.73 m2

	table     *Table
	facts     facts      // of the entries and the summary
	medicines []item     // of current, in its order
	allergies []allergen // likewise
}

// given is an override of an earlier entry.
type given struct {
	record.Override
	at time.Time
}

// How long what was observed counts.
const (
	pregnancyLasts = 42 * 7 * 24 * time.Hour
	nursingLasts   = 183 * 24 * time.Hour // after a birth, as long as nothing is said
	weightLasts    = 366 * 24 * time.Hour
	weightLastsFew = 92 * 24 * time.Hour // of a child under two
	filtersLast    = 366 * 24 * time.Hour
)

// Observations that say something of the whole patient.
var (
	loincWeight = []string{"29463-7", "3141-9", "8339-4"}
	loincFilter = []string{"33914-3", "98979-8", "62238-1", "77147-7", "48642-3"}
	loincWeeks  = "11884-4"
	loincTests  = []string{"2106-3", "2118-8"}
)

// Patient gathers what a record says of a person at a time. What an entry
// replaces is passed over. summary may be nil, entries are in any order.
func (t *Table) Patient(who Person, summary *record.Summary, entries []*record.Entry, now time.Time) *Patient {
	p := &Patient{
		now: now, sex: who.Sex, months: -1, youngest: -1, table: t,
		current: record.Current(summary, entries, now), secret: make(map[terms.Code]bool),
		mild: make(map[terms.Code]bool), worse: make(map[terms.Code]time.Time),
	}
	if !who.Born.IsZero() {
		last := who.Born.End()
		if who.Born.Precision != record.ToMinute {
			last = last.AddDate(0, 0, -1)
		}
		p.months, p.youngest = monthsBetween(who.Born.Time, now), max(monthsBetween(last, now), 0)
	}
	var f facts
	f.table = t
	for _, e := range record.Standing(entries) {
		p.remember(e)
		f.entry(e, e.Start)
	}
	for _, x := range p.current.Problems {
		p.ills.join(t.classesOf(x.Code))
		f.finding(x.Code, x.Since.Time, p.isSecret(x.Code))
	}
	f.settle(p)
	p.facts = f
	p.medicines, p.allergies = make([]item, len(p.current.Medicines)), make([]allergen, len(p.current.Allergies))
	for i := range p.current.Medicines {
		code := p.current.Medicines[i].Code
		p.medicines[i] = t.item(code)
		p.medicines[i].secret = p.isSecret(code)
	}
	for i := range p.current.Allergies {
		p.allergies[i] = allergenOf(t.item(p.current.Allergies[i].Code), &p.current.Allergies[i])
	}
	return p
}

// with returns the patient as the draft leaves them, but for the medicines.
func (p *Patient) with(draft *record.Entry) *Patient {
	next := *p
	f := p.facts
	f.entry(draft, p.now)
	for i := range draft.Diagnoses {
		if d := &draft.Diagnoses[i]; stands(d) {
			next.ills.join(p.table.classesOf(d.Code))
		}
	}
	f.settle(&next)
	return &next
}

func stands(d *record.Diagnosis) bool {
	return d.Status < record.ConditionInactive && d.End.IsZero() && d.Certainty < record.Refuted
}

// remember notes the overrides of an entry, its allergies that are worse than
// before, and what lies in its sensitive section.
func (p *Patient) remember(e *record.Entry) {
	for _, o := range e.Overrides {
		p.overrides = append(p.overrides, given{o, e.Start})
	}
	for i := range e.Allergies {
		if a := &e.Allergies[i]; !denies(a) {
			if p.mild[a.Code] && !mild(a) {
				p.worse[a.Code] = e.Start
			}
			p.mild[a.Code] = mild(a)
		}
	}
	for i := range e.Prescriptions {
		if x := &e.Prescriptions[i]; x.Sensitive {
			p.secret[x.Medicine] = true
		}
	}
	for i := range e.Diagnoses {
		if x := &e.Diagnoses[i]; x.Sensitive {
			p.secret[x.Code] = true
		}
	}
}

// isSecret reports whether a code may only stand in the sensitive section.
func (p *Patient) isSecret(c terms.Code) bool { return p.secret[c] || terms.Sensitive(c) }

// fertile reports whether the person may be, or become, pregnant, and is not
// known to be.
func (p *Patient) fertile() bool {
	return p.sex == record.SexFemale && !p.pregnant && p.months >= fertileFrom && p.youngest < fertileTo
}

// monthsBetween returns an age, -1 before the birth.
func monthsBetween(b, now time.Time) int {
	if now.Before(b) {
		return -1
	}
	n := (now.Year()-b.Year())*12 + int(now.Month()) - int(b.Month())
	if now.Day() < b.Day() {
		n--
	}
	return max(n, 0)
}

// facts are the latest findings about pregnancy, weight and kidneys.
type facts struct {
	table             *Table
	start             time.Time // of the entry that is read
	expecting         time.Time // when she was last found pregnant
	conceived         time.Time // by a count of weeks, of that pregnancy
	delivered, nursed time.Time
	weighed, filtered time.Time
	kilograms         float64
	filters           float64
	hidden            bool // one of them is sensitive
}

func (f *facts) entry(e *record.Entry, start time.Time) {
	f.start = start
	for i := range e.Diagnoses {
		if d := &e.Diagnoses[i]; stands(d) {
			f.finding(d.Code, f.at(d.At), d.Sensitive)
		}
	}
	for i := range e.Procedures {
		if x := &e.Procedures[i]; x.Status == record.ProcedureCompleted {
			f.finding(x.Code, f.at(x.At), x.Sensitive)
		}
	}
	if e.Type != nil {
		f.finding(*e.Type, start, e.Sensitive)
	}
	for i := range e.Observations {
		f.observation(&e.Observations[i], e.Observations[i].Sensitive)
	}
	for i := range e.Panels {
		for j := range e.Panels[i].Observations {
			f.observation(&e.Panels[i].Observations[j], e.Panels[i].Sensitive)
		}
	}
}

func (f *facts) at(m record.Moment) time.Time {
	if m.IsZero() {
		return f.start
	}
	return m.Time
}

// Names of the classes that the table must have for them to be found.
const (
	classPregnancy = "pregnancy"
	classBirth     = "birth"   // or another end of a pregnancy
	classNursing   = "nursing" // births, and what says that she nurses
)

func (f *facts) finding(c terms.Code, at time.Time, secret bool) {
	in := f.table.classesOf(c)
	if in.empty() {
		return
	}
	for name, to := range map[string]*time.Time{classPregnancy: &f.expecting, classBirth: &f.delivered, classNursing: &f.nursed} {
		if n, ok := f.table.index[name]; ok && in.has(n) && at.After(*to) {
			*to = at
			f.hidden = f.hidden || secret || terms.Sensitive(c)
		}
	}
}

func (f *facts) observation(o *record.Observation, secret bool) {
	if o.Code.System != terms.LOINC || o.Status == record.ObservationEnteredInError || o.Status == record.ObservationCancelled {
		return
	}
	at, code := f.at(o.At), o.Code.Value
	if slices.Contains(loincTests, code) || slices.Contains(loincFilter, code) || code == loincWeeks {
		f.hidden = f.hidden || secret || terms.Sensitive(o.Code)
	}
	q := o.Value.Quantity
	switch {
	case slices.Contains(loincTests, code):
		if positive(o) && at.After(f.expecting) {
			f.expecting = at
		}
	case q == nil || at.IsZero():
	case code == loincWeeks:
		if weeks := amount(q); weeks > 0 && weeks < 45 && !at.Before(f.expecting) {
			f.expecting, f.conceived = at, at.Add(-time.Duration(weeks*7*24)*time.Hour)
		}
	case slices.Contains(loincWeight, code):
		kg, err := ucum.Convert(amount(q), q.Unit, "kg")
		if err == nil && kg > 0.3 && kg < 400 && !at.Before(f.weighed) {
			f.weighed, f.kilograms = at, kg
		}
	case slices.Contains(loincFilter, code):
		if v := amount(q); !at.Before(f.filtered) {
			f.filtered, f.filters = at, v
		}
	}
}

// settle says what the facts mean at the patient's time.
func (f *facts) settle(p *Patient) {
	p.hidden = p.hidden || f.hidden
	fresh := func(at time.Time, lasts time.Duration) bool { return !at.IsZero() && p.now.Sub(at) < lasts }
	if p.sex != record.SexMale && (!f.expecting.IsZero() || !f.delivered.IsZero()) {
		began := f.expecting
		if !f.conceived.IsZero() && !f.conceived.After(f.expecting) && f.conceived.After(f.delivered) &&
			f.expecting.Sub(f.conceived) < pregnancyLasts { // else it was another pregnancy
			began = f.conceived
		}
		p.pregnant = fresh(began, pregnancyLasts) && f.expecting.After(f.delivered)
		p.weeks = 0
		if p.pregnant && began.Equal(f.conceived) {
			p.weeks = max(1, int(p.now.Sub(began).Hours()/(24*7)))
		}
	}
	if p.sex != record.SexMale && fresh(f.nursed, nursingLasts) {
		p.nursing = true
	}
	p.nursing = p.nursing && !p.pregnant
	lasts := weightLasts
	if p.youngest >= 0 && p.youngest < 24 {
		lasts = weightLastsFew
	}
	if fresh(f.weighed, lasts) {
		p.kilograms = f.kilograms
	}
	if fresh(f.filtered, filtersLast) {
		p.filters = f.filters
	}
}

// positive reports whether a test says yes.
func positive(o *record.Observation) bool {
	switch o.Interpretation.String() {
	case "POS", "DET":
		return true
	case "NEG", "ND":
		return false
	}
	if o.Value.Bool != nil {
		return *o.Value.Bool
	}
	word := o.Value.Text
	if c := o.Value.Code; c != nil {
		if c.System == terms.SNOMED && (c.Value == "10828004" || c.Value == "260373001") { // positive, detected
			return true
		}
		word = terms.Display(*c, "en")
	}
	return slices.Contains([]string{"positive", "pos", "+", "ايجابي", "reactive"}, strings.TrimSpace(terms.Fold(word))) || strings.TrimSpace(word) == "+"
}
