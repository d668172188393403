package record

import "fmt"

// Enum is a small closed list of values, stored as a number and written in
// JSON as a name. S names the list. The zero value is the default, which is
// never stored. Lists only ever grow at their end.
type Enum[S enumNames] uint8

type enumNames interface{ names() []string }

// Valid reports whether e is in its list.
func (e Enum[S]) Valid() bool {
	var s S
	return int(e) < len(s.names())
}

// String returns the name; the name of "not said" is empty.
func (e Enum[S]) String() string {
	var s S
	if !e.Valid() {
		return fmt.Sprintf("value(%d)", uint8(e))
	}
	return s.names()[e]
}

// MarshalText implements encoding.TextMarshaler.
func (e Enum[S]) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *Enum[S]) UnmarshalText(b []byte) error {
	v, ok := ParseEnum[S](string(b))
	if !ok {
		return fmt.Errorf("unknown value %.30q: %w", b, ErrInvalid)
	}
	*e = v
	return nil
}

// ParseEnum finds a value by its name.
func ParseEnum[S enumNames](name string) (Enum[S], bool) {
	var s S
	for i, n := range s.names() {
		if n == name {
			return Enum[S](i), true // #nosec G115 -- lists are short
		}
	}
	return 0, false
}

func readEnum[S enumNames](r *reader) Enum[S] {
	e := Enum[S](r.uint(255)) // #nosec G115 -- bounded
	if !e.Valid() {
		r.fail("unknown value in a list of choices")
		return 0
	}
	return e
}

type (
	classNames          struct{}
	conditionNames      struct{}
	certaintyNames      struct{}
	severityNames       struct{}
	medicationNames     struct{}
	routeNames          struct{}
	periodNames         struct{}
	categoryNames       struct{}
	interpretationNames struct{}
	observationNames    struct{}
	procedureNames      struct{}
	immunisationNames   struct{}
	allergyKindNames    struct{}
	allergyGroupNames   struct{}
	criticalityNames    struct{}
	planNames           struct{}
	intentNames         struct{}
	activityNames       struct{}
	sexNames            struct{}
	relationNames       struct{}
)

// The lists of choices. Their names are FHIR's where FHIR has them.
type (
	// Class is the kind of an encounter.
	Class = Enum[classNames]
	// ConditionStatus is the state of a diagnosis or an allergy.
	ConditionStatus = Enum[conditionNames]
	// Certainty is how sure a diagnosis or an allergy is.
	Certainty = Enum[certaintyNames]
	// Severity is how grave a condition or a reaction is.
	Severity = Enum[severityNames]
	// MedicationStatus is the state of a prescription.
	MedicationStatus = Enum[medicationNames]
	// Route is the way of a medicine or a vaccine into the body.
	Route = Enum[routeNames]
	// PeriodUnit is the unit of the period in which doses are repeated, by UCUM code.
	PeriodUnit = Enum[periodNames]
	// Category is the kind of an observation.
	Category = Enum[categoryNames]
	// Interpretation is what a laboratory says of a value, by HL7 v3 code.
	Interpretation = Enum[interpretationNames]
	// ObservationStatus is the state of an observation or a panel.
	ObservationStatus = Enum[observationNames]
	// ProcedureStatus is the state of a procedure.
	ProcedureStatus = Enum[procedureNames]
	// ImmunisationStatus is the state of an immunisation.
	ImmunisationStatus = Enum[immunisationNames]
	// AllergyKind is the mechanism of an allergy, as far as it is known.
	AllergyKind = Enum[allergyKindNames]
	// AllergyGroup is what an allergy is to.
	AllergyGroup = Enum[allergyGroupNames]
	// Criticality is what a next reaction may do.
	Criticality = Enum[criticalityNames]
	// PlanStatus is the state of a care plan.
	PlanStatus = Enum[planNames]
	// PlanIntent is how binding a care plan is.
	PlanIntent = Enum[intentNames]
	// ActivityStatus is the state of an activity of a care plan.
	ActivityStatus = Enum[activityNames]
	// Sex is the administrative sex.
	Sex = Enum[sexNames]
	// Relation is the relation of a family member to the holder.
	Relation = Enum[relationNames]
)

