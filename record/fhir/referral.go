package fhir

import (
	"slices"
	"strconv"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// A referral is a ServiceRequest, and an override of an alert a DetectedIssue
// with what mitigates it.

// referralCategory is SNOMED CT's code for referring a patient; a ServiceRequest
// without it orders something else.
const referralCategory = "3457005"

type serviceRequest struct {
	ResourceType string `json:"resourceType"`
	named
	Meta       *meta        `json:"meta,omitempty"`
	Status     string       `json:"status"`
	Intent     string       `json:"intent"`
	DoNot      bool         `json:"doNotPerform,omitempty"`
	Category   []concept    `json:"category,omitempty"`
	Priority   string       `json:"priority,omitempty"`
	Code       *concept     `json:"code,omitempty"`
	Subject    *reference   `json:"subject,omitempty"`
	Encounter  *reference   `json:"encounter,omitempty"`
	Authored   string       `json:"authoredOn,omitempty"`
	Performer  []reference  `json:"performer,omitempty"`
	ReasonCode []concept    `json:"reasonCode,omitempty"`
	ReasonRef  []reference  `json:"reasonReference,omitempty"`
	Note       []annotation `json:"note,omitempty"`
}

func (im *importer) serviceRequest(j *job) error {
	v, err := parse[serviceRequest](j)
	if err != nil {
		return err
	}
	if len(v.Category) != 1 || v.Category[0].token() != referralCategory {
		return errString("no referral")
	}
	if v.DoNot {
		return errDoNot
	}
	r := record.Referral{Sensitive: j.secret}
	var ok bool
	if r.To, ok = j.code(v.Code, preferProcedure, "code"); !ok {
		return errNoCode
	}
	r.Status, _ = enum(j, v.Status, "status", record.ReferralActive)
	r.Urgency, _ = enum(j, v.Priority, "priority", record.UrgencyRoutine)
	j.loseIf(v.Intent != "order", "intent")
	for i := range v.Performer {
		if id := v.Performer[i].Identifier; id != nil && r.Facility == 0 {
			r.Facility = j.number(id, uriFacility, "performer.identifier")
		} else {
			j.lose("performer")
		}
	}
	r.Reasons = j.reasons(v.ReasonCode, v.ReasonRef, "reason")
	r.Note = j.note(v.Note, "note")
	authored := j.moment(v.Authored, "authoredOn")
	e, err := j.entry(v.Encounter, authored)
	if err != nil {
		return err
	}
	r.At = at(authored, e)
	e.Referrals = append(e.Referrals, r)
	return nil
}

func (x *exporter) referral(r *record.Referral, e *record.Entry, visit *reference) {
	v := serviceRequest{
		ResourceType: "ServiceRequest", Meta: label(r.Sensitive), Status: r.Status.String(), Intent: "order",
		Category: []concept{*single(terms.SNOMED.URI(), referralCategory)}, Priority: r.Urgency.String(), Code: exportCode(r.To),
		Subject: x.patient, Encounter: visit, Authored: when(r.At, e), ReasonCode: exportCodes(r.Reasons), Note: notes(r.Note),
	}
	if r.Facility > 0 {
		v.Performer = []reference{{Identifier: &identifier{System: uriFacility, Value: strconv.FormatUint(uint64(r.Facility), 10)}}}
	}
	x.add(&v, "ServiceRequest", r)
}

type detectedIssue struct {
	ResourceType string `json:"resourceType"`
	named
	Meta       *meta        `json:"meta,omitempty"`
	Extension  []visitLink  `json:"extension,omitempty"`
	Status     string       `json:"status"`
	Code       *concept     `json:"code,omitempty"`
	Patient    *reference   `json:"patient,omitempty"`
	Identified string       `json:"identifiedDateTime,omitempty"`
	Evidence   []evidence   `json:"evidence,omitempty"`
	Mitigation []mitigation `json:"mitigation,omitempty"`
}

// visitLink is the extension that names the encounter: R4 has no element for it.
type visitLink struct {
	URL   string     `json:"url"`
	Visit *reference `json:"valueReference,omitempty"`
}

type evidence struct {
	Code []concept `json:"code"`
}

type mitigation struct {
	Action *concept `json:"action"`
}

func (im *importer) detectedIssue(j *job) error {
	v, err := parse[detectedIssue](j)
	if err != nil {
		return err
	}
	if v.Status == inError || v.Status == "cancelled" {
		return errMistake
	}
	o := record.Override{Sensitive: j.secret}
	var visit *reference
	for i := range v.Extension {
		if y := &v.Extension[i]; y.URL == extVisit && y.Visit != nil {
			visit = y.Visit
		} else {
			j.lose("extension")
		}
	}
	for i := range v.Identifier {
		switch id := &v.Identifier[i]; {
		case id.System == uriRule && o.Rule == "":
			o.Rule = id.Value
		case !id.own():
			j.lose("identifier")
		}
	}
	if o.Rule == "" || len(v.Mitigation) != 1 {
		return errString("no alert that somebody set aside")
	}
	o.Kind, _ = enum(j, v.Code.token(), "code", record.AlertOther)
	o.Reason, _ = enum(j, v.Mitigation[0].Action.token(), "mitigation.action", record.OverrideOther)
	if v.Mitigation[0].Action != nil {
		o.Note = j.words(v.Mitigation[0].Action.Text, noteLimit, "mitigation.action.text")
	}
	for _, w := range v.Evidence {
		for i := range w.Code {
			if c, ok := j.code(&w.Code[i], preferMedicine, "evidence.code"); ok {
				o.About = append(o.About, c)
			}
		}
	}
	date := j.moment(v.Identified, "identifiedDateTime")
	e, err := j.entry(visit, date)
	if err != nil {
		return err
	}
	trial := *e
	trial.Overrides = append(slices.Clip(trial.Overrides), o)
	if err := trial.Validate(); err != nil {
		return err
	}
	e.Overrides = trial.Overrides
	return nil
}

func (x *exporter) override(o *record.Override, e *record.Entry, visit *reference) {
	x.add(&detectedIssue{
		ResourceType: "DetectedIssue", named: named{[]identifier{{System: uriRule, Value: o.Rule}}}, Meta: label(o.Sensitive),
		Extension: []visitLink{{extVisit, visit}}, Status: "final", Code: single(uriAlert, o.Kind.String()),
		Patient: x.patient, Identified: stamp(e.Start), Evidence: []evidence{{exportCodes(o.About)}},
		Mitigation: []mitigation{{&concept{Coding: []coding{{System: uriOverride, Code: o.Reason.String()}}, Text: o.Note}}},
	}, "DetectedIssue", o)
}
