package fhir

import (
	"github.com/dhamani-iq/dhamani/record"
)

type observation struct {
	ResourceType string `json:"resourceType"`
	named
	Meta      *meta       `json:"meta,omitempty"`
	Status    string      `json:"status"`
	Category  []concept   `json:"category,omitempty"`
	Code      *concept    `json:"code,omitempty"`
	Subject   *reference  `json:"subject,omitempty"`
	Encounter *reference  `json:"encounter,omitempty"`
	Effective string      `json:"effectiveDateTime,omitempty"`
	Period    *period     `json:"effectivePeriod,omitempty"`
	Instant   string      `json:"effectiveInstant,omitempty"`
	Performer []reference `json:"performer,omitempty"`
	valueX
	AbsentReason   *concept     `json:"dataAbsentReason,omitempty"`
	Interpretation []concept    `json:"interpretation,omitempty"`
	Note           []annotation `json:"note,omitempty"`
	Component      []component  `json:"component,omitempty"`
}

type component struct {
	Code *concept `json:"code,omitempty"`
	valueX
	AbsentReason   *concept  `json:"dataAbsentReason,omitempty"`
	Interpretation []concept `json:"interpretation,omitempty"`
}

// value reads value[x]: a quantity, a concept, words, a boolean or an integer
// as they are; a range, a ratio, a time and an amount with a comparator as
// words.
func (j *job) value(v *valueX, code record.Code) (record.Value, error) {
	var out record.Value
	switch {
	case v.Quantity != nil && v.Quantity.Comparator != "":
		out.Text = words(v.Quantity)
		j.lose("valueQuantity.comparator (as words)")
	case v.Quantity != nil:
		if out.Quantity = j.measured(v.Quantity, code, "valueQuantity"); out.Quantity == nil && v.Quantity.Value != "" {
			out.Text = words(v.Quantity)
			j.lose("valueQuantity (as words)")
		}
	case v.Concept != nil:
		out.Code = j.optCode(v.Concept, preferFinding, "valueCodeableConcept")
	case v.String != "":
		out.Text = j.words(v.String, noteLimit, "valueString")
	case v.Bool != nil:
		out.Bool = v.Bool
	case v.Integer != nil:
		out.Quantity = j.quantity(&quantity{Value: *v.Integer}, "valueInteger")
	case v.Range != nil:
		out.Text = words(v.Range.Low) + " – " + words(v.Range.High)
		j.lose("valueRange (as words)")
	case v.Ratio != nil:
		out.Text = words(v.Ratio.Numerator) + " : " + words(v.Ratio.Denominator)
		j.lose("valueRatio (as words)")
	case v.Time != "" || v.DateTime != "":
		out.Text = v.Time + v.DateTime
		j.lose("valueDateTime (as words)")
	case v.Absent != nil || v.Period != nil:
		return out, errString("value of a kind that cannot be carried")
	default:
		return out, nil
	}
	if out.Text != "" {
		out.Text = j.words(out.Text, noteLimit, "value")
	}
	if out.IsZero() {
		return out, errString("value that cannot be carried")
	}
	return out, nil
}

func words(q *quantity) string {
	if q == nil {
		return ""
	}
	unit := q.Unit
	if unit == "" {
		unit = q.Code
	}
	if unit != "" {
		unit = " " + unit
	}
	return q.Comparator + q.Value.String() + unit
}

func (j *job) interpretation(list []concept) record.Interpretation {
	j.loseIf(len(list) > 1, "interpretation (further)")
	if len(list) == 0 {
		return record.InterpretationNotSaid
	}
	v, ok := enum(j, list[0].token(), "interpretation", record.InterpretationNotSaid)
	j.loseIf(!ok, "interpretation")
	return v
}

func (j *job) category(list []concept) record.Category {
	category := record.CategoryOther
	for i := range list {
		name := list[i].token()
		if name == "vital-sign" { // a common slip
			name = "vital-signs"
		}
		var c record.Category
		if name != "" && c.UnmarshalText([]byte(name)) == nil && category == record.CategoryOther {
			category = c
			continue
		}
		j.lose("category (further, or unknown)")
	}
	return category
}

