package fhir

import (
	"math"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

type condition struct {
	ResourceType string `json:"resourceType"`
	named
	ID           string       `json:"id,omitempty"`
	Meta         *meta        `json:"meta,omitempty"`
	Extension    []extension  `json:"extension,omitempty"`
	Clinical     *concept     `json:"clinicalStatus,omitempty"`
	Verification *concept     `json:"verificationStatus,omitempty"`
	Category     []concept    `json:"category,omitempty"`
	Severity     *concept     `json:"severity,omitempty"`
	Code         *concept     `json:"code,omitempty"`
	Subject      *reference   `json:"subject,omitempty"`
	Encounter    *reference   `json:"encounter,omitempty"`
	Onset        string       `json:"onsetDateTime,omitempty"`
	OnsetPeriod  *period      `json:"onsetPeriod,omitempty"`
	Abatement    string       `json:"abatementDateTime,omitempty"`
	Recorded     string       `json:"recordedDate,omitempty"`
	Note         []annotation `json:"note,omitempty"`
}

// severities by SNOMED CT code.
var severities = map[string]record.Severity{
	"255604002": record.SeverityMild, "6736007": record.SeverityModerate, "24484000": record.SeveritySevere,
}

func (im *importer) condition(j *job) error {
	v, err := parse[condition](j)
	if err != nil {
		return err
	}
	if v.Code.absent() {
		return errAbsent
	}
	d := record.Diagnosis{Sensitive: j.secret}
	var ok bool
	if d.Code, ok = j.code(v.Code, preferProblem, "code"); !ok {
		return errNoCode
	}
	d.Status, _ = state(j, v.Clinical, "clinicalStatus", record.ConditionActive)
	d.Certainty = j.certainty(v.Verification)
	for i := range v.Extension {
		if x := &v.Extension[i]; x.URL != extStatus || !spelt(&d.Status, x.Code) {
			j.lose("extension")
		}
	}
	if v.Severity != nil {
		s, ok := severities[v.Severity.token()]
		d.Severity = s
		j.loseIf(!ok, "severity")
	}
	for i := range v.Category {
		switch v.Category[i].token() {
		case "problem-list-item":
			d.Chronic = true
		case "encounter-diagnosis":
		default:
			j.lose("category")
		}
	}
	recorded := j.moment(v.Recorded, "recordedDate")
	d.Onset = j.moment(v.Onset, "onsetDateTime")
	if v.OnsetPeriod != nil {
		d.Onset = j.moment(v.OnsetPeriod.Start, "onsetPeriod")
		j.loseIf(v.OnsetPeriod.End != "", "onsetPeriod.end")
	}
	d.End = j.moment(v.Abatement, "abatementDateTime")
	d.Note = j.note(v.Note, "note")
	e, err := j.entry(v.Encounter, first(recorded, d.Onset))
	if err != nil {
		return err
	}
	d.At = at(recorded, e)
	e.Diagnoses = append(e.Diagnoses, d)
	return nil
}

func (x *exporter) diagnosis(d *record.Diagnosis, e *record.Entry, visit *reference) *reference {
	v := condition{
		ResourceType: "Condition", Meta: label(d.Sensitive), Clinical: single(uriClinical, d.Status.String()),
		Verification: single(uriVerStatus, d.Certainty.String()), Code: exportCode(d.Code), Subject: x.patient,
		Encounter: visit, Onset: d.Onset.String(), Abatement: d.End.String(), Recorded: when(d.At, e), Note: notes(d.Note),
	}
	// The standard's rules con-4 and con-5.
	if status := d.Status.String(); d.Certainty == record.EnteredInError {
		v.Clinical = nil
		if d.Status != record.ConditionActive {
			v.Extension = []extension{{URL: extStatus, Code: status}}
		}
	} else if !d.End.IsZero() && d.Status < record.ConditionInactive {
		v.Clinical, v.Extension = single(uriClinical, record.ConditionInactive.String()), []extension{{URL: extStatus, Code: status}}
	}
	if d.Chronic {
		v.Category = []concept{*single(uriCondCat, "problem-list-item")}
	}
	for code, s := range severities {
		if s == d.Severity {
			v.Severity = single(terms.SNOMED.URI(), code)
		}
	}
	ref := x.add(&v, "Condition", d)
	if x.problems[d.Code] == nil {
		x.problems[d.Code] = ref
	}
	return ref
}

type procedure struct {
	ResourceType string `json:"resourceType"`
	named
	Meta       *meta        `json:"meta,omitempty"`
	Status     string       `json:"status"`
	Code       *concept     `json:"code,omitempty"`
	Subject    *reference   `json:"subject,omitempty"`
	Encounter  *reference   `json:"encounter,omitempty"`
	DateTime   string       `json:"performedDateTime,omitempty"`
	Period     *period      `json:"performedPeriod,omitempty"`
	ReasonCode []concept    `json:"reasonCode,omitempty"`
	ReasonRef  []reference  `json:"reasonReference,omitempty"`
	BodySite   []concept    `json:"bodySite,omitempty"`
	Note       []annotation `json:"note,omitempty"`
}

func (im *importer) procedure(j *job) error {
	v, err := parse[procedure](j)
	if err != nil {
		return err
	}
	if v.Code.absent() {
		return errAbsent
	}
	p := record.Procedure{Sensitive: j.secret}
	var ok bool
	if p.Code, ok = j.code(v.Code, preferProcedure, "code"); !ok {
		return errNoCode
	}
	p.Status, _ = enum(j, v.Status, "status", record.ProcedureCompleted)
	done := j.moment(v.DateTime, "performedDateTime")
	if v.Period != nil {
		done = j.moment(v.Period.Start, "performedPeriod")
		if end := j.moment(v.Period.End, "performedPeriod"); !end.IsZero() && !done.IsZero() {
			if d := end.Time.Sub(done.Time) / time.Minute; d >= 0 && d <= math.MaxUint32 && end.Precision == record.ToMinute {
				p.Minutes = uint32(d) // #nosec G115 -- bounded
			} else {
				j.lose("performedPeriod.end")
			}
		}
	}
	p.Reasons = j.reasons(v.ReasonCode, v.ReasonRef, "reason")
	if len(v.BodySite) > 0 {
		p.BodySite = j.optCode(&v.BodySite[0], preferProcedure, "bodySite")
		j.loseIf(len(v.BodySite) > 1, "bodySite (further)")
	}
	p.Note = j.note(v.Note, "note")
	e, err := j.entry(v.Encounter, done)
	if err != nil {
		return err
	}
	p.At = at(done, e)
	e.Procedures = append(e.Procedures, p)
	return nil
}

func (x *exporter) procedure(p *record.Procedure, e *record.Entry, visit *reference) *reference {
	v := procedure{
		ResourceType: "Procedure", Meta: label(p.Sensitive), Status: p.Status.String(), Code: exportCode(p.Code),
		Subject: x.patient, Encounter: visit, DateTime: when(p.At, e), ReasonCode: exportCodes(p.Reasons), Note: notes(p.Note),
	}
	if p.Minutes > 0 {
		start := e.Start
		if !p.At.IsZero() {
			start = p.At.Time
		}
		v.Period = &period{Start: when(p.At, e), End: stamp(start.Add(time.Duration(p.Minutes) * time.Minute))}
		v.DateTime = ""
	}
	if p.BodySite != nil {
		v.BodySite = []concept{*exportCode(*p.BodySite)}
	}
	return x.add(&v, "Procedure", p)
}

type immunization struct {
	ResourceType string `json:"resourceType"`
	named
	Status     string     `json:"status"`
	Vaccine    *concept   `json:"vaccineCode,omitempty"`
	Patient    *reference `json:"patient,omitempty"`
	Encounter  *reference `json:"encounter,omitempty"`
	Occurrence string     `json:"occurrenceDateTime,omitempty"`
	Primary    *bool      `json:"primarySource,omitempty"`
	Lot        string     `json:"lotNumber,omitempty"`
	Site       *concept   `json:"site,omitempty"`
	Route      *concept   `json:"route,omitempty"`
	Protocol   []protocol `json:"protocolApplied,omitempty"`
}

type protocol struct {
	Dose int `json:"doseNumberPositiveInt,omitempty"`
}

func (im *importer) immunization(j *job) error {
	v, err := parse[immunization](j)
	if err != nil {
		return err
	}
	switch {
	case j.secret:
		return errLabel
	case v.Vaccine.absent():
		return errAbsent
	}
	var m record.Immunisation
	var ok bool
	if m.Vaccine, ok = j.code(v.Vaccine, preferVaccine, "vaccineCode"); !ok {
		return errNoCode
	}
	m.Status, _ = enum(j, v.Status, "status", record.ImmunisationCompleted)
	m.Lot = j.exact(v.Lot, codeLimit, "lotNumber")
	m.Site = j.optCode(v.Site, preferProcedure, "site")
	m.Route = j.route(v.Route)
	j.loseIf(v.Primary != nil && !*v.Primary, "primarySource")
	for i, p := range v.Protocol {
		if i > 0 || p.Dose < 0 || p.Dose > math.MaxUint8 {
			j.lose("protocolApplied")
			continue
		}
		m.Dose = uint8(p.Dose) // #nosec G115 -- bounded
	}
	given := j.moment(v.Occurrence, "occurrenceDateTime")
	e, err := j.entry(v.Encounter, given)
	if err != nil {
		return err
	}
	m.At = at(given, e)
	e.Immunisations = append(e.Immunisations, m)
	return nil
}

func (x *exporter) immunisation(m *record.Immunisation, e *record.Entry, visit *reference) *reference {
	v := immunization{
		ResourceType: "Immunization", Status: m.Status.String(), Vaccine: exportCode(m.Vaccine), Patient: x.patient,
		Encounter: visit, Occurrence: when(m.At, e), Lot: m.Lot, Site: exportOptCode(m.Site), Route: exportRoute(m.Route),
	}
	if m.Dose > 0 {
		v.Protocol = []protocol{{Dose: int(m.Dose)}}
	}
	return x.add(&v, "Immunization", m)
}
