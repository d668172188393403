package record

import (
	"errors"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// ErrInvalid is the cause of every refusal by a Validate method.
var ErrInvalid = errors.New("invalid record")

// Epoch is the start of the clock of envelopes: an envelope's time is whole
// minutes after it.
var Epoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// Code names a concept in a code system.
type Code = terms.Code

// Meta is what the envelope carries of an entry in the clear.
type Meta struct {
	Person uint8     // 0 the holder, else a member of the family
	Start  time.Time // whole minutes, UTC, never before Epoch
}

// Entry is one encounter with all that was done in it, written by one
// professional in one facility. Times are whole minutes in UTC. An item whose
// time is not given happened at Start.
type Entry struct {
	// ID is the identifier of the sealed entry, set by who opened it: it is no
	// part of the content.
	ID EntryID `json:"id,omitzero"`

	Person         uint8     `json:"person,omitempty"`
	Start          time.Time `json:"start"`
	Minutes        uint32    `json:"minutes,omitempty"` // length of the visit
	Class          Class     `json:"class"`
	Facility       uint32    `json:"facility,omitempty"`     // 0: the one that signed
	Practitioner   uint32    `json:"practitioner,omitempty"` // 0: the one who signed
	Part           uint8     `json:"part,omitempty"`         // continuation number, see Split
	Amends         *EntryID  `json:"amends,omitempty"`       // the entry that this one replaces
	EnteredInError bool      `json:"entered_in_error,omitempty"`

	// Sensitive moves Type and Reasons to the sensitive section.
	Sensitive bool   `json:"sensitive,omitempty"`
	Type      *Code  `json:"type,omitempty"`
	Reasons   []Code `json:"reasons,omitempty"`

	Cost          *Cost          `json:"cost,omitempty"`
	Allergies     []Allergy      `json:"allergies,omitempty"`
	Prescriptions []Prescription `json:"prescriptions,omitempty"`
	Observations  []Observation  `json:"observations,omitempty"`
	Panels        []Panel        `json:"panels,omitempty"`
	Diagnoses     []Diagnosis    `json:"diagnoses,omitempty"`
	Procedures    []Procedure    `json:"procedures,omitempty"`
	Immunisations []Immunisation `json:"immunisations,omitempty"`
	CarePlans     []CarePlan     `json:"care_plans,omitempty"`
	Notes         []Note         `json:"notes,omitempty"`
	Imaging       []Imaging      `json:"imaging,omitempty"`
	Extensions    []Extension    `json:"extensions,omitempty"`

	// Missing lists the sections that were there but locked for the reader.
	Missing []Section `json:"missing,omitempty"`
}

// Meta returns what the envelope must carry for e. The start of an encounter
// before Epoch is kept in the content instead.
func (e *Entry) Meta() Meta {
	start := minute(e.Start)
	if start.Before(Epoch) {
		start = Epoch
	}
	return Meta{Person: e.Person, Start: start}
}

// Diagnosis is a condition found or confirmed in an encounter.
type Diagnosis struct {
	Code      Code            `json:"code"`
	Status    ConditionStatus `json:"status,omitempty"`
	Certainty Certainty       `json:"certainty,omitempty"`
	Severity  Severity        `json:"severity,omitempty"`
	Chronic   bool            `json:"chronic,omitempty"` // on the problem list
	At        Moment          `json:"at,omitzero"`       // when it was recorded
	Onset     Moment          `json:"onset,omitzero"`
	End       Moment          `json:"end,omitzero"`
	Note      string          `json:"note,omitempty"`
	Sensitive bool            `json:"sensitive,omitempty"`
}

// Prescription is a medicine ordered, or with Statement one that the patient
// is said to take.
type Prescription struct {
	Medicine   Code             `json:"medicine"`
	Status     MedicationStatus `json:"status,omitempty"`
	At         Moment           `json:"at,omitzero"`
	Dose       *Quantity        `json:"dose,omitempty"` // a dose without unit counts tablets, puffs, …
	Route      Route            `json:"route,omitempty"`
	Frequency  Frequency        `json:"frequency,omitzero"`
	AsNeeded   bool             `json:"as_needed,omitempty"`
	Days       uint16           `json:"days,omitempty"`     // length of the course
	Ongoing    bool             `json:"ongoing,omitempty"`  // until stopped
	Quantity   *Quantity        `json:"quantity,omitempty"` // to dispense
	Refills    uint8            `json:"refills,omitempty"`
	Reasons    []Code           `json:"reasons,omitempty"`
	Directions string           `json:"directions,omitempty"`
	Statement  bool             `json:"statement,omitempty"`
	Sensitive  bool             `json:"sensitive,omitempty"`
}

// Frequency is a number of doses in a period: 3 times in 1 day.
type Frequency struct {
	Times  uint8      `json:"times"`
	Period uint16     `json:"period"`
	Unit   PeriodUnit `json:"unit"`
}

// Value is what an observation found: at most one of its fields is set.
type Value struct {
	Quantity *Quantity `json:"quantity,omitempty"`
	Code     *Code     `json:"code,omitempty"`
	Text     string    `json:"text,omitempty"`
	Bool     *bool     `json:"bool,omitempty"`
}

// IsZero reports whether nothing was found.
func (v Value) IsZero() bool { return v == Value{} }

// Observation is a measurement or finding.
type Observation struct {
	Code           Code              `json:"code"`
	Category       Category          `json:"category"`
	Value          Value             `json:"value,omitzero"`
	At             Moment            `json:"at,omitzero"`
	Interpretation Interpretation    `json:"interpretation,omitempty"`
	Components     []Component       `json:"components,omitempty"`
	Status         ObservationStatus `json:"status,omitempty"`
	Note           string            `json:"note,omitempty"`
	Sensitive      bool              `json:"sensitive,omitempty"`
}

// Component is a part of an observation, such as the systolic of a blood pressure.
type Component struct {
	Code           Code           `json:"code"`
	Value          Value          `json:"value,omitzero"`
	Interpretation Interpretation `json:"interpretation,omitempty"`
}

// Panel is a laboratory report with its observations.
type Panel struct {
	Code         Code              `json:"code"`
	At           Moment            `json:"at,omitzero"`
	Status       ObservationStatus `json:"status,omitempty"`
	Observations []Observation     `json:"observations"`
	Conclusion   string            `json:"conclusion,omitempty"`
	Sensitive    bool              `json:"sensitive,omitempty"`
}

// Procedure is something done to the patient.
type Procedure struct {
	Code      Code            `json:"code"`
	Status    ProcedureStatus `json:"status,omitempty"`
	At        Moment          `json:"at,omitzero"`
	Minutes   uint32          `json:"minutes,omitempty"`
	Reasons   []Code          `json:"reasons,omitempty"`
	BodySite  *Code           `json:"body_site,omitempty"`
	Note      string          `json:"note,omitempty"`
	Sensitive bool            `json:"sensitive,omitempty"`
}

// Immunisation is a vaccine given, or not given.
type Immunisation struct {
	Vaccine Code               `json:"vaccine"`
	Status  ImmunisationStatus `json:"status,omitempty"`
	At      Moment             `json:"at,omitzero"`
	Dose    uint8              `json:"dose,omitempty"` // number in the series
	Lot     string             `json:"lot,omitempty"`
	Route   Route              `json:"route,omitempty"`
	Site    *Code              `json:"site,omitempty"`
}

// Allergy is a propensity to react to a substance. It lies in the summary
// section, which every clinical role reads, and is never sensitive.
type Allergy struct {
	Code        Code            `json:"code"`
	Kind        AllergyKind     `json:"kind,omitempty"`
	Group       AllergyGroup    `json:"group,omitempty"`
	Criticality Criticality     `json:"criticality,omitempty"`
	Severity    Severity        `json:"severity,omitempty"` // of the worst reaction
	Reactions   []Code          `json:"reactions,omitempty"`
	Status      ConditionStatus `json:"status,omitempty"` // active, inactive or resolved
	Certainty   Certainty       `json:"certainty,omitempty"`
	At          Moment          `json:"at,omitzero"`
	Onset       Moment          `json:"onset,omitzero"`
	Note        string          `json:"note,omitempty"`
}

// CarePlan is what was agreed to be done.
type CarePlan struct {
	Code       Code       `json:"code"`
	Status     PlanStatus `json:"status,omitempty"`
	Intent     PlanIntent `json:"intent,omitempty"`
	At         Moment     `json:"at,omitzero"` // when it begins
	End        Moment     `json:"end,omitzero"`
	Activities []Activity `json:"activities,omitempty"`
	Reasons    []Code     `json:"reasons,omitempty"`
	Goals      []string   `json:"goals,omitempty"`
	Sensitive  bool       `json:"sensitive,omitempty"`
}

// Activity is a step of a care plan.
type Activity struct {
	Code   Code           `json:"code"`
	Status ActivityStatus `json:"status,omitempty"`
}

// Note is free text.
type Note struct {
	Text      string `json:"text"`
	At        Moment `json:"at,omitzero"`
	Sensitive bool   `json:"sensitive,omitempty"`
}

// Imaging refers to a study in an archive of images.
type Imaging struct {
	Study     string `json:"study"`    // DICOM study instance UID, dotted digits
	Modality  string `json:"modality"` // DICOM code: CR, DX, US, CT, MR
	At        Moment `json:"at,omitzero"`
	BodySite  *Code  `json:"body_site,omitempty"`
	Series    uint16 `json:"series,omitempty"`
	Instances uint16 `json:"instances,omitempty"`
	Title     string `json:"title,omitempty"`
}

// Cost is what the encounter cost, and how much of it the patient pays.
type Cost struct {
	Total    Decimal  `json:"total"`
	Patient  *Decimal `json:"patient,omitempty"`
	Currency string   `json:"currency,omitempty"` // ISO 4217, empty is IQD
}

// Extension is an item that this version does not know; it is kept as it is
// and written again.
type Extension struct {
	Section Section `json:"section"`
	Key     uint32  `json:"key"`
	Data    []byte  `json:"data"`
}
