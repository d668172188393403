// Package fhir maps FHIR R4 Bundles to records and back.
//
// Import takes what whole-patient exports, IPS documents and transactions
// hold; a Report says of every resource whether it was carried, in part, or
// not, and why. Write makes a collection or a transaction, which Import reads back
// to the same entries, or a document of the International Patient Summary.
// Only the elements that a record carries are known here.
package fhir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// MaxSize is the greatest size of a Bundle that Import reads, in bytes, and
// MaxEntries the greatest number of its entries.
const (
	MaxSize    = 64 << 20
	MaxEntries = 200_000
)

// Errors of Import.
var (
	ErrBundle    = errors.New("not a FHIR R4 Bundle")
	ErrTooLarge  = errors.New("bundle too large")
	ErrNoPatient = errors.New("no patient in the bundle")
)

// Bundle is one patient's record: what a FHIR Bundle holds of it.
type Bundle struct {
	Identity *record.Identity `json:"identity"`
	Cover    *record.Cover    `json:"cover,omitempty"`
	Summary  *record.Summary  `json:"summary,omitempty"`
	Entries  []*record.Entry  `json:"entries"` // oldest first
}

// res is a resource as it was read.
type res struct {
	kind, id, url string
	place         int               // in the Bundle, from 1
	coded                           // what of it is read; all of a kind that is not read
	secret        bool              // labelled restricted or very restricted
	labelled      bool              // in a way that is not kept
	modified      bool              // in its meaning, by an extension
	whose         string            // the reference to whom it is about, as it was written
	contained     map[string]*inner // by their ids
	left          []string          // elements that are not read, by path
	units         []string          // that were spelt in another way, both spellings
}

// Elements of a Bundle and of its entries that say how it came, and that every
// export makes anew.
var (
	bundleRemade = map[string]bool{
		"id": true, "meta": true, "language": true, "implicitRules": true, "identifier": true, "type": true, "total": true, "link": true,
	}
	entryRemade = map[string]bool{"id": true, "link": true, "search": true, "request": true, "response": true}
)

type bundleEntry struct {
	FullURL  string          `json:"fullUrl,omitempty"`
	Resource json.RawMessage `json:"resource,omitempty"`
	Request  *request        `json:"request,omitempty"`
}

type request struct {
	Method      string `json:"method"`
	URL         string `json:"url"`
	IfNoneExist string `json:"ifNoneExist,omitempty"`
}

// importer holds the state of one Import.
type importer struct {
	report    *Report
	list      []*res
	byRef     map[string]*res
	stamp     record.Moment
	encounter map[*res]*record.Entry
	loose     map[int64]*record.Entry // those made for what came without an encounter
	panelled  map[*res]bool           // observations that a panel took (true) or refused
	lost      map[*res][]string       // what of the panels' observations was lost
	planned   map[*res]bool           // goals and medications that another resource took
	refused   map[*res]bool           // resources that are not carried
	holder    *res                    // whose record it is
	numbers   map[identifier]bool     // the holder's, by system and value, and by value
	about     map[string]error        // why what has a reference is not the holder's
	costs     map[*record.Entry]bool  // entries whose cost came from claims
	contact   *record.Contact
	out       *Bundle
}

// medicines stands for the two kinds of resource that become prescriptions.
const medicines = "medicines"

// converters, in the order in which kinds must be read: an item finds its
// encounter, and a panel takes its observations before they are read alone.
var converters = []struct {
	kind string
	read func(*importer, *job) error
}{
	{"Patient", (*importer).patient},
	{"RelatedPerson", (*importer).relatedPerson},
	{"Coverage", (*importer).coverage},
	{"Encounter", (*importer).readEncounter},
	{"Condition", (*importer).condition},
	{medicines, (*importer).prescription},
	{"DiagnosticReport", (*importer).diagnosticReport},
	{"Observation", (*importer).observation},
	{"Procedure", (*importer).procedure},
	{"Immunization", (*importer).immunization},
	{"AllergyIntolerance", (*importer).allergy},
	{"CarePlan", (*importer).carePlan},
	{"ImagingStudy", (*importer).imagingStudy},
	{"DocumentReference", (*importer).documentReference},
	{"Claim", (*importer).claim},
	{"ExplanationOfBenefit", (*importer).explanation},
	{"Goal", (*importer).goal},
	{"Medication", (*importer).medication},
	{"ServiceRequest", (*importer).serviceRequest},
	{"DetectedIssue", (*importer).detectedIssue},
	{"Composition", (*importer).composition},
}

