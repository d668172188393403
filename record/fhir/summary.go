package fhir

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// A section of the Composition, in the order in which they stand.
type section uint8

const (
	sectionProblems section = iota
	sectionAllergies
	sectionMedicines
	sectionVaccines
	sectionResults
	sectionProcedures
	sectionDevices
	sectionVitals
	sectionSocial
	sectionPlans
	sectionPast
	sectionPayers
	numSections
	noSection = numSections
)

// outline says of each section its code of LOINC, the part of an entry that its
// items lie in, and whether it stands there when it has none: those that the
// guide demands and those that it recommends.
var outline = [numSections]struct {
	code   string
	from   record.Section
	always bool
}{
	sectionProblems:   {"11450-4", record.SectionClinical, true},
	sectionAllergies:  {"48765-2", record.SectionSummary, true},
	sectionMedicines:  {"10160-0", record.SectionMedication, true},
	sectionVaccines:   {"11369-6", record.SectionClinical, true},
	sectionResults:    {"30954-2", record.SectionLaboratory, true},
	sectionProcedures: {"47519-4", record.SectionClinical, true},
	sectionDevices:    {"46264-8", record.SectionClinical, true},
	sectionVitals:     {"8716-3", record.SectionLaboratory, false},
	sectionSocial:     {"29762-2", record.SectionLaboratory, false},
	sectionPlans:      {"18776-5", record.SectionClinical, false},
	sectionPast:       {"11348-0", record.SectionClinical, false},
	sectionPayers:     {"48768-6", record.SectionCoverage, false},
}

const (
	summaryType     = "60591-5" // LOINC: patient summary document
	uriEmpty        = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
	ipsBundle       = "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"
	ipsComposition  = "http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips"
	uriUUID         = "urn:ietf:rfc:3986"
	confidentNormal = "N"
	confidentStrict = "R"
)

type composition struct {
	ResourceType string        `json:"resourceType"`
	Meta         *meta         `json:"meta"`
	Language     string        `json:"language"`
	Text         *narrative    `json:"text"`
	Identifier   *identifier   `json:"identifier"`
	Status       string        `json:"status"`
	Type         *concept      `json:"type"`
	Subject      *reference    `json:"subject"`
	Date         string        `json:"date"`
	Author       []reference   `json:"author"`
	Title        string        `json:"title"`
	Confidential string        `json:"confidentiality"`
	Custodian    *reference    `json:"custodian,omitempty"`
	Section      []compSection `json:"section"`
}

type compSection struct {
	Title string      `json:"title"`
	Code  *concept    `json:"code"`
	Text  *narrative  `json:"text"`
	Entry []reference `json:"entry,omitempty"`
	Empty *concept    `json:"emptyReason,omitempty"`
}

// document gathers what the sections of a summary refer to.
type document struct {
	now    time.Time
	refs   [numSections][]reference
	lines  [numSections][]string
	locked [record.NumSections]bool
}

// list puts a resource into a section of a summary; elsewhere it does nothing.
func (x *exporter) list(s section, ref *reference, line string) {
	if x.doc != nil && s < noSection {
		x.doc.refs[s] = append(x.doc.refs[s], *ref)
		x.doc.lines[s] = append(x.doc.lines[s], line)
	}
}

func (x *exporter) problemSection(d *record.Diagnosis, e *record.Entry) section {
	if x.doc != nil && over(d, e, x.doc.now) {
		return sectionPast
	}
	return sectionProblems
}

// summary writes a document: the Composition first, then what it refers to.
func (x *exporter) summary(b *Bundle) error {
	x.doc = &document{now: summaryTime(b, x.Time)}
	for _, s := range x.Locked {
		x.doc.locked[s] = true
	}
	for _, e := range b.Entries {
		for _, s := range e.Missing {
			x.doc.locked[s] = true
		}
	}
	entries, err := extract(b.Entries, x.doc.now, x.Sensitive)
	if err != nil {
		return err
	}
	x.out.Entry = []bundleEntry{{}} // the Composition's place
	if err := x.whole(b, entries); err != nil {
		return err
	}
	author := x.device("Dhamani", "exporter")
	x.out.Meta = &meta{Profile: []string{ipsBundle}}
	x.out.Type, x.out.Timestamp, x.out.Language = "document", stamp(x.doc.now), x.Language
	c := composition{
		ResourceType: "Composition", Meta: &meta{Profile: []string{ipsComposition}}, Language: x.Language, Status: "final",
		Type: single(terms.LOINC.URI(), summaryType), Subject: x.patient, Date: stamp(x.doc.now), Author: []reference{*author},
		Title: say(x.Language, "title"), Confidential: confidentNormal, Custodian: x.facility(x.Facility), Section: x.sections(),
		Text: x.opening(b.Identity),
	}
	if slices.ContainsFunc(entries, holdsSensitive) {
		c.Confidential = confidentStrict
	}
	content, err := json.Marshal(struct {
		C *composition
		E []bundleEntry
	}{&c, x.out.Entry})
	if err != nil {
		return err
	}
	x.seed = sha256.Sum256(content) // another content is another document
	id := x.uuid("Composition", nil)
	c.Identifier = &identifier{System: uriUUID, Value: "urn:uuid:" + id}
	raw, err := json.Marshal(&c)
	if err != nil {
		return err
	}
	x.out.Identifier = &identifier{System: uriUUID, Value: "urn:uuid:" + x.uuid("Bundle", nil)}
	x.out.Entry[0] = bundleEntry{FullURL: "urn:uuid:" + id, Resource: raw}
	return nil
}

// alone returns the patient without the family: nothing in a summary refers to
// it, and it is about other people.
func alone(id *record.Identity) *record.Identity {
	out := *id
	out.Family = nil
	return &out
}

// summaryTime is when a summary tells how things are.
func summaryTime(b *Bundle, asked time.Time) time.Time {
	if !asked.IsZero() {
		return asked.UTC().Truncate(time.Minute)
	}
	if b.Summary != nil && !b.Summary.AsOf.IsZero() {
		return b.Summary.AsOf.Time.UTC()
	}
	now := record.Epoch
	for _, e := range b.Entries {
		if e.Start.After(now) {
			now = e.Start
		}
	}
	return now
}

func holdsSensitive(e *record.Entry) bool {
	sections, err := e.Sections()
	return err == nil && sections[record.SectionSensitive] != nil
}

// sections writes those that have something, and those that must be there. An
// empty one says why: its items are locked for whoever exports, or the record
// has none, which does not say that there are none.
func (x *exporter) sections() []compSection {
	var out []compSection
	for s := range numSections {
		o := outline[s]
		if !o.always && len(x.doc.refs[s]) == 0 {
			continue
		}
		c := compSection{
			Title: say(x.Language, titles[s]), Code: single(terms.LOINC.URI(), o.code), Entry: x.doc.refs[s],
		}
		// The cover is not the entries', and the record never has devices.
		locked := x.doc.locked[o.from] && s != sectionPayers && s != sectionDevices
		lines := x.doc.lines[s]
		switch {
		case len(lines) > 0 && locked:
			lines = append(lines, say(x.Language, "partly locked"))
		case len(lines) > 0:
		case locked:
			lines, c.Empty = []string{say(x.Language, "locked")}, single(uriEmpty, "withheld")
		case s == sectionDevices:
			lines, c.Empty = []string{say(x.Language, "no devices")}, single(uriEmpty, "unavailable")
		default:
			lines, c.Empty = []string{say(x.Language, "nothing")}, single(uriEmpty, "unavailable")
		}
		c.Text = x.div(lines...)
		out = append(out, c)
	}
	return out
}