// read makes an observation of a resource, without its time.
func (j *job) observe(v *observation) (record.Observation, error) {
	o := record.Observation{Sensitive: j.secret, Category: j.category(v.Category)}
	var ok bool
	if o.Code, ok = j.code(v.Code, preferFinding, "code"); !ok {
		return o, errNoCode
	}
	o.Status, _ = enum(j, v.Status, "status", record.ObservationFinal)
	o.Interpretation = j.interpretation(v.Interpretation)
	o.Note = j.note(v.Note, "note")
	var err error
	if o.Value, err = j.value(&v.valueX, o.Code); err != nil {
		return o, err
	}
	for i := range v.Component {
		c := &v.Component[i]
		code, ok := j.code(c.Code, preferFinding, "component.code")
		value, err := j.value(&c.valueX, code)
		if !ok || err != nil || len(o.Components) == 32 {
			j.lose("component")
			continue
		}
		j.loseIf(c.AbsentReason != nil && (c.AbsentReason.token() != "unknown" || !value.IsZero()), "component.dataAbsentReason")
		o.Components = append(o.Components, record.Component{
			Code: code, Value: value, Interpretation: j.interpretation(c.Interpretation),
		})
	}
	unknown := v.AbsentReason.absent() && v.AbsentReason.token() == "unknown"
	if o.Value.IsZero() && len(o.Components) == 0 && o.Note == "" && o.Interpretation == 0 && !unknown {
		return o, errString("no value")
	}
	j.loseIf(v.AbsentReason != nil && (!unknown || !o.Value.IsZero()), "dataAbsentReason")
	return o, nil
}

func (v *observation) time(j *job) record.Moment {
	m := first(j.moment(v.Effective, "effectiveDateTime"), j.moment(v.Instant, "effectiveInstant"))
	if v.Period != nil {
		m = j.moment(v.Period.Start, "effectivePeriod")
		j.loseIf(v.Period.End != "" && v.Period.End != v.Period.Start, "effectivePeriod.end")
	}
	return m
}

func (im *importer) observation(j *job) error {
	if taken, seen := im.panelled[j.res]; seen {
		if !taken {
			return errString("value of a kind that cannot be carried")
		}
		for _, p := range im.lost[j.res] {
			j.lose(p)
		}
		return nil
	}
	v, err := parse[observation](j)
	if err != nil {
		return err
	}
	o, err := j.observe(v)
	if err != nil {
		return err
	}
	measured := v.time(j)
	e, err := j.entry(v.Encounter, measured)
	if err != nil {
		return err
	}
	o.At = at(measured, e)
	e.Observations = append(e.Observations, o)
	return nil
}

func (x *exporter) observation(o *record.Observation, e *record.Entry, visit *reference) *reference {
	v := observation{
		ResourceType: "Observation", Meta: label(o.Sensitive), Status: o.Status.String(), Code: exportCode(o.Code),
		Subject: x.patient, Encounter: visit, Effective: when(o.At, e), valueX: exportValue(&o.Value), Note: notes(o.Note),
		Interpretation: exportInterpretation(o.Interpretation), Performer: x.performer(),
	}
	if o.Category != record.CategoryOther {
		v.Category = []concept{*single(uriObsCat, o.Category.String())}
	}
	for i := range o.Components {
		c := &o.Components[i]
		p := component{
			Code: exportCode(c.Code), valueX: exportValue(&c.Value), Interpretation: exportInterpretation(c.Interpretation),
		}
		if c.Value.IsZero() {
			p.AbsentReason = unknownConcept()
		}
		v.Component = append(v.Component, p)
	}
	if o.Value.IsZero() && len(o.Components) == 0 { // the summary's profile demands a reason
		v.AbsentReason = unknownConcept()
	}
	return x.add(&v, "Observation", o)
}

// performer is who made an observation. The summary's profile demands one, be
// it unknown.
func (x *exporter) performer() []reference {
	if ref := x.signer.performer(); ref != nil {
		return []reference{*ref}
	}
	if x.doc == nil {
		return nil
	}
	return []reference{{Extension: []extension{{URL: extAbsent, Code: "unknown"}}}}
}

func exportValue(v *record.Value) valueX {
	return valueX{Quantity: exportQuantity(v.Quantity), Concept: exportOptCode(v.Code), String: v.Text, Bool: v.Bool}
}