// Classes of an encounter. ClassRecord is no visit: facts that came without one.
const (
	ClassAmbulatory Class = iota
	ClassEmergency
	ClassInpatient
	ClassHome
	ClassVirtual
	ClassField
	ClassShortStay
	ClassObservation
	ClassRecord
)

func (classNames) names() []string {
	return []string{"ambulatory", "emergency", "inpatient", "home", "virtual", "field", "short-stay", "observation", "record"}
}

// States of a diagnosis.
const (
	ConditionActive ConditionStatus = iota
	ConditionRecurrence
	ConditionRelapse
	ConditionInactive
	ConditionRemission
	ConditionResolved
)

func (conditionNames) names() []string {
	return []string{"active", "recurrence", "relapse", "inactive", "remission", "resolved"}
}

// Degrees of certainty of a diagnosis or an allergy.
const (
	Confirmed Certainty = iota
	Provisional
	Differential
	Unconfirmed
	Refuted
	EnteredInError
)

func (certaintyNames) names() []string {
	return []string{"confirmed", "provisional", "differential", "unconfirmed", "refuted", "entered-in-error"}
}

// Severities.
const (
	SeverityNotSaid Severity = iota
	SeverityMild
	SeverityModerate
	SeveritySevere
)

func (severityNames) names() []string { return []string{"", "mild", "moderate", "severe"} }

// States of a prescription.
const (
	MedicationActive MedicationStatus = iota
	MedicationOnHold
	MedicationCancelled
	MedicationCompleted
	MedicationEnteredInError
	MedicationStopped
	MedicationDraft
	MedicationUnknown
	MedicationIntended
	MedicationNotTaken
)

func (medicationNames) names() []string {
	return []string{
		"active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown",
		"intended", "not-taken",
	}
}

// Routes of a medicine or a vaccine.
const (
	RouteNotSaid Route = iota
	RouteOral
	RouteSublingual
	RouteIntravenous
	RouteIntramuscular
	RouteSubcutaneous
	RouteInhaled
	RouteTopical
	RouteRectal
	RouteNasal
	RouteOphthalmic
	RouteOtic
	RouteVaginal
	RouteTransdermal
	RouteIntradermal
)

func (routeNames) names() []string {
	return []string{
		"", "oral", "sublingual", "intravenous", "intramuscular", "subcutaneous", "inhaled", "topical", "rectal",
		"nasal", "ophthalmic", "otic", "vaginal", "transdermal", "intradermal",
	}
}

// Units of the period in which a dose is repeated.
const (
	PeriodDay PeriodUnit = iota
	PeriodHour
	PeriodWeek
	PeriodMonth
	PeriodMinute
	PeriodYear
	PeriodSecond
)

func (periodNames) names() []string { return []string{"d", "h", "wk", "mo", "min", "a", "s"} }

// Categories of an observation.
const (
	CategoryLaboratory Category = iota
	CategoryVitalSigns
	CategorySurvey
	CategorySocialHistory
	CategoryExam
	CategoryImaging
	CategoryProcedure
	CategoryTherapy
	CategoryActivity
	CategoryOther
)

func (categoryNames) names() []string {
	return []string{
		"laboratory", "vital-signs", "survey", "social-history", "exam", "imaging", "procedure", "therapy",
		"activity", "other",
	}
}

// Interpretations of an observation, by HL7 v3 code.
const (
	InterpretationNotSaid Interpretation = iota
	InterpretationNormal
	InterpretationHigh
	InterpretationLow
	InterpretationCriticalHigh
	InterpretationCriticalLow
)

func (interpretationNames) names() []string {
	return []string{
		"", "N", "H", "L", "HH", "LL", "A", "AA", "POS", "NEG", "IND", "R", "S", "I", "DET", "ND", "RR", "NR",
	}
}

