package envelope

import (
	"fmt"
	"slices"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

// MaxSubjects bounds the CBOR of Subjects, in bytes: sixteen persons.
const MaxSubjects = 1616

// Subjects are the subjects of all persons on one card, the holder's first:
//
//	[ patient bstr(8), epoch uint, { person uint => six commitments bstr(96) } ]
type Subjects struct {
	Patient record.PatientID
	Epoch   uint8
	persons []personCommitments // ascending, the holder's first
}

type personCommitments struct {
	person      uint8
	commitments Commitments
}

// NewSubjects joins the subjects of one card's persons. It owes ErrPerson when
// they are not of one card and epoch, or there is none of the holder.
func NewSubjects(list ...Subject) (Subjects, error) {
	var out Subjects
	for i, s := range list {
		if i == 0 {
			out.Patient, out.Epoch = s.Patient, s.Epoch
		}
		if s.Patient != out.Patient || s.Epoch != out.Epoch || out.Has(s.Person) {
			return Subjects{}, fmt.Errorf("join subjects: person %d: %w", s.Person, ErrPerson)
		}
		out.persons = append(out.persons, personCommitments{s.Person, s.Commitments})
	}
	slices.SortFunc(out.persons, func(a, b personCommitments) int { return int(a.person) - int(b.person) })
	if !out.Has(0) || out.persons[len(out.persons)-1].person > MaxPerson {
		return Subjects{}, fmt.Errorf("join subjects: %w", ErrPerson)
	}
	return out, nil
}

func (s *Subjects) find(person uint8) int {
	return slices.IndexFunc(s.persons, func(p personCommitments) bool { return p.person == person })
}

// Has reports whether the person is on the card.
func (s *Subjects) Has(person uint8) bool { return s.find(person) >= 0 }

// Of returns one person's subject. It owes ErrPerson.
func (s *Subjects) Of(person uint8) (Subject, error) {
	i := s.find(person)
	if i < 0 {
		return Subject{}, fmt.Errorf("person %d: %w", person, ErrPerson)
	}
	return Subject{Patient: s.Patient, Epoch: s.Epoch, Person: person, Commitments: s.persons[i].commitments}, nil
}

// Persons lists the numbers of the persons on the card, ascending.
func (s *Subjects) Persons() []uint8 {
	out := make([]uint8, len(s.persons))
	for i, p := range s.persons {
		out[i] = p.person
	}
	return out
}

// Bytes returns the one CBOR form, 111 bytes for a holder alone.
func (s *Subjects) Bytes() []byte {
	out := make([]byte, 0, 16+len(s.persons)*(commitmentsBytes+3))
	out = cose.AppendBytes(cose.AppendArray(out, 3), s.Patient[:])
	out = cose.AppendMap(cose.AppendUint(out, uint64(s.Epoch)), len(s.persons))
	for _, p := range s.persons {
		joined := make([]byte, 0, commitmentsBytes)
		for _, c := range p.commitments {
			joined = append(joined, c[:]...)
		}
		out = cose.AppendBytes(cose.AppendUint(out, uint64(p.person)), joined)
	}
	return out
}

type subjectsWire struct {
	_       struct{} `cbor:",toarray"`
	Patient []byte
	Epoch   uint8
	Persons map[uint8][]byte
}

// ParseSubjects reads what Bytes writes. It owes ErrFormat.
func ParseSubjects(raw []byte) (Subjects, error) {
	var w subjectsWire
	if len(raw) > MaxSubjects {
		return Subjects{}, fmt.Errorf("subjects of %d bytes: %w", len(raw), ErrFormat)
	}
	if err := cose.Unmarshal(raw, &w); err != nil {
		return Subjects{}, fmt.Errorf("read subjects: %w: %w", ErrFormat, err)
	}
	if len(w.Patient) != len(record.PatientID{}) {
		return Subjects{}, fmt.Errorf("read subjects: %w", ErrFormat)
	}
	list := make([]Subject, 0, len(w.Persons))
	for person, joined := range w.Persons {
		if len(joined) != commitmentsBytes {
			return Subjects{}, fmt.Errorf("read subjects: commitments of %d bytes: %w", len(joined), ErrFormat)
		}
		subject := Subject{Patient: record.PatientID(w.Patient), Epoch: w.Epoch, Person: person}
		for i := range subject.Commitments {
			subject.Commitments[i] = Commitment(joined[i*len(Commitment{}):])
		}
		list = append(list, subject)
	}
	s, err := NewSubjects(list...)
	if err != nil {
		return Subjects{}, fmt.Errorf("read subjects: %w: %w", ErrFormat, err)
	}
	return s, nil
}