// others says why kinds without a converter are not carried.
var others = map[string]string{
	"Organization":     "a facility is named by who signs the entry",
	"Practitioner":     "an author is named by who signs the entry",
	"PractitionerRole": "an author is named by who signs the entry",
	"Location":         "a facility is named by who signs the entry",
	"Composition":      "a document's outline is made anew on export",
	"Provenance":       "a signature of another system does not cover the entry",
}

// Import reads a Bundle of one patient: a collection, a transaction, a
// document, a search set. A resource that cannot be carried is passed over and
// stands in the Report. It owes ErrBundle, ErrTooLarge and ErrNoPatient.
func Import(r io.Reader) (*Bundle, *Report, error) {
	in, err := scan(r)
	if err != nil {
		return nil, nil, err
	}
	list := in.list
	im := &importer{
		report: newReport(), list: list, byRef: make(map[string]*res, 2*len(list)),
		encounter: make(map[*res]*record.Entry), loose: make(map[int64]*record.Entry),
		panelled: make(map[*res]bool), lost: make(map[*res][]string), planned: make(map[*res]bool), refused: make(map[*res]bool),
		costs: make(map[*record.Entry]bool), about: make(map[string]error), out: &Bundle{},
	}
	im.report.Items = make([]Item, 0, len(list)+1)
	im.stamp, _ = record.ParseMoment(in.stamp) // a Bundle need not have one
	known := make(map[string]bool, len(converters))
	for _, c := range converters {
		known[c.kind] = true
	}
	known["MedicationRequest"], known["MedicationStatement"] = true, true
	im.report.bundle(in.left)
	for _, x := range list {
		im.index(x)
		if !known[x.kind] {
			im.report.refuse(x, reasonFor(x))
		}
	}
	for _, c := range converters {
		for _, x := range list {
			if x.kind != c.kind && (c.kind != medicines || x.kind != "MedicationRequest" && x.kind != "MedicationStatement") {
				continue
			}
			j := &job{im: im, res: x}
			err := im.admit(x)
			if err == nil {
				err = c.read(im, j)
			}
			if err != nil {
				im.refused[x] = true
				im.report.refuse(x, err.Error())
				continue
			}
			im.report.carry(j)
		}
	}
	slices.SortFunc(im.report.Items, func(a, b Item) int { return a.Entry - b.Entry })
	if im.out.Identity == nil {
		return nil, im.report, fmt.Errorf("read bundle: %w", ErrNoPatient)
	}
	if err := im.finish(); err != nil {
		return nil, im.report, err
	}
	return im.out, im.report, nil
}

func reasonFor(x *res) string {
	if why, ok := others[x.kind]; ok {
		return why
	}
	switch {
	case len(x.raw) == 0:
		return "an entry without a resource"
	case x.kind == "":
		return "no resource type"
	}
	return "this kind has no place in a record"
}

// finish puts the entries into order, marks what is sensitive, drops what is
// not valid into the report, and makes the summary.
func (im *importer) finish() error {
	out := im.out
	keep := out.Entries[:0]
	for _, e := range out.Entries {
		if e.Class == record.ClassRecord && empty(e) {
			continue
		}
		e.MarkSensitive()
		e.Normalise()
		keep = append(keep, e)
	}
	out.Entries = keep
	slices.SortStableFunc(out.Entries, func(a, b *record.Entry) int { return a.Start.Compare(b.Start) })
	var last time.Time
	for _, e := range out.Entries {
		if err := e.Validate(); err != nil {
			return fmt.Errorf("entry of %s: %w", e.Start.Format(time.DateOnly), err)
		}
		im.report.words(e)
		last = e.Start
	}
	if last.IsZero() {
		last = im.stamp.Time
	}
	if last.IsZero() {
		last = record.Epoch
	}
	out.Summary = record.Summarise(&record.Summary{Contact: im.contact}, out.Entries, last)
	return nil
}

func empty(e *record.Entry) bool {
	return e.Cost == nil && len(e.Allergies)+len(e.Prescriptions)+len(e.Observations)+len(e.Panels)+len(e.Diagnoses)+
		len(e.Procedures)+len(e.Immunisations)+len(e.CarePlans)+len(e.Notes)+len(e.Imaging)+len(e.Referrals)+len(e.Overrides) == 0
}
