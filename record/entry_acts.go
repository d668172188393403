package record

// Procedure is something done to the patient.
type Procedure struct {
	Code      Code            `json:"code"`
	Status    ProcedureStatus `json:"status,omitempty"`
	Sensitive bool            `json:"sensitive,omitempty"`
	Minutes   uint32          `json:"minutes,omitempty"`
	At        Moment          `json:"at,omitzero"`
	Reasons   []Code          `json:"reasons,omitempty"`
	BodySite  *Code           `json:"body_site,omitempty"`
	Note      string          `json:"note,omitempty"`
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
	Text      string   `json:"text"`
	Kind      NoteKind `json:"kind,omitempty"`
	At        Moment   `json:"at,omitzero"`
	Sensitive bool     `json:"sensitive,omitempty"`
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
	Service  Service  `json:"service,omitempty"`  // what was paid for: one visit when nothing is said
}

// Extension is an item that this version does not know; it is kept as it is
// and written again.
type Extension struct {
	Section Section `json:"section"`
	Key     uint32  `json:"key"`
	Data    []byte  `json:"data"`
}

// Referral asks somebody else to see the patient.
type Referral struct {
	To        Code           `json:"to"`                 // the specialty or the service
	Facility  uint32         `json:"facility,omitempty"` // 0: any that has it
	Urgency   Urgency        `json:"urgency,omitempty"`
	Status    ReferralStatus `json:"status,omitempty"`
	At        Moment         `json:"at,omitzero"`
	Reasons   []Code         `json:"reasons,omitempty"`
	Note      string         `json:"note,omitempty"`
	Sensitive bool           `json:"sensitive,omitempty"`
}

// Override says that an alert was seen and set aside, and why. It lies with
// the medicines: in the sensitive section when it is about what is sensitive.
type Override struct {
	Rule      string         `json:"rule"` // name of the alert's rule: 1 to 32 of a-z, 0-9 and hyphen
	Kind      AlertKind      `json:"kind,omitempty"`
	About     []Code         `json:"about"` // what collided, one to four
	Reason    OverrideReason `json:"reason,omitempty"`
	Note      string         `json:"note,omitempty"`
	Sensitive bool           `json:"sensitive,omitempty"`
}
