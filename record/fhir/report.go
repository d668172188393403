package fhir

import (
	"maps"
	"slices"
	"strings"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// Report says what became of every resource that Import read. It holds no
// values of elements, only their names.
//
// What every export makes anew is not counted as lost: identifiers, addresses
// and tags of resources and elements, generated narratives, displays of codes,
// seconds of times, offsets from UTC, and how a Bundle was carried. Every other
// element that is not read is told by its path, however deep it stands.
type Report struct {
	Resources map[string]*Count `json:"resources"` // by type
	// Unnamed counts the codes that the terminology table has no words for:
	// they are carried, and shown as system and code.
	Unnamed map[string]int `json:"unnamed,omitempty"`
	// Units counts the resources in which a unit was spelt in another way than
	// UCUM's, by both spellings: "mmHg as mm[Hg]". Their numbers are as they were.
	Units map[string]int `json:"units,omitempty"`
	// Items are the resources one by one, in the order of the Bundle.
	Items []Item `json:"items,omitempty"`
}

// What became of a resource.
const (
	FateCarried = "carried"
	FatePartly  = "partly"
	FateRefused = "refused"
	// FateElsewhere is refused for a reason that loses nothing of the patient's
	// record: who signs an entry names facility and author, and what an export
	// makes anew is not kept.
	FateElsewhere = "elsewhere"
)

// Item is the account of one resource.
type Item struct {
	Entry int      `json:"entry"` // place in the Bundle, from 1
	Kind  string   `json:"kind"`
	ID    string   `json:"id,omitempty"` // at most 64 bytes of it
	Fate  string   `json:"fate"`
	Left  []string `json:"left_out,omitempty"` // elements that were left out, by path
	Units []string `json:"units,omitempty"`    // that were spelt in another way, both spellings
	Kept  int      `json:"kept,omitempty"`     // items of a later version that were kept as they are
	Why   string   `json:"why,omitempty"`      // why it was refused
}

// Lost counts the resources of which something of the record is lost: those
// that were refused, and those that were carried in part.
func (r *Report) Lost() (refused, partly int) {
	for i := range r.Items {
		switch r.Items[i].Fate {
		case FateRefused:
			refused++
		case FatePartly:
			partly++
		}
	}
	return refused, partly
}

// Add takes the counts of another report in, not its items.
func (r *Report) Add(x *Report) {
	for kind, c := range x.Resources {
		sum := r.count(kind)
		sum.Read, sum.Carried, sum.Partly, sum.Refused = sum.Read+c.Read, sum.Carried+c.Carried, sum.Partly+c.Partly, sum.Refused+c.Refused
		for k, n := range c.Elements {
			sum.Elements[k] += n
		}
		for k, n := range c.Reasons {
			sum.Reasons[k] += n
		}
	}
	for k, n := range x.Unnamed {
		r.Unnamed[k] += n
	}
	for k, n := range x.Units {
		r.Units[k] += n
	}
}

// NewReport returns a report of nothing, to which others can be added.
func NewReport() *Report { return newReport() }

// Count is the account of one resource type.
type Count struct {
	Read     int            `json:"read"`
	Carried  int            `json:"carried"` // whole
	Partly   int            `json:"partly"`
	Refused  int            `json:"refused"`
	Elements map[string]int `json:"elements,omitempty"` // what was left out of those carried in part
	Reasons  map[string]int `json:"reasons,omitempty"`  // why the others were not carried
}

func newReport() *Report {
	return &Report{Resources: make(map[string]*Count), Unnamed: make(map[string]int), Units: make(map[string]int)}
}

// Types returns the resource types in order.
func (r *Report) Types() []string { return slices.Sorted(maps.Keys(r.Resources)) }

func (r *Report) count(kind string) *Count {
	if kind == "" {
		kind = "(none)"
	}
	c := r.Resources[kind]
	if c == nil {
		c = &Count{Elements: make(map[string]int), Reasons: make(map[string]int)}
		r.Resources[kind] = c
	}
	return c
}

func (r *Report) refuse(x *res, why string) {
	c := r.count(x.kind)
	c.Read++
	c.Refused++
	c.Reasons[why]++
	fate := FateRefused
	if others[x.kind] != "" {
		fate = FateElsewhere
	}
	r.item(x, Item{Fate: fate, Why: why})
}

func (r *Report) item(x *res, it Item) {
	it.Entry, it.Kind, it.ID = x.place, x.kind, short(x.id)
	r.Items = append(r.Items, it)
}

func (r *Report) carry(j *job) {
	j.account()
	for _, told := range j.units {
		r.Units[told]++
	}
	c := r.count(j.kind)
	c.Read++
	if len(j.left) == 0 {
		c.Carried++
		r.item(j.res, Item{Fate: FateCarried, Kept: j.kept, Units: j.units})
		return
	}
	c.Partly++
	slices.Sort(j.left)
	for _, p := range j.left {
		c.Elements[p]++
	}
	r.item(j.res, Item{Fate: FatePartly, Kept: j.kept, Left: j.left, Units: j.units})
}

// bundle is the account of the Bundle itself: what of it was left out.
func (r *Report) bundle(left map[string]int) {
	if len(left) == 0 {
		return
	}
	c := r.count("Bundle")
	c.Read, c.Partly = 1, 1
	maps.Copy(c.Elements, left)
	r.Items = append(r.Items, Item{Kind: "Bundle", Fate: FatePartly, Left: slices.Sorted(maps.Keys(left))})
}

// words counts the codes of e that have no display.
func (r *Report) words(e *record.Entry) {
	see := func(cs ...record.Code) {
		for _, c := range cs {
			if c.System == terms.Text || c.IsZero() {
				continue
			}
			if _, ok := terms.Lookup(c); !ok {
				r.Unnamed[c.String()]++
			}
		}
	}
	if e.Type != nil {
		see(*e.Type)
	}
	see(e.Reasons...)
	for _, x := range e.Diagnoses {
		see(x.Code)
	}
	for _, x := range e.Prescriptions {
		see(x.Medicine)
	}
	for _, x := range e.Observations {
		see(x.Code)
	}
	for _, p := range e.Panels {
		see(p.Code)
		for _, x := range p.Observations {
			see(x.Code)
		}
	}
	for _, x := range e.Procedures {
		see(x.Code)
	}
	for _, x := range e.Immunisations {
		see(x.Vaccine)
	}
	for _, x := range e.Allergies {
		see(x.Code)
	}
	for _, x := range e.CarePlans {
		see(x.Code)
	}
	for _, x := range e.Referrals {
		see(x.To)
	}
	for _, x := range e.Overrides {
		see(x.About...)
	}
}

// job is the reading of one resource; left gathers the names of the elements
// that could not be carried.
type job struct {
	*res
	im   *importer
	left []string
	kept int // items of a later version
}

func (j *job) lose(element string) {
	if !slices.Contains(j.left, element) {
		j.left = append(j.left, element)
	}
}

// loseIf loses an element when there is something of it.
func (j *job) loseIf(there bool, element string) {
	if there {
		j.lose(element)
	}
}

// elements says for each kind which elements are read: true for one that is
// read as a whole, false for one whose parts stand in the table too.
var elements = table(map[string]string{
	"Patient": `identifier name gender birthDate _birthDate deceasedDateTime telecom address communication contact.name
		contact.telecom contact.relationship active`,
	"RelatedPerson": "identifier name gender birthDate telecom relationship patient active",
	"Coverage": `status type class subscriberId identifier period relationship payor beneficiary subscriber
		policyHolder extension`,
	"Encounter": `identifier status class type period reasonCode reasonReference subject serviceProvider.identifier
		participant.individual.identifier extension`,
	"Condition": `clinicalStatus verificationStatus severity category code subject encounter onsetDateTime
		onsetPeriod abatementDateTime recordedDate note extension`,
	"MedicationRequest": `status intent doNotPerform medicationCodeableConcept medicationReference subject encounter authoredOn
		reasonCode reasonReference dosageInstruction.sequence dosageInstruction.text dosageInstruction.patientInstruction
		dosageInstruction.additionalInstruction dosageInstruction.timing.repeat.frequency
		dosageInstruction.timing.repeat.period dosageInstruction.timing.repeat.periodUnit
		dosageInstruction.timing.repeat.boundsDuration dosageInstruction.asNeededBoolean dosageInstruction.route
		extension dosageInstruction.doseAndRate.type dosageInstruction.doseAndRate.doseQuantity dispenseRequest.quantity
		dispenseRequest.numberOfRepeatsAllowed dispenseRequest.expectedSupplyDuration courseOfTherapyType contained`,
	"MedicationStatement": `status medicationCodeableConcept medicationReference subject context effectiveDateTime
		effectivePeriod dateAsserted reasonCode reasonReference extension dosage.sequence dosage.text dosage.patientInstruction
		dosage.additionalInstruction dosage.timing.repeat.frequency dosage.timing.repeat.period
		dosage.timing.repeat.periodUnit dosage.timing.repeat.boundsDuration dosage.asNeededBoolean dosage.route
		dosage.doseAndRate.type dosage.doseAndRate.doseQuantity contained`,
	"Medication":       "code status",
	"DiagnosticReport": "status category code subject encounter effectiveDateTime effectivePeriod result conclusion",
	"Observation": `status category code subject encounter effectiveDateTime effectivePeriod effectiveInstant
		valueQuantity valueCodeableConcept valueString valueBoolean valueInteger valueRange valueRatio valueTime
		valueDateTime interpretation note component.code component.valueQuantity component.valueCodeableConcept
		component.valueString component.valueBoolean component.valueInteger component.valueRange component.valueRatio
		component.valueTime component.valueDateTime component.interpretation component.dataAbsentReason
		dataAbsentReason`,
	"Procedure": `status code subject encounter performedDateTime performedPeriod reasonCode reasonReference bodySite
		note`,
	"Immunization": `status vaccineCode patient encounter occurrenceDateTime lotNumber route site
		protocolApplied.doseNumberPositiveInt primarySource`,
	"AllergyIntolerance": `clinicalStatus verificationStatus type category criticality code patient encounter
		onsetDateTime recordedDate reaction.manifestation reaction.severity note extension`,
	"CarePlan": `status intent category title description subject encounter period created activity.detail.code
		activity.detail.status activity.detail.extension addresses goal contained`,
	"Goal": "description lifecycleStatus subject",
	"ImagingStudy": `identifier status modality subject encounter started numberOfSeries numberOfInstances description
		series.modality series.bodySite`,
	"DocumentReference": `status securityLabel type subject date content.attachment.contentType content.attachment.data
		context.encounter`,
	"ServiceRequest": `status intent doNotPerform category priority code subject encounter authoredOn performer reasonCode
		reasonReference note`,
	"DetectedIssue":        "identifier extension status code patient identifiedDateTime evidence mitigation.action",
	"Composition":          "status type subject date author section.code section.entry section.emptyReason",
	"Claim":                "status use patient created total item.encounter",
	"ExplanationOfBenefit": "status use patient created total item.encounter outcome",
})

func table(lists map[string]string) map[string]map[string]bool {
	out := make(map[string]map[string]bool, len(lists))
	for kind, list := range lists {
		m := make(map[string]bool)
		for path := range strings.FieldsSeq(list) {
			m[path] = true
			for i, c := range path {
				if c == '.' {
					m[path[:i]] = false
				}
			}
		}
		out[kind] = m
	}
	return out
}
