package record

// The fields of one byte stand together in what a record has many of: an entry
// takes in memory what its lists take.

// Diagnosis is a condition found or confirmed in an encounter.
type Diagnosis struct {
	Code      Code            `json:"code"`
	Status    ConditionStatus `json:"status,omitempty"`
	Certainty Certainty       `json:"certainty,omitempty"`
	Severity  Severity        `json:"severity,omitempty"`
	Chronic   bool            `json:"chronic,omitempty"` // on the problem list
	Sensitive bool            `json:"sensitive,omitempty"`
	At        Moment          `json:"at,omitzero"` // when it was recorded
	Onset     Moment          `json:"onset,omitzero"`
	End       Moment          `json:"end,omitzero"`
	Note      string          `json:"note,omitempty"`
}

// Prescription is a medicine ordered, or with Statement one that the patient
// is said to take.
type Prescription struct {
	Medicine   Code             `json:"medicine"`
	At         Moment           `json:"at,omitzero"`
	Dose       *Quantity        `json:"dose,omitempty"` // a dose without unit counts tablets, puffs, …
	Status     MedicationStatus `json:"status,omitempty"`
	Route      Route            `json:"route,omitempty"`
	Frequency  Frequency        `json:"frequency,omitzero"`
	Days       uint16           `json:"days,omitempty"` // length of the course
	AsNeeded   bool             `json:"as_needed,omitempty"`
	Ongoing    bool             `json:"ongoing,omitempty"` // until stopped
	Refills    uint8            `json:"refills,omitempty"`
	Statement  bool             `json:"statement,omitempty"`
	Sensitive  bool             `json:"sensitive,omitempty"`
	Quantity   *Quantity        `json:"quantity,omitempty"` // to dispense
	Reasons    []Code           `json:"reasons,omitempty"`
	Directions string           `json:"directions,omitempty"`
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
func (v Value) IsZero() bool {
	return v.Quantity == nil && v.Code == nil && v.Text == "" && v.Bool == nil
}

// Observation is a measurement or finding.
type Observation struct {
	Code           Code              `json:"code"`
	Category       Category          `json:"category"`
	Interpretation Interpretation    `json:"interpretation,omitempty"`
	Status         ObservationStatus `json:"status,omitempty"`
	Sensitive      bool              `json:"sensitive,omitempty"`
	Value          Value             `json:"value,omitzero"`
	At             Moment            `json:"at,omitzero"`
	Components     []Component       `json:"components,omitempty"`
	Note           string            `json:"note,omitempty"`
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
	Status       ObservationStatus `json:"status,omitempty"`
	Sensitive    bool              `json:"sensitive,omitempty"`
	At           Moment            `json:"at,omitzero"`
	Observations []Observation     `json:"observations"`
	Conclusion   string            `json:"conclusion,omitempty"`
}
