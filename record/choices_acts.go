package record

// Urgencies of a referral, as FHIR's request priority.
const (
	UrgencyRoutine Urgency = iota
	UrgencyUrgent
	UrgencyASAP
	UrgencyStat
)

var urgencyList = []string{"routine", "urgent", "asap", "stat"}

func (urgencyNames) names() []string { return urgencyList }

// States of a referral, as FHIR's request status.
const (
	ReferralActive ReferralStatus = iota
	ReferralDraft
	ReferralOnHold
	ReferralRevoked
	ReferralCompleted
	ReferralEnteredInError
	ReferralUnknown
)

var referralList = []string{"active", "draft", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}

func (referralNames) names() []string { return referralList }

// Kinds of an alert.
const (
	AlertOther AlertKind = iota
	AlertAllergy
	AlertDuplicate
	AlertInteraction
	AlertPregnancy
	AlertAge
	AlertDose
	AlertValue // a measurement that cannot be, or in another unit
	AlertCondition
)

var alertList = []string{
	"other", "allergy", "duplicate", "interaction", "pregnancy", "age", "dose", "value", "condition",
}

func (alertNames) names() []string { return alertList }

// Reasons for setting an alert aside.
const (
	OverrideOther OverrideReason = iota
	OverrideBenefit
	OverrideNoAlternative
	OverrideTolerated
	OverrideDoseAdjusted
	OverrideInformed
)

var overrideList = []string{
	"other", "benefit-outweighs", "no-alternative", "tolerated-before", "dose-adjusted", "patient-informed",
}

func (overrideNames) names() []string { return overrideList }

// Kinds of a note.
const (
	NotePlain      NoteKind = iota
	NoteCorrection          // why the entry amends another
)

var noteList = []string{"", "correction"}

func (noteNames) names() []string { return noteList }

// Services that the cover tells apart.
const (
	ServiceVisit Service = iota
	ServiceOperation
	ServiceDental
	ServiceLaboratory
	ServiceImaging
	ServicePharmacy
	ServiceVaccination
	ServiceOther
)

var serviceList = []string{"visit", "operation", "dental", "laboratory", "imaging", "pharmacy", "vaccination", "other"}

func (serviceNames) names() []string { return serviceList }
