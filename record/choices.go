package record

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
