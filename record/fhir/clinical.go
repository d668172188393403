package fhir

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

type condition struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id,omitempty"`
	Meta         *meta        `json:"meta,omitempty"`
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
	d.Status, _ = enum(j, v.Clinical.token(), "clinicalStatus", record.ConditionActive)
	d.Certainty, _ = enum(j, v.Verification.token(), "verificationStatus", record.Confirmed)
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

func (x *exporter) diagnosis(d *record.Diagnosis, e *record.Entry, visit *reference) {
	v := condition{
		ResourceType: "Condition", Meta: label(d.Sensitive), Clinical: single(uriClinical, d.Status.String()),
		Verification: single(uriVerStatus, d.Certainty.String()), Code: exportCode(d.Code), Subject: x.patient,
		Encounter: visit, Onset: d.Onset.String(), Abatement: d.End.String(), Recorded: when(d.At, e), Note: notes(d.Note),
	}
	if d.Chronic {
		v.Category = []concept{*single(uriCondCat, "problem-list-item")}
	}
	for code, s := range severities {
		if s == d.Severity {
			v.Severity = single(terms.SNOMED.URI(), code)
		}
	}
	if ref := x.add(&v, "Condition"); x.problems[d.Code] == nil {
		x.problems[d.Code] = ref
	}
}

