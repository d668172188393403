package fhir

import (
	"github.com/dhamani-iq/dhamani/record"
)

type allergy struct {
	ResourceType string `json:"resourceType"`
	named
	Extension    []extension  `json:"extension,omitempty"`
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
	a.Status, _ = state(j, v.Clinical, "clinicalStatus", record.ConditionActive)
	a.Certainty = j.certainty(v.Verification)
	for i := range v.Extension {
		switch x := &v.Extension[i]; {
		case x.URL == extStatus && spelt(&a.Status, x.Code):
		case x.URL == extCertainty && spelt(&a.Certainty, x.Code):
		default:
			j.lose("extension")
		}
	}
	j.loseIf(len(v.Reaction) > 1, "reaction (several as one)")
	for _, r := range v.Reaction {
		s, _ := enum(j, r.Severity, "reaction.severity", record.SeverityNotSaid)
		a.Severity = max(a.Severity, s)
		for i := range r.Manifestation {
			if r.Manifestation[i].absent() {
				continue
			}
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

func (x *exporter) allergy(a *record.Allergy, e *record.Entry, visit *reference) *reference {
	v := allergy{
		ResourceType: "AllergyIntolerance", Criticality: a.Criticality.String(), Code: exportCode(a.Code), Patient: x.patient,
		Encounter: visit, Onset: a.Onset.String(), Recorded: when(a.At, e), Note: notes(a.Note),
	}
	v.states(a)
	if a.Kind != record.KindNotSaid {
		v.Type = a.Kind.String()
	}
	if a.Group != record.AllergyNotSaid {
		v.Category = []string{a.Group.String()}
	}
	if len(a.Reactions) > 0 || a.Severity != record.SeverityNotSaid {
		v.Reaction = []reaction{{Manifestation: exportCodes(a.Reactions), Severity: a.Severity.String()}}
		if len(a.Reactions) == 0 {
			v.Reaction[0].Manifestation = []concept{*unknownConcept()}
		}
	}
	return x.add(&v, "AllergyIntolerance", a)
}

// states puts what the standard has no code for in an allergy (its value sets
// are shorter than a condition's), or forbids (the rule ait-2), into extensions.
func (v *allergy) states(a *record.Allergy) {
	status, certainty := a.Status, a.Certainty
	switch status {
	case record.ConditionRecurrence, record.ConditionRelapse:
		status = record.ConditionActive
	case record.ConditionRemission:
		status = record.ConditionInactive
	default:
	}
	if certainty == record.Provisional || certainty == record.Differential {
		certainty = record.Unconfirmed
	}
	if v.Clinical = single(uriAlgStatus, status.String()); certainty == record.EnteredInError {
		v.Clinical, status = nil, record.ConditionActive
	}
	v.Verification = single(uriAlgVer, certainty.String())
	if status != a.Status {
		v.Extension = append(v.Extension, extension{URL: extStatus, Code: a.Status.String()})
	}
	if certainty != a.Certainty {
		v.Extension = append(v.Extension, extension{URL: extCertainty, Code: a.Certainty.String()})
	}
}