func exportInterpretation(i record.Interpretation) []concept {
	if i == record.InterpretationNotSaid {
		return nil
	}
	return []concept{*single(uriInterpret, i.String())}
}

type diagnosticReport struct {
	ResourceType string `json:"resourceType"`
	named
	Meta       *meta       `json:"meta,omitempty"`
	Status     string      `json:"status"`
	Category   []concept   `json:"category,omitempty"`
	Code       *concept    `json:"code,omitempty"`
	Subject    *reference  `json:"subject,omitempty"`
	Encounter  *reference  `json:"encounter,omitempty"`
	Effective  string      `json:"effectiveDateTime,omitempty"`
	Period     *period     `json:"effectivePeriod,omitempty"`
	Result     []reference `json:"result,omitempty"`
	Conclusion string      `json:"conclusion,omitempty"`
}

// diagnosticReport makes a panel of a report and the observations that it
// refers to, or, of a report with nothing but a conclusion, an observation.
func (im *importer) diagnosticReport(j *job) error {
	v, err := parse[diagnosticReport](j)
	if err != nil {
		return err
	}
	p := record.Panel{Sensitive: j.secret}
	var ok bool
	if p.Code, ok = j.code(v.Code, preferFinding, "code"); !ok {
		return errNoCode
	}
	for i := range v.Category {
		j.loseIf(v.Category[i].token() != "LAB", "category")
	}
	status := v.Status
	if status == "partial" {
		status = "preliminary"
		j.lose("status")
	}
	p.Status, _ = enum(j, status, "status", record.ObservationFinal)
	p.Conclusion = j.words(v.Conclusion, noteLimit, "conclusion")
	done := (&observation{Effective: v.Effective, Period: v.Period}).time(j)
	e, err := j.entry(v.Encounter, done)
	if err != nil {
		return err
	}
	p.At = at(done, e)
	for i := range v.Result {
		im.member(j, &p, e, &v.Result[i])
	}
	switch {
	case len(p.Observations) > 0:
		for i := range p.Observations {
			p.Sensitive = p.Sensitive || p.Observations[i].Sensitive
		}
		for i := range p.Observations {
			p.Observations[i].Sensitive = p.Sensitive
		}
		e.Panels = append(e.Panels, p)
	case p.Conclusion != "":
		e.Observations = append(e.Observations, record.Observation{
			Code: p.Code, At: p.At, Status: p.Status, Value: record.Value{Text: p.Conclusion}, Sensitive: p.Sensitive,
		})
		j.lose("conclusion (as an observation)")
	default:
		return errString("neither results that can be carried nor a conclusion")
	}
	return nil
}

// member takes a result into a panel, unless it is another panel's, or of
// another encounter.
func (im *importer) member(j *job, p *record.Panel, e *record.Entry, ref *reference) {
	x := im.resolve(ref, "Observation")
	if x == nil || im.admit(x) != nil {
		j.lose("result")
		return
	}
	if _, taken := im.panelled[x]; taken {
		j.lose("result (of another report too)")
		return
	}
	sub := &job{im: im, res: x}
	v, err := parse[observation](sub)
	if err != nil {
		j.lose("result")
		return
	}
	if visit := im.resolve(v.Encounter, "Encounter"); visit != nil && im.encounter[visit] != e {
		j.lose("result (of another encounter)")
		return
	}
	o, err := sub.observe(v)
	if err != nil {
		im.panelled[x] = false
		j.lose("result")
		return
	}
	o.At = at(v.time(sub), e)
	p.Observations = append(p.Observations, o)
	im.panelled[x] = true
	im.lost[x] = sub.left
}

func (x *exporter) panel(p *record.Panel, e *record.Entry, visit *reference) *reference {
	v := diagnosticReport{
		ResourceType: "DiagnosticReport", Meta: label(p.Sensitive), Status: p.Status.String(), Code: exportCode(p.Code),
		Category: []concept{*single(uriV20074, "LAB")}, Subject: x.patient, Encounter: visit, Effective: when(p.At, e),
		Conclusion: p.Conclusion,
	}
	for i := range p.Observations {
		v.Result = append(v.Result, *x.observation(&p.Observations[i], e, visit))
	}
	return x.add(&v, "DiagnosticReport", p)
}
