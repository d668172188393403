package fhir

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// Form is a kind of Bundle that Write makes.
type Form uint8

// The forms.
const (
	// Collection holds the whole record.
	Collection Form = iota
	// Transaction holds the whole record as requests to a server. Each creates
	// its resource only where none of its identifier is yet, so sending it
	// twice changes nothing.
	Transaction
	// Summary is a document of the International Patient Summary, edition 2.0:
	// what of the record counts now, see extract.
	Summary
)

// ErrForm is returned for a form or a language that does not exist.
var ErrForm = errors.New("unknown form of a bundle")

// Options says what Write makes of a record.
type Options struct {
	Form Form
	// Patient is the programme's number of the holder of the card; zero: not
	// known. Person is whose record it is: 0 the holder's, else that of a member
	// of the family, who is told apart by both.
	Patient record.PatientID
	Person  uint8
	// Signers says whose signature each entry carries, as far as is known.
	Signers map[record.EntryID]Signer
	// Facility made the Bundle; zero: not known.
	Facility uint32

	// Locked are parts that could not be opened, besides those that the entries
	// say they miss. A summary tells of them.
	Locked []record.Section

	// Language of a summary's words: ar, ckb or en, which is also the default.
	Language string
	// Sensitive has a summary carry what is sensitive too, labelled so.
	Sensitive bool
	// Time of a summary, against which it is judged what counts now; zero:
	// that of the record's own summary, or of its last entry.
	Time time.Time
}

type exporter struct {
	Options
	out      outBundle
	seed     [32]byte // of the entry that is being written
	alike    map[[32]byte]uint32
	agents   map[Signer]*agents
	places   map[uint32]*reference // organisations by facility
	signer   *agents               // of the entry that is being written, nil when not known
	void     bool                  // that entry counts no more
	patient  *reference
	problems map[record.Code]*reference // the first condition of a code
	doc      *document                  // of a summary
	err      error
}

type outBundle struct {
	ResourceType string        `json:"resourceType"`
	Meta         *meta         `json:"meta,omitempty"`
	Language     string        `json:"language,omitempty"`
	Identifier   *identifier   `json:"identifier,omitempty"`
	Type         string        `json:"type"`
	Timestamp    string        `json:"timestamp,omitempty"`
	Entry        []bundleEntry `json:"entry"`
}

// Export writes b as a Bundle of type collection.
func Export(b *Bundle, w io.Writer) error { return Write(b, Options{}, w) }

// Write writes b as a FHIR R4 Bundle. Import reads a collection and a
// transaction back to the same entries, identity and cover, and a summary to
// what of them it carries. Addresses and identifiers of resources come from
// the entry's identifier, or its content when it has none, so that they are the
// same in every Bundle. It owes ErrNoPatient, ErrForm and record.ErrInvalid.
func Write(b *Bundle, o Options, w io.Writer) error {
	if o.Language == "" {
		o.Language = "en"
	}
	if b.Identity == nil {
		return fmt.Errorf("write bundle: %w", ErrNoPatient)
	}
	if !slices.Contains([]string{"ar", "ckb", "en"}, o.Language) {
		return fmt.Errorf("write bundle: language %.10q: %w", o.Language, ErrForm)
	}
	x := &exporter{
		Options: o, alike: make(map[[32]byte]uint32), agents: make(map[Signer]*agents), places: make(map[uint32]*reference),
		problems: make(map[record.Code]*reference), out: outBundle{ResourceType: "Bundle"},
	}
	if b.Summary != nil && b.Summary.AsOf.Precision == record.ToMinute {
		x.out.Timestamp = b.Summary.AsOf.String()
	}
	var err error
	switch o.Form {
	case Collection:
		x.out.Type = "collection"
		err = x.whole(b, b.Entries)
	case Transaction:
		x.out.Type, x.out.Timestamp = "transaction", ""
		err = x.whole(b, b.Entries)
	case Summary:
		err = x.summary(b)
	default:
		err = ErrForm
	}
	if err = errors.Join(err, x.err); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&x.out); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

// whole writes the patient, the cover and entries.
func (x *exporter) whole(b *Bundle, entries []*record.Entry) error {
	if x.Patient != (record.PatientID{}) {
		x.seed = sha256.Sum256(x.Patient[:])
		if x.Person > 0 {
			x.seed = sha256.Sum256(append(x.seed[:], x.Person))
		}
	} else {
		raw, err := b.Identity.Encode()
		if err != nil {
			return err
		}
		x.seed = sha256.Sum256(raw)
	}
	var c *record.Contact
	if b.Summary != nil {
		c = b.Summary.Contact
	}
	id := b.Identity
	if x.doc != nil {
		id = alone(id)
	}
	x.identity(id, c)
	if b.Cover != nil {
		x.list(sectionPayers, x.cover(b.Cover), x.coverLine(b.Cover))
	}
	stand := make(map[*record.Entry]bool, len(entries))
	for _, e := range record.Standing(entries) {
		stand[e] = true
	}
	for i, e := range entries {
		x.void = !stand[e]
		seed, err := seedOf(e)
		if err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		x.seed = seed
		x.entry(e)
	}
	return nil
}

// entry writes an encounter and all that was done in it.
func (x *exporter) entry(e *record.Entry) {
	from := len(x.out.Entry)
	s, signed := x.Signers[e.ID]
	if x.signer = nil; signed {
		x.signer = x.agentsOf(s)
		from = len(x.out.Entry)
	}
	visit := x.visit(e)
	for i := range e.Diagnoses {
		d := &e.Diagnoses[i]
		x.list(x.problemSection(d, e), x.diagnosis(d, e, visit), x.problemLine(d, e))
	}
	for i := range e.Allergies {
		a := &e.Allergies[i]
		x.list(sectionAllergies, x.allergy(a, e, visit), x.allergyLine(a))
	}
	for i := range e.Prescriptions {
		p := &e.Prescriptions[i]
		x.list(sectionMedicines, x.prescription(p, e, visit), x.medicineLine(p, e))
	}
	for i := range e.Observations {
		o := &e.Observations[i]
		x.list(observationSection(o), x.observation(o, e, visit), x.resultLine(o, e))
	}
	for i := range e.Panels {
		p := &e.Panels[i]
		x.list(sectionResults, x.panel(p, e, visit), x.panelLine(p, e))
	}
	for i := range e.Procedures {
		p := &e.Procedures[i]
		x.list(sectionProcedures, x.procedure(p, e, visit), x.procedureLine(p, e))
	}
	for i := range e.Immunisations {
		m := &e.Immunisations[i]
		x.list(sectionVaccines, x.immunisation(m, e, visit), x.vaccineLine(m, e))
	}
	for i := range e.CarePlans {
		p := &e.CarePlans[i]
		x.list(sectionPlans, x.carePlan(p, e, visit), x.planLine(p, e))
	}
	for i := range e.Referrals {
		x.referral(&e.Referrals[i], e, visit)
	}
	for i := range e.Overrides {
		x.override(&e.Overrides[i], e, visit)
	}
	for i := range e.Imaging {
		x.imaging(&e.Imaging[i], e, visit)
	}
	for i := range e.Notes {
		x.note(&e.Notes[i], e, visit)
	}
	if e.Cost != nil {
		x.cost(e.Cost, e, visit)
	}
	if signed {
		x.provenance(e, x.out.Entry[from:])
	}
}
