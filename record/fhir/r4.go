package fhir

// The elements of FHIR R4 (hl7.org/fhir/R4) that a record carries.

const (
	uriUCUM       = "http://unitsofmeasure.org"
	uriActCode    = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	uriClinical   = "http://terminology.hl7.org/CodeSystem/condition-clinical"
	uriVerStatus  = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
	uriCondCat    = "http://terminology.hl7.org/CodeSystem/condition-category"
	uriAlgStatus  = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
	uriAlgVer     = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
	uriObsCat     = "http://terminology.hl7.org/CodeSystem/observation-category"
	uriInterpret  = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
	uriConf       = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	uriRoute      = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
	uriRole       = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
	uriCourse     = "http://terminology.hl7.org/CodeSystem/medicationrequest-course-of-therapy"
	uriSubscriber = "http://terminology.hl7.org/CodeSystem/subscriber-relationship"
	uriCoverClass = "http://terminology.hl7.org/CodeSystem/coverage-class"
	uriV20203     = "http://terminology.hl7.org/CodeSystem/v2-0203"
	uriV20074     = "http://terminology.hl7.org/CodeSystem/v2-0074"
	uriNull       = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
	uriDICOM      = "http://dicom.nema.org/resources/ontology/DCM"
	uriDICOMUID   = "urn:dicom:uid"
	uriAbsent     = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
	uriDataAbsent = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
	extAbsent     = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
	extLanguage   = "http://hl7.org/fhir/StructureDefinition/language"
	uriOwnClass   = "https://dhamani.iq/fhir/encounter-class"
	uriNational   = "https://dhamani.iq/fhir/sid/national-number"
	uriPerson     = "https://dhamani.iq/fhir/sid/person"
	uriGuards     = "https://dhamani.iq/fhir/sid/guards"  // a person for whom this one may act
	uriItem       = "https://dhamani.iq/fhir/sid/item"    // a resource, by what it tells
	uriPatient    = "https://dhamani.iq/fhir/sid/patient" // a patient, by the programme's number
	uriEntry      = "https://dhamani.iq/fhir/sid/entry"   // a sealed entry, by its SHA-256
	uriRule       = "https://dhamani.iq/fhir/sid/alert-rule"
	uriAlert      = "https://dhamani.iq/fhir/alert-kind"
	uriOverride   = "https://dhamani.iq/fhir/override-reason"
	extVisit      = "https://dhamani.iq/fhir/StructureDefinition/encounter"
	uriFacility   = "https://dhamani.iq/fhir/sid/facility"
	uriAuthor     = "https://dhamani.iq/fhir/sid/practitioner"
	extPart       = "https://dhamani.iq/fhir/StructureDefinition/part"
	extAmends     = "https://dhamani.iq/fhir/StructureDefinition/amends"
	extCost       = "https://dhamani.iq/fhir/StructureDefinition/patient-share"
	extService    = "https://dhamani.iq/fhir/StructureDefinition/service"
	extChronic    = "https://dhamani.iq/fhir/StructureDefinition/cover-chronic" // a set of persons, one bit for each
	extWithout    = "https://dhamani.iq/fhir/StructureDefinition/cover-without"
	extCopay      = "https://dhamani.iq/fhir/StructureDefinition/copay-class"
	extCounter    = "https://dhamani.iq/fhir/StructureDefinition/cover-counter"
	extStatus     = "https://dhamani.iq/fhir/StructureDefinition/status" // one that the resource's own list lacks
	extCertainty  = "https://dhamani.iq/fhir/StructureDefinition/certainty"
	extCourse     = "https://dhamani.iq/fhir/StructureDefinition/course-of-therapy" // of a statement, as a request's courseOfTherapyType
	extDispense   = "https://dhamani.iq/fhir/StructureDefinition/dispense"          // of a statement: refills, quantity, unit
	extUnknown    = "https://dhamani.iq/fhir/StructureDefinition/unknown-item"
)

type coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code,omitempty"`
	Display string `json:"display,omitempty"`
}