// States of an observation.
const (
	ObservationFinal ObservationStatus = iota
	ObservationRegistered
	ObservationPreliminary
	ObservationAmended
	ObservationCorrected
	ObservationCancelled
	ObservationEnteredInError
	ObservationUnknown
)

func (observationNames) names() []string {
	return []string{
		"final", "registered", "preliminary", "amended", "corrected", "cancelled", "entered-in-error", "unknown",
	}
}

// States of a procedure.
const (
	ProcedureCompleted ProcedureStatus = iota
	ProcedurePreparation
	ProcedureInProgress
	ProcedureNotDone
	ProcedureOnHold
	ProcedureStopped
	ProcedureEnteredInError
	ProcedureUnknown
)

func (procedureNames) names() []string {
	return []string{
		"completed", "preparation", "in-progress", "not-done", "on-hold", "stopped", "entered-in-error", "unknown",
	}
}

// States of an immunisation.
const (
	ImmunisationCompleted ImmunisationStatus = iota
	ImmunisationNotDone
	ImmunisationEnteredInError
)

func (immunisationNames) names() []string {
	return []string{"completed", "not-done", "entered-in-error"}
}

// Kinds of an allergy.
const (
	KindAllergy AllergyKind = iota
	KindIntolerance
	KindNotSaid
)

func (allergyKindNames) names() []string { return []string{"allergy", "intolerance", "not-said"} }

// Groups of what an allergy is to.
const (
	AllergyNotSaid AllergyGroup = iota
	AllergyFood
	AllergyMedication
	AllergyEnvironment
	AllergyBiologic
)

func (allergyGroupNames) names() []string {
	return []string{"", "food", "medication", "environment", "biologic"}
}

// Criticalities of an allergy.
const (
	CriticalityNotSaid Criticality = iota
	CriticalityLow
	CriticalityHigh
	CriticalityUnknown
)

func (criticalityNames) names() []string { return []string{"", "low", "high", "unable-to-assess"} }

// States of a care plan.
const (
	PlanActive PlanStatus = iota
	PlanDraft
	PlanOnHold
	PlanRevoked
	PlanCompleted
	PlanEnteredInError
	PlanUnknown
)

func (planNames) names() []string {
	return []string{"active", "draft", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
}

// Intents of a care plan.
const (
	IntentPlan PlanIntent = iota
	IntentOrder
	IntentProposal
	IntentOption
)

func (intentNames) names() []string { return []string{"plan", "order", "proposal", "option"} }

// States of an activity of a care plan.
const (
	ActivityNotSaid ActivityStatus = iota
	ActivityNotStarted
	ActivityScheduled
	ActivityInProgress
	ActivityOnHold
	ActivityCompleted
	ActivityCancelled
	ActivityStopped
	ActivityUnknown
	ActivityEnteredInError
)

func (activityNames) names() []string {
	return []string{
		"", "not-started", "scheduled", "in-progress", "on-hold", "completed", "cancelled", "stopped", "unknown",
		"entered-in-error",
	}
}

// Sexes, as FHIR's administrative gender.
const (
	SexUnknown Sex = iota
	SexMale
	SexFemale
	SexOther
)

func (sexNames) names() []string { return []string{"unknown", "male", "female", "other"} }

// Relations of a family member to the holder.
const (
	RelationOther Relation = iota
	RelationSelf
	RelationSpouse
	RelationChild
	RelationParent
	RelationSibling
	RelationGrandparent
	RelationGrandchild
)

func (relationNames) names() []string {
	return []string{"other", "self", "spouse", "child", "parent", "sibling", "grandparent", "grandchild"}
}

type bloodNames struct{}

// BloodGroup is a blood group of the ABO and Rh systems.
type BloodGroup = Enum[bloodNames]

func (bloodNames) names() []string {
	return []string{"", "O+", "O-", "A+", "A-", "B+", "B-", "AB+", "AB-"}
}