type procedure struct {
	ResourceType string       `json:"resourceType"`
	Meta         *meta        `json:"meta,omitempty"`
	Status       string       `json:"status"`
	Code         *concept     `json:"code,omitempty"`
	Subject      *reference   `json:"subject,omitempty"`
	Encounter    *reference   `json:"encounter,omitempty"`
	DateTime     string       `json:"performedDateTime,omitempty"`
	Period       *period      `json:"performedPeriod,omitempty"`
	ReasonCode   []concept    `json:"reasonCode,omitempty"`
	ReasonRef    []reference  `json:"reasonReference,omitempty"`
	BodySite     []concept    `json:"bodySite,omitempty"`
	Note         []annotation `json:"note,omitempty"`
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

func (x *exporter) procedure(p *record.Procedure, e *record.Entry, visit *reference) {
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
	x.add(&v, "Procedure")
}

type immunization struct {
	ResourceType string     `json:"resourceType"`
	Status       string     `json:"status"`
	Vaccine      *concept   `json:"vaccineCode,omitempty"`
	Patient      *reference `json:"patient,omitempty"`
	Encounter    *reference `json:"encounter,omitempty"`
	Occurrence   string     `json:"occurrenceDateTime,omitempty"`
	Primary      *bool      `json:"primarySource,omitempty"`
	Lot          string     `json:"lotNumber,omitempty"`
	Site         *concept   `json:"site,omitempty"`
	Route        *concept   `json:"route,omitempty"`
	Protocol     []protocol `json:"protocolApplied,omitempty"`
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
	m.Lot = j.words(v.Lot, codeLimit, "lotNumber")
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

func (x *exporter) immunisation(m *record.Immunisation, e *record.Entry, visit *reference) {
	v := immunization{
		ResourceType: "Immunization", Status: m.Status.String(), Vaccine: exportCode(m.Vaccine), Patient: x.patient,
		Encounter: visit, Occurrence: when(m.At, e), Lot: m.Lot, Site: exportOptCode(m.Site), Route: exportRoute(m.Route),
	}
	if m.Dose > 0 {
		v.Protocol = []protocol{{Dose: int(m.Dose)}}
	}
	x.add(&v, "Immunization")
}

type allergy struct {
	ResourceType string       `json:"resourceType"`
	Clinical     *concept     `json:"clinicalStatus,omitempty"`
	Verification *concept     `json:"verificationStatus,omitempty"`
	Type         string       `json:"type,omitempty"`
	Category     []string     `json:"category,omitempty"`
	Criticality  string       `json:"criticality,omitempty"`
	Code         *concept     `json:"code,omitempty"`
	Patient      *reference   `json:"patient,omitempty"`
	Encounter    *reference   `json:"encounter,omitempty"`
	Onset        string       `json:"onsetDateTime,omitempty"`
	Recorded     string       `json:"recordedDate,omitempty"`
	Note         []annotation `json:"note,omitempty"`
	Reaction     []reaction   `json:"reaction,omitempty"`
}

type reaction struct {
	Manifestation []concept `json:"manifestation"`
	Severity      string    `json:"severity,omitempty"`
}

func (im *importer) allergy(j *job) error {
	v, err := parse[allergy](j)
	if err != nil {
		return err
	}
	switch {
	case j.secret:
		return errLabel
	case v.Code.absent():
		return errAbsent
	}
	a := record.Allergy{Kind: record.KindNotSaid}
	var ok bool
	if a.Code, ok = j.code(v.Code, preferAllergen, "code"); !ok {
		return errNoCode
	}
	if v.Type != "" {
		a.Kind, _ = enum(j, v.Type, "type", record.KindAllergy)
	}
	for i, c := range v.Category {
		if i > 0 {
			j.lose("category (further)")
			continue
		}
		a.Group, _ = enum(j, c, "category", record.AllergyNotSaid)
	}
	a.Criticality, _ = enum(j, v.Criticality, "criticality", record.CriticalityNotSaid)
	a.Status, _ = enum(j, v.Clinical.token(), "clinicalStatus", record.ConditionActive)
	a.Certainty, _ = enum(j, v.Verification.token(), "verificationStatus", record.Confirmed)
	for _, r := range v.Reaction {
		s, _ := enum(j, r.Severity, "reaction.severity", record.SeverityNotSaid)
		a.Severity = max(a.Severity, s)
		for i := range r.Manifestation {
			c, ok := j.code(&r.Manifestation[i], preferProblem, "reaction.manifestation")
			if !ok || len(a.Reactions) == 8 {
				j.lose("reaction.manifestation")
				continue
			}
			a.Reactions = append(a.Reactions, c)
		}
	}
	a.Onset = j.moment(v.Onset, "onsetDateTime")
	a.Note = j.note(v.Note, "note")
	recorded := j.moment(v.Recorded, "recordedDate")
	e, err := j.entry(v.Encounter, first(recorded, a.Onset))
	if err != nil {
		return err
	}
	a.At = at(recorded, e)
	e.Allergies = append(e.Allergies, a)
	return nil
}

func (x *exporter) allergy(a *record.Allergy, e *record.Entry, visit *reference) {
	v := allergy{
		ResourceType: "AllergyIntolerance", Clinical: single(uriAlgStatus, a.Status.String()),
		Verification: single(uriAlgVer, a.Certainty.String()), Criticality: a.Criticality.String(), Code: exportCode(a.Code),
		Patient: x.patient, Encounter: visit, Onset: a.Onset.String(), Recorded: when(a.At, e), Note: notes(a.Note),
	}
	if a.Kind != record.KindNotSaid {
		v.Type = a.Kind.String()
	}
	if a.Group != record.AllergyNotSaid {
		v.Category = []string{a.Group.String()}
	}
	if len(a.Reactions) > 0 || a.Severity != record.SeverityNotSaid {
		v.Reaction = []reaction{{Manifestation: exportCodes(a.Reactions), Severity: a.Severity.String()}}
	}
	x.add(&v, "AllergyIntolerance")
}

type carePlan struct {
	ResourceType string      `json:"resourceType"`
	Meta         *meta       `json:"meta,omitempty"`
	Contained    []condition `json:"contained,omitempty"`
	Status       string      `json:"status"`
	Intent       string      `json:"intent"`
	Category     []concept   `json:"category,omitempty"`
	Title        string      `json:"title,omitempty"`
	Description  string      `json:"description,omitempty"`
	Subject      *reference  `json:"subject,omitempty"`
	Encounter    *reference  `json:"encounter,omitempty"`
	Period       *period     `json:"period,omitempty"`
	Created      string      `json:"created,omitempty"`
	Addresses    []reference `json:"addresses,omitempty"`
	Goal         []reference `json:"goal,omitempty"`
	Activity     []activity  `json:"activity,omitempty"`
}

type activity struct {
	Detail *activityDetail `json:"detail,omitempty"`
}

type activityDetail struct {
	Code   *concept `json:"code,omitempty"`
	Status string   `json:"status,omitempty"`
}

type goal struct {
	ResourceType string     `json:"resourceType"`
	Status       string     `json:"lifecycleStatus"`
	Description  *concept   `json:"description,omitempty"`
	Subject      *reference `json:"subject,omitempty"`
}

func (im *importer) carePlan(j *job) error {
	v, err := parse[carePlan](j)
	if err != nil {
		return err
	}
	p := record.CarePlan{Sensitive: j.secret}
	ok := false
	for i := range v.Category {
		if ok {
			j.lose("category (further)")
			break
		}
		p.Code, ok = j.code(&v.Category[i], preferProcedure, "category")
	}
	for element, words := range map[string]string{"title": v.Title, "description": v.Description} {
		switch {
		case words == "":
		case !ok:
			p.Code, ok = j.code(&concept{Text: words}, preferProcedure, element)
		default:
			j.lose(element)
		}
	}
	if !ok {
		return errNoCode
	}
	p.Status, _ = enum(j, v.Status, "status", record.PlanActive)
	p.Intent, _ = enum(j, v.Intent, "intent", record.IntentPlan)
	for _, a := range v.Activity {
		j.planActivity(&p, a.Detail)
	}
	p.Reasons = j.reasons(nil, v.Addresses, "addresses")
	for i := range v.Goal {
		j.planGoal(&p, &v.Goal[i])
	}
	begin := j.moment(v.Created, "created")
	if v.Period != nil {
		if s := j.moment(v.Period.Start, "period"); !s.IsZero() {
			j.loseIf(!begin.IsZero() && begin != s, "created")
			begin = s
		}
		p.End = j.moment(v.Period.End, "period")
	}
	e, err := j.entry(v.Encounter, begin)
	if err != nil {
		return err
	}
	p.At = at(begin, e)
	e.CarePlans = append(e.CarePlans, p)
	return nil
}

func (j *job) planActivity(p *record.CarePlan, d *activityDetail) {
	if d == nil || len(p.Activities) == 32 {
		j.lose("activity")
		return
	}
	c, ok := j.code(d.Code, preferProcedure, "activity.detail.code")
	if !ok {
		j.lose("activity.detail")
		return
	}
	a := record.Activity{Code: c}
	a.Status, _ = enum(j, d.Status, "activity.detail.status", record.ActivityNotSaid)
	p.Activities = append(p.Activities, a)
}

func (j *job) planGoal(p *record.CarePlan, ref *reference) {
	x := j.im.resolve(ref, "Goal")
	if x == nil || len(p.Goals) == 16 {
		j.lose("goal")
		return
	}
	var g goal
	if json.Unmarshal(x.raw, &g) != nil || g.Description == nil {
		j.lose("goal")
		return
	}
	words := g.Description.Text
	if words == "" && len(g.Description.Coding) > 0 {
		words = g.Description.Coding[0].Display
	}
	if words = j.words(words, shortLimit, "goal"); words == "" {
		j.lose("goal")
		return
	}
	j.im.planned[x] = true
	p.Goals = append(p.Goals, words)
}

// goal is carried as words in the plans that refer to it.
func (im *importer) goal(j *job) error {
	if !im.planned[j.res] {
		return errString("in no care plan that is carried")
	}
	j.lose("lifecycleStatus")
	return nil
}

func (x *exporter) carePlan(p *record.CarePlan, e *record.Entry, visit *reference) {
	v := carePlan{
		ResourceType: "CarePlan", Meta: label(p.Sensitive), Status: p.Status.String(), Intent: p.Intent.String(),
		Category: []concept{*exportCode(p.Code)}, Subject: x.patient, Encounter: visit,
		Period: &period{Start: when(p.At, e), End: p.End.String()},
	}
	for _, a := range p.Activities {
		v.Activity = append(v.Activity, activity{Detail: &activityDetail{Code: exportCode(a.Code), Status: a.Status.String()}})
	}
	for i, c := range p.Reasons {
		ref := x.problems[c]
		if ref == nil {
			// A plan can only refer to a condition, so one that stands nowhere
			// else is contained.
			id := "condition-" + strconv.Itoa(i+1)
			v.Contained = append(v.Contained, condition{ResourceType: "Condition", ID: id, Code: exportCode(c), Subject: x.patient})
			ref = &reference{Reference: "#" + id}
		}
		v.Addresses = append(v.Addresses, *ref)
	}
	for _, g := range p.Goals {
		v.Goal = append(v.Goal, *x.add(&goal{
			ResourceType: "Goal", Status: "accepted", Description: &concept{Text: g}, Subject: x.patient,
		}, "Goal"))
	}
	x.add(&v, "CarePlan")
}

type imagingStudy struct {
	ResourceType string        `json:"resourceType"`
	Identifier   []identifier  `json:"identifier,omitempty"`
	Status       string        `json:"status"`
	Modality     []coding      `json:"modality,omitempty"`
	Subject      *reference    `json:"subject,omitempty"`
	Encounter    *reference    `json:"encounter,omitempty"`
	Started      string        `json:"started,omitempty"`
	Series       []imageSeries `json:"series,omitempty"`
	NumSeries    int           `json:"numberOfSeries,omitempty"`
	NumInstances int           `json:"numberOfInstances,omitempty"`
	Description  string        `json:"description,omitempty"`
}

type imageSeries struct {
	UID      string  `json:"uid,omitempty"`
	Modality *coding `json:"modality,omitempty"`
	BodySite *coding `json:"bodySite,omitempty"`
}

func (im *importer) imagingStudy(j *job) error {
	v, err := parse[imagingStudy](j)
	if err != nil {
		return err
	}
	if j.secret {
		return errLabel
	}
	var g record.Imaging
	for _, id := range v.Identifier {
		uid, ok := strings.CutPrefix(id.Value, "urn:oid:")
		if !ok || g.Study != "" || strings.Trim(uid, "0123456789.") != "" || len(uid) > 64 {
			j.lose("identifier")
			continue
		}
		g.Study = uid
	}
	if g.Study == "" {
		return errString("no study identifier")
	}
	modalities := v.Modality
	for i, s := range v.Series {
		if s.Modality != nil {
			modalities = append(modalities, *s.Modality)
		}
		if s.BodySite != nil && i == 0 {
			g.BodySite = j.optCode(&concept{Coding: []coding{*s.BodySite}}, preferProcedure, "series.bodySite")
		}
		j.loseIf(i > 0, "series (further)")
	}
	for i, m := range modalities {
		if i == 0 {
			g.Modality = j.words(m.Code, codeLimit, "modality")
		}
		j.loseIf(m.Code != modalities[0].Code, "modality (further)")
	}
	if g.Modality == "" {
		return errString("no modality")
	}
	j.loseIf(v.Status != "available", "status")
	g.Series, g.Instances = j.small(v.NumSeries, "numberOfSeries"), j.small(v.NumInstances, "numberOfInstances")
	g.Title = j.words(v.Description, shortLimit, "description")
	started := j.moment(v.Started, "started")
	e, err := j.entry(v.Encounter, started)
	if err != nil {
		return err
	}
	g.At = at(started, e)
	e.Imaging = append(e.Imaging, g)
	return nil
}

func (j *job) small(n int, element string) uint16 {
	if n < 0 || n > math.MaxUint16 {
		j.lose(element)
		return 0
	}
	return uint16(n) // #nosec G115 -- bounded
}

func (x *exporter) imaging(g *record.Imaging, e *record.Entry, visit *reference) {
	modality := coding{System: uriDICOM, Code: g.Modality}
	v := imagingStudy{
		ResourceType: "ImagingStudy", Identifier: []identifier{{System: uriDICOMUID, Value: "urn:oid:" + g.Study}},
		Status: "available", Modality: []coding{modality}, Subject: x.patient, Encounter: visit, Started: when(g.At, e),
		NumSeries: int(g.Series), NumInstances: int(g.Instances), Description: g.Title,
	}
	if g.BodySite != nil {
		c := exportCode(*g.BodySite)
		site := coding{Display: c.Text}
		if len(c.Coding) > 0 {
			site = c.Coding[0]
		}
		v.Series = []imageSeries{{UID: g.Study + ".1", Modality: &modality, BodySite: &site}}
	}
	x.add(&v, "ImagingStudy")
}

type documentReference struct {
	ResourceType string       `json:"resourceType"`
	Meta         *meta        `json:"meta,omitempty"`
	Status       string       `json:"status"`
	Type         *concept     `json:"type,omitempty"`
	Subject      *reference   `json:"subject,omitempty"`
	Date         string       `json:"date,omitempty"`
	Content      []docContent `json:"content"`
	Context      *docContext  `json:"context,omitempty"`
}

type docContent struct {
	Attachment attachment `json:"attachment"`
}

type attachment struct {
	ContentType string `json:"contentType,omitempty"`
	Data        []byte `json:"data,omitempty"`
}

type docContext struct {
	Encounter []reference `json:"encounter,omitempty"`
}

// noteType is LOINC's code for a note of any kind.
const noteType = "34109-9"

// documentReference carries plain text that is in the Bundle itself.
func (im *importer) documentReference(j *job) error {
	v, err := parse[documentReference](j)
	if err != nil {
		return err
	}
	if len(v.Content) != 1 || !strings.HasPrefix(v.Content[0].Attachment.ContentType, "text/plain") ||
		len(v.Content[0].Attachment.Data) == 0 {
		return errString("not one plain text in the bundle itself")
	}
	n := record.Note{Sensitive: j.secret}
	if n.Text = j.words(string(v.Content[0].Attachment.Data), noteLimit, "content"); n.Text == "" {
		return errString("empty text")
	}
	j.loseIf(v.Type.token() != noteType, "type")
	j.loseIf(v.Status != "current", "status")
	var visit *reference
	if v.Context != nil && len(v.Context.Encounter) > 0 {
		visit = &v.Context.Encounter[0]
	}
	date := j.moment(v.Date, "date")
	e, err := j.entry(visit, date)
	if err != nil {
		return err
	}
	n.At = at(date, e)
	e.Notes = append(e.Notes, n)
	return nil
}

func (x *exporter) note(n *record.Note, e *record.Entry, visit *reference) {
	x.add(&documentReference{
		ResourceType: "DocumentReference", Meta: label(n.Sensitive), Status: "current",
		Type: single(terms.LOINC.URI(), noteType), Subject: x.patient, Date: when(n.At, e),
		Content: []docContent{{Attachment: attachment{ContentType: "text/plain; charset=utf-8", Data: []byte(n.Text)}}},
		Context: &docContext{Encounter: []reference{*visit}},
	}, "DocumentReference")
}
