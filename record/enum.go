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

// chosen is readEnum for what is not written when it is the default.
func chosen[S enumNames](r *reader) Enum[S] {
	e := readEnum[S](r)
	if e == 0 {
		r.fail("default written")
	}
	return e
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
	urgencyNames        struct{}
	referralNames       struct{}
	alertNames          struct{}
	overrideNames       struct{}
	serviceNames        struct{}
	noteNames           struct{}
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
	// Urgency is how soon a referral must be seen.
	Urgency = Enum[urgencyNames]
	// ReferralStatus is the state of a referral.
	ReferralStatus = Enum[referralNames]
	// AlertKind is what an alert that was set aside had found.
	AlertKind = Enum[alertNames]
	// Service is what a cost was for, as the cover tells services apart.
	Service = Enum[serviceNames]
	// NoteKind is what a note is for.
	NoteKind = Enum[noteNames]
	// OverrideReason is why an alert was set aside.
	OverrideReason = Enum[overrideNames]
)