type concept struct {
	Coding []coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

type meta struct {
	Profile  []string `json:"profile,omitempty"`
	Security []coding `json:"security,omitempty"`
}

type reference struct {
	Extension  []extension `json:"extension,omitempty"`
	Reference  string      `json:"reference,omitempty"`
	Identifier *identifier `json:"identifier,omitempty"`
	Display    string      `json:"display,omitempty"`
}

type identifier struct {
	Use    string   `json:"use,omitempty"`
	Type   *concept `json:"type,omitempty"`
	System string   `json:"system,omitempty"`
	Value  string   `json:"value,omitempty"`
}

type period struct {
	Start string `json:"start,omitempty"`
	End   string `json:"end,omitempty"`
}

type quantity struct {
	Value      number `json:"value,omitempty"`
	Comparator string `json:"comparator,omitempty"`
	Unit       string `json:"unit,omitempty"`
	System     string `json:"system,omitempty"`
	Code       string `json:"code,omitempty"`
}

type annotation struct {
	Text string `json:"text"`
}

type extension struct {
	URL       string      `json:"url"`
	String    string      `json:"valueString,omitempty"`
	Code      string      `json:"valueCode,omitempty"`
	Unsigned  *uint32     `json:"valueUnsignedInt,omitempty"`
	Decimal   number      `json:"valueDecimal,omitempty"`
	Base64    *[]byte     `json:"valueBase64Binary,omitempty"`
	Extension []extension `json:"extension,omitempty"`
}

type humanName struct {
	Extension []extension `json:"extension,omitempty"`
	Use       string      `json:"use,omitempty"`
	Text      string      `json:"text,omitempty"`
	Family    string      `json:"family,omitempty"`
	Given     []string    `json:"given,omitempty"`
	Prefix    []string    `json:"prefix,omitempty"`
	Suffix    []string    `json:"suffix,omitempty"`
}

type contactPoint struct {
	System string `json:"system,omitempty"`
	Value  string `json:"value,omitempty"`
}

type address struct {
	Line       []string `json:"line,omitempty"`
	City       string   `json:"city,omitempty"`
	District   string   `json:"district,omitempty"`
	State      string   `json:"state,omitempty"`
	PostalCode string   `json:"postalCode,omitempty"`
	Country    string   `json:"country,omitempty"`
}

type dosage struct {
	Text        string    `json:"text,omitempty"`
	Additional  []concept `json:"additionalInstruction,omitempty"`
	Instruction string    `json:"patientInstruction,omitempty"`
	Timing      *timing   `json:"timing,omitempty"`
	AsNeeded    bool      `json:"asNeededBoolean,omitempty"`
	Route       *concept  `json:"route,omitempty"`
	Rates       []rate    `json:"doseAndRate,omitempty"`
}

type timing struct {
	Repeat *repeat `json:"repeat,omitempty"`
}

type repeat struct {
	Bounds     *quantity `json:"boundsDuration,omitempty"`
	Frequency  int       `json:"frequency,omitempty"`
	Period     number    `json:"period,omitempty"`
	PeriodUnit string    `json:"periodUnit,omitempty"`
}

type rate struct {
	Type *concept  `json:"type,omitempty"`
	Dose *quantity `json:"doseQuantity,omitempty"`
}

// valueX is value[x] of an observation and of its components.
type valueX struct {
	Quantity *quantity `json:"valueQuantity,omitempty"`
	Concept  *concept  `json:"valueCodeableConcept,omitempty"`
	String   string    `json:"valueString,omitempty"`
	Bool     *bool     `json:"valueBoolean,omitempty"`
	Integer  *number   `json:"valueInteger,omitempty"`
	Range    *struct {
		Low  *quantity `json:"low"`
		High *quantity `json:"high"`
	} `json:"valueRange,omitempty"`
	Ratio *struct {
		Numerator   *quantity `json:"numerator"`
		Denominator *quantity `json:"denominator"`
	} `json:"valueRatio,omitempty"`
	Time     string `json:"valueTime,omitempty"`
	DateTime string `json:"valueDateTime,omitempty"`
	Absent   any    `json:"valueSampledData,omitempty"`
	Period   any    `json:"valuePeriod,omitempty"`
}
