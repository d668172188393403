package agent

import (
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

// Bundle returns what a visit shows for export as FHIR: of the person who is
// shown, the sections that the role could open, with whose signature each entry
// carries. A summary of it tells how things are now. It owes ErrNoVisit for a
// visit whose record is not read yet, and envelope.ErrPerson.
func (v *Visit) Bundle(now time.Time) (*fhir.Bundle, fhir.Options, error) {
	if !v.Ready || v.Identity == nil {
		return nil, fhir.Options{}, fmt.Errorf("the record is not read yet: %w", ErrNoVisit)
	}
	b, o, err := Exportable(v.Identity, v.Cover, v.Person, v.Patient)
	if err != nil {
		return nil, o, err
	}
	b.Summary = v.Summary
	for i := range v.Entries {
		v.Entries[i].export(b, &o)
	}
	slices.SortStableFunc(b.Entries, func(x, y *record.Entry) int { return x.Start.Compare(y.Start) })
	if v.Locked {
		o.Locked = []record.Section{record.SectionSummary}
	}
	o.Time = now
	return b, o, nil
}

// Exportable returns a bundle of a person on a card without entries. The cover
// is the holder's. It owes record.ErrInvalid for a
// person who is not on the card.
func Exportable(id *record.Identity, cover *record.Cover, person uint8, patient record.PatientID) (*fhir.Bundle, fhir.Options, error) {
	o := fhir.Options{Patient: patient, Person: person, Signers: make(map[record.EntryID]fhir.Signer)}
	if person == 0 {
		return &fhir.Bundle{Identity: id, Cover: cover}, o, nil
	}
	m := id.Member(person)
	if m == nil {
		return nil, o, fmt.Errorf("person %d is not on the card: %w", person, record.ErrInvalid)
	}
	return &fhir.Bundle{Identity: &record.Identity{Names: m.Names, Sex: m.Sex, Born: m.Born, Phone: m.Phone, Language: id.Language}}, o, nil
}

// export adds an entry to a bundle, and its signer.
func (e *VisitEntry) export(b *fhir.Bundle, o *fhir.Options) {
	b.Entries = append(b.Entries, e.Entry)
	o.Signers[e.ID] = fhir.Signer{Name: e.Author, Operator: e.Signer == SignerOperator, Facility: e.Facility}
}
