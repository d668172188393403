package authority

import (
	"context"
	"fmt"
	"slices"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// roots unwraps a patient's root keys and compares what they derive with the
// subjects that were signed. It owes store.ErrCorrupt.
func (a *Authority) roots(p *store.Patient, subjects *envelope.Subjects) (*envelope.Roots, error) {
	raw, err := a.open(kindKeys, p.ID, p.Keys)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	roots, err := envelope.ParseRoots(raw)
	if err != nil {
		return nil, fmt.Errorf("stored root keys: %w: %w", store.ErrCorrupt, err)
	}
	for _, person := range subjects.Persons() {
		signed, err := subjects.Of(person)
		if err != nil {
			return nil, err
		}
		derived, err := roots.Subject(p.ID, subjects.Epoch, person)
		if err != nil {
			return nil, err
		}
		if derived != signed {
			return nil, fmt.Errorf("stored root keys are not those of person %d: %w", person, store.ErrCorrupt)
		}
	}
	return roots, nil
}

// openedPatient is a patient with the keys from which all others follow. Its
// owner wipes the roots.
type openedPatient struct {
	store.Patient
	subjects envelope.Subjects
	roots    *envelope.Roots
}

// openPatient owes store.ErrNotFound for a patient whom the centre does not know.
func (a *Authority) openPatient(ctx context.Context, id record.PatientID) (*openedPatient, error) {
	var patient store.Patient
	err := a.store.View(ctx, func(r store.Reader) (err error) {
		patient, err = r.Patient(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.opened(patient)
}

// opened is openPatient for one who was read already.
func (a *Authority) opened(patient store.Patient) (*openedPatient, error) {
	p := &openedPatient{Patient: patient}
	var err error
	if p.subjects, err = envelope.ParseSubjects(patient.Subjects); err != nil {
		return nil, fmt.Errorf("stored subjects: %w", err)
	}
	if p.roots, err = a.roots(&patient, &p.subjects); err != nil {
		return nil, err
	}
	return p, nil
}

// keys derives those of one person. It owes envelope.ErrPerson.
func (p *openedPatient) keys(person uint8) (envelope.Subject, *envelope.Keys, error) {
	subject, err := p.subjects.Of(person)
	if err != nil {
		return subject, nil, err
	}
	keys, err := p.roots.Person(person)
	return subject, keys, err
}

// carry takes the persons on the card from the identity, and adds to the
// patient's subjects those who are new.
func (c *cardIssue) carry() error {
	id, err := record.DecodeIdentity(c.identity)
	if err != nil {
		return fmt.Errorf("stored identity: %w: %w", store.ErrCorrupt, err)
	}
	c.persons = id.Persons().List()
	all := id.Persons() | record.PersonsOf(c.subjects.Persons()...)
	if c.subjects, err = c.subjectsOf(all.List()); err != nil {
		return err
	}
	c.patient.Subjects = c.subjects.Bytes()
	return nil
}

// subjectsOf derives the subjects of some persons.
func (c *cardIssue) subjectsOf(persons []uint8) (envelope.Subjects, error) {
	list := make([]envelope.Subject, 0, len(persons))
	for _, person := range persons {
		s, err := c.roots.Subject(c.patient.ID, keyEpoch, person)
		if err != nil {
			return envelope.Subjects{}, err
		}
		list = append(list, s)
	}
	return envelope.NewSubjects(list...)
}

// keepNumbers refuses a new identity that gives the number of a person to
// somebody else, who would get that person's keys. A number that was given up
// stays so. It owes ErrRequest.
func (c *cardIssue) keepNumbers() error {
	before, err := record.DecodeIdentity(c.identity)
	if err != nil {
		return fmt.Errorf("stored identity: %w: %w", store.ErrCorrupt, err)
	}
	after, err := record.DecodeIdentity(c.req.Identity)
	if err != nil {
		return fmt.Errorf("identity: %w: %w", ErrRequest, err)
	}
	for _, person := range c.subjects.Persons() {
		now := after.Member(person)
		if now == nil {
			continue
		}
		if was := before.Member(person); was == nil || !alike(was, now) || !same(was, now) && among(before.Family, now) {
			return fmt.Errorf("person %d was somebody else: %w", person, ErrRequest)
		}
	}
	return nil
}

// alike tells whether two descriptions may be of one person: either the day of
// birth or the name in one script is the same, so that both may be corrected,
// one at a time.
func alike(a, b *record.Member) bool {
	return !a.Born.IsZero() && a.Born == b.Born || sameName(a, b)
}

// same tells whether two descriptions are of one person beyond doubt, such as
// twins, who are alike, never are.
func same(a, b *record.Member) bool { return a.Born == b.Born && sameName(a, b) }

// among tells whether one of a family was described like this before.
func among(family []record.Member, now *record.Member) bool {
	return slices.ContainsFunc(family, func(m record.Member) bool { return m.Person > 0 && same(&m, now) })
}

// sameName tells whether the name in one script is the same.
func sameName(a, b *record.Member) bool {
	for _, names := range [][2]*record.Name{
		{a.Names.Arabic, b.Names.Arabic}, {a.Names.Sorani, b.Names.Sorani}, {a.Names.Latin, b.Names.Latin},
	} {
		if names[0] != nil && names[1] != nil && names[0].String() == names[1].String() {
			return true
		}
	}
	return false
}
