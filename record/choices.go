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

var classList = []string{"ambulatory", "emergency", "inpatient", "home", "virtual", "field", "short-stay", "observation", "record"}

func (classNames) names() []string { return classList }

// States of a diagnosis.
const (
	ConditionActive ConditionStatus = iota
	ConditionRecurrence
	ConditionRelapse
	ConditionInactive
	ConditionRemission
	ConditionResolved
)

var conditionList = []string{"active", "recurrence", "relapse", "inactive", "remission", "resolved"}

func (conditionNames) names() []string { return conditionList }

// Degrees of certainty of a diagnosis or an allergy.
const (
	Confirmed Certainty = iota
	Provisional
	Differential
	Unconfirmed
	Refuted
	EnteredInError
)

var certaintyList = []string{"confirmed", "provisional", "differential", "unconfirmed", "refuted", "entered-in-error"}

func (certaintyNames) names() []string { return certaintyList }

// Severities.
const (
	SeverityNotSaid Severity = iota
	SeverityMild
	SeverityModerate
	SeveritySevere
)

var severityList = []string{"", "mild", "moderate", "severe"}

func (severityNames) names() []string { return severityList }

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

var medicationList = []string{
	"active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown",
	"intended", "not-taken",
}

func (medicationNames) names() []string { return medicationList }

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

var routeList = []string{
	"", "oral", "sublingual", "intravenous", "intramuscular", "subcutaneous", "inhaled", "topical", "rectal",
	"nasal", "ophthalmic", "otic", "vaginal", "transdermal", "intradermal",
}

func (routeNames) names() []string { return routeList }

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

var periodList = []string{"d", "h", "wk", "mo", "min", "a", "s"}

func (periodNames) names() []string { return periodList }

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

var categoryList = []string{
	"laboratory", "vital-signs", "survey", "social-history", "exam", "imaging", "procedure", "therapy",
	"activity", "other",
}

func (categoryNames) names() []string { return categoryList }

// Interpretations of an observation, by HL7 v3 code.
const (
	InterpretationNotSaid Interpretation = iota
	InterpretationNormal
	InterpretationHigh
	InterpretationLow
	InterpretationCriticalHigh
	InterpretationCriticalLow
)

var interpretationList = []string{
	"", "N", "H", "L", "HH", "LL", "A", "AA", "POS", "NEG", "IND", "R", "S", "I", "DET", "ND", "RR", "NR",
}

func (interpretationNames) names() []string { return interpretationList }

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

var observationList = []string{
	"final", "registered", "preliminary", "amended", "corrected", "cancelled", "entered-in-error", "unknown",
}

func (observationNames) names() []string { return observationList }

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

var procedureList = []string{
	"completed", "preparation", "in-progress", "not-done", "on-hold", "stopped", "entered-in-error", "unknown",
}

func (procedureNames) names() []string { return procedureList }

// States of an immunisation.
const (
	ImmunisationCompleted ImmunisationStatus = iota
	ImmunisationNotDone
	ImmunisationEnteredInError
)

var immunisationList = []string{"completed", "not-done", "entered-in-error"}

func (immunisationNames) names() []string { return immunisationList }

// Kinds of an allergy.
const (
	KindAllergy AllergyKind = iota
	KindIntolerance
	KindNotSaid
)

var allergyKindList = []string{"allergy", "intolerance", "not-said"}

func (allergyKindNames) names() []string { return allergyKindList }

// Groups of what an allergy is to.
const (
	AllergyNotSaid AllergyGroup = iota
	AllergyFood
	AllergyMedication
	AllergyEnvironment
	AllergyBiologic
)

var allergyGroupList = []string{"", "food", "medication", "environment", "biologic"}

func (allergyGroupNames) names() []string { return allergyGroupList }

// Criticalities of an allergy.
const (
	CriticalityNotSaid Criticality = iota
	CriticalityLow
	CriticalityHigh
	CriticalityUnknown
)

var criticalityList = []string{"", "low", "high", "unable-to-assess"}

func (criticalityNames) names() []string { return criticalityList }

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

var planList = []string{"active", "draft", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}

func (planNames) names() []string { return planList }

// Intents of a care plan.
const (
	IntentPlan PlanIntent = iota
	IntentOrder
	IntentProposal
	IntentOption
)

var intentList = []string{"plan", "order", "proposal", "option"}

func (intentNames) names() []string { return intentList }

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

var activityList = []string{
	"", "not-started", "scheduled", "in-progress", "on-hold", "completed", "cancelled", "stopped", "unknown",
	"entered-in-error",
}

func (activityNames) names() []string { return activityList }

// Sexes, as FHIR's administrative gender.
const (
	SexUnknown Sex = iota
	SexMale
	SexFemale
	SexOther
)

var sexList = []string{"unknown", "male", "female", "other"}

func (sexNames) names() []string { return sexList }

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

var relationList = []string{"other", "self", "spouse", "child", "parent", "sibling", "grandparent", "grandchild"}

func (relationNames) names() []string { return relationList }

type bloodNames struct{}

// BloodGroup is a blood group of the ABO and Rh systems.
type BloodGroup = Enum[bloodNames]

var bloodList = []string{"", "O+", "O-", "A+", "A-", "B+", "B-", "AB+", "AB-"}

func (bloodNames) names() []string { return bloodList }
