package record

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"time"
)

// The keys of a section's map. A key means the same in every section.
const (
	keyEarlier      = 0 // core: minutes from Start to Epoch, when Start is before it
	keyMinutes      = 1 // core: length of the visit, defaultMinutes when absent
	keyClass        = 2
	keyFacility     = 3
	keyPractitioner = 4
	keyPart         = 5
	keyAmends       = 6
	keyInError      = 7
	keyCost         = 8
	keyAllergies    = 9
	keyMedicines    = 10
	keyLaboratory   = 11 // observations of the category laboratory
	keyVitalSigns   = 12
	keySurvey       = 13
	keyObservations = 14 // observations of the other categories
	keyPanels       = 15
	keyType         = 16
	keyReasons      = 17
	keyDiagnoses    = 18
	keyProcedures   = 19
	keyVaccines     = 20
	keyCarePlans    = 21
	keyNotes        = 22
	keyImaging      = 23
	keyExtensions   = 31
)

const defaultMinutes = 15

// sectionKeys says which keys besides the core's and the extensions' a section
// may hold.
var sectionKeys = [NumSections][]uint64{
	SectionCoverage:   {keyCost},
	SectionSummary:    {keyAllergies},
	SectionMedication: {keyMedicines},
	SectionLaboratory: {keyLaboratory, keyVitalSigns, keySurvey, keyObservations, keyPanels},
	SectionClinical: {
		keyType, keyReasons, keyDiagnoses, keyProcedures, keyVaccines, keyCarePlans, keyNotes, keyImaging,
	},
	SectionSensitive: {
		keyMedicines, keyLaboratory, keyVitalSigns, keySurvey, keyObservations, keyPanels, keyType, keyReasons,
		keyDiagnoses, keyProcedures, keyCarePlans, keyNotes,
	},
}

// Sections returns the entry's content: for each section that holds anything
// one CBOR map. The lowest section present carries the core fields too; an
// entry with nothing but core fields has the clinical section. It owes
// ErrInvalid.
func (e *Entry) Sections() (map[Section][]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	e = e.normal()
	out := make(map[Section][]byte, 3)
	var w writer
	lowest := Section(NumSections)
	for s := range Section(NumSections) {
		w.b = w.b[:0]
		if w.attrs(true, func(m *mapWriter) { m.section(e, s) }) > 0 {
			lowest = min(lowest, s)
			out[s] = bytes.Clone(w.b)
		}
	}
	if lowest == NumSections {
		lowest = SectionClinical
	}
	w.b = w.b[:0]
	w.attrs(false, func(m *mapWriter) { m.core(e); m.section(e, lowest) })
	out[lowest] = bytes.Clone(w.b)
	for s, b := range out {
		if len(b) > maxSection {
			return nil, fmt.Errorf("section %s of %d bytes: %w", s, len(b), ErrInvalid)
		}
	}
	return out, nil
}

// Decode reads an entry from its sections. The map names every section of the
// sealed entry; one that is locked for the reader has a nil value and is
// listed in Missing. When the lowest section is locked the core fields are not
// known: they are zero. Whatever is accepted encodes to the same bytes again.
// It owes a SyntaxError.
func Decode(meta Meta, sections map[Section][]byte) (*Entry, error) {
	e := &Entry{Person: meta.Person, Start: minute(meta.Start)}
	if e.Person > maxPerson || e.Start.Before(Epoch) || len(sections) == 0 {
		return nil, &SyntaxError{What: "person, time or number of sections out of range"}
	}
	lowest := Section(NumSections)
	for s := range sections {
		if !s.Valid() {
			return nil, &SyntaxError{What: "unknown section"}
		}
		lowest = min(lowest, s)
	}
	// The core goes first: times in all sections count from the true start.
	for s := lowest; s < NumSections; s++ {
		b, ok := sections[s]
		switch {
		case !ok:
		case b == nil:
			e.Missing = append(e.Missing, s)
		default:
			if err := e.decodeSection(s, b, s == lowest); err != nil {
				return nil, fmt.Errorf("section %s: %w", s, err)
			}
		}
	}
	// One rule makes the form canonical: it must be what the encoder writes.
	var w writer
	for s, b := range sections {
		if b == nil {
			continue
		}
		w.b = w.b[:0]
		own := w.attrs(true, func(m *mapWriter) { m.section(e, s) })
		w.b = w.b[:0]
		w.attrs(false, func(m *mapWriter) {
			if s == lowest {
				m.core(e)
			}
			m.section(e, s)
		})
		// Core fields alone make no section, but for an entry that has nothing else.
		if !bytes.Equal(w.b, b) || (own == 0 && (len(sections) > 1 || s != SectionClinical)) {
			return nil, fmt.Errorf("section %s: %w", s, &SyntaxError{What: "not in canonical form"})
		}
	}
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", &SyntaxError{What: "values out of range"}, err)
	}
	return e, nil
}

func (m *mapWriter) core(e *Entry) {
	if e.Start.Before(Epoch) {
		m.optUint(keyEarlier, uint64(Epoch.Sub(minute(e.Start))/time.Minute)) // #nosec G115 -- positive
	}
	if e.Minutes != defaultMinutes {
		m.key(keyMinutes)
		m.uint(uint64(e.Minutes))
	}
	m.optUint(keyClass, uint64(e.Class))
	m.optUint(keyFacility, uint64(e.Facility))
	m.optUint(keyPractitioner, uint64(e.Practitioner))
	m.optUint(keyPart, uint64(e.Part))
	if e.Amends != nil {
		m.key(keyAmends)
		m.bytes(e.Amends[:])
	}
	m.optTrue(keyInError, e.EnteredInError)
}

func (r *reader) core(e *Entry, key uint64) bool {
	switch key {
	case keyEarlier:
		d := r.uint(200 * 366 * 24 * 60)
		if !e.Start.Equal(Epoch) {
			r.fail("earlier start without the clock's epoch")
		}
		e.Start = Epoch.Add(-time.Duration(d) * time.Minute) // #nosec G115 -- bounded
	case keyMinutes:
		e.Minutes = uint32(r.uint(math.MaxUint32)) // #nosec G115 -- bounded
	case keyClass:
		e.Class = readEnum[classNames](r)
	case keyFacility:
		e.Facility = uint32(r.uint(math.MaxUint32)) // #nosec G115 -- bounded
	case keyPractitioner:
		e.Practitioner = uint32(r.uint(math.MaxUint32)) // #nosec G115 -- bounded
	case keyPart:
		e.Part = uint8(r.uint(maxPart)) // #nosec G115 -- bounded
	case keyAmends:
		id := r.bytes(len(EntryID{}))
		if len(id) != len(EntryID{}) {
			r.fail("entry identifier of a wrong length")
			return true
		}
		e.Amends = (*EntryID)(id)
	case keyInError:
		e.EnteredInError = r.isTrue()
	default:
		return false
	}
	return true
}

func (m *mapWriter) section(e *Entry, s Section) {
	secret := s == SectionSensitive
	switch s { //nolint:exhaustive // the others follow
	case SectionCoverage:
		if e.Cost != nil {
			m.key(keyCost)
			m.cost(e.Cost)
		}
	case SectionSummary:
		items(m, keyAllergies, e.Allergies, always, func(w *writer, x *Allergy) int { return w.allergy(x, e.Start) })
	}
	if s == SectionMedication || secret {
		items(m, keyMedicines, e.Prescriptions, func(x *Prescription) bool { return x.Sensitive == secret },
			func(w *writer, x *Prescription) int { return w.prescription(x, e.Start) })
	}
	if s == SectionLaboratory || secret {
		m.observationGroups(e, secret)
		items(m, keyPanels, e.Panels, func(x *Panel) bool { return x.Sensitive == secret },
			func(w *writer, x *Panel) int { return w.panel(x, e.Start) })
	}
	if (s == SectionClinical || secret) && e.Sensitive == secret {
		m.optCode(keyType, e.Type)
		m.optCodes(keyReasons, e.Reasons)
	}
	if s == SectionClinical || secret {
		m.clinical(e, secret)
	}
	m.extensions(e, s)
}

func (m *mapWriter) clinical(e *Entry, secret bool) {
	items(m, keyDiagnoses, e.Diagnoses, func(x *Diagnosis) bool { return x.Sensitive == secret },
		func(w *writer, x *Diagnosis) int { return w.diagnosis(x, e.Start) })
	items(m, keyProcedures, e.Procedures, func(x *Procedure) bool { return x.Sensitive == secret },
		func(w *writer, x *Procedure) int { return w.procedure(x, e.Start) })
	if !secret {
		items(m, keyVaccines, e.Immunisations, always, func(w *writer, x *Immunisation) int { return w.immunisation(x, e.Start) })
	}
	items(m, keyCarePlans, e.CarePlans, func(x *CarePlan) bool { return x.Sensitive == secret },
		func(w *writer, x *CarePlan) int { return w.carePlan(x, e.Start) })
	items(m, keyNotes, e.Notes, func(x *Note) bool { return x.Sensitive == secret },
		func(w *writer, x *Note) int { return w.note(x, e.Start) })
	if !secret {
		items(m, keyImaging, e.Imaging, always, func(w *writer, x *Imaging) int { return w.imaging(x, e.Start) })
	}
}

func always[T any](*T) bool { return true }

// items writes a list of the items that pick admits, or nothing when there are
// none. put says how many CBOR items it wrote.
func items[T any](m *mapWriter, key uint64, list []T, pick func(*T) bool, put func(*writer, *T) int) {
	if !slices.ContainsFunc(list, func(x T) bool { return pick(&x) }) {
		return
	}
	m.key(key)
	m.list(func() int {
		n := 0
		for i := range list {
			if pick(&list[i]) {
				n += put(m.writer, &list[i])
			}
		}
		return n
	})
}

func (e *Entry) decodeSection(s Section, b []byte, core bool) error {
	if len(b) > maxSection {
		return &SyntaxError{What: "section too long"}
	}
	r := &reader{b: b}
	if core {
		e.Minutes = defaultMinutes
	}
	r.attrs(func(key uint64) bool {
		switch {
		case key <= keyInError:
			return core && r.core(e, key)
		case key == keyExtensions:
			r.extensions(e, s)
			return true
		case slices.Contains(sectionKeys[s], key):
			r.item(e, key, s == SectionSensitive)
			return true
		}
		return false
	})
	return r.end()
}

func (r *reader) item(e *Entry, key uint64, secret bool) {
	base := e.Start
	switch key {
	case keyCost:
		e.Cost = r.cost()
	case keyAllergies:
		e.Allergies = list(r, e.Allergies, func() Allergy { return r.allergy(base) })
	case keyMedicines:
		e.Prescriptions = list(r, e.Prescriptions, func() Prescription { return r.prescription(base, secret) })
	case keyLaboratory, keyVitalSigns, keySurvey, keyObservations:
		group := Category(key - keyLaboratory) // #nosec G115 -- 0 to 3
		if key == keyObservations {
			group = CategoryOther
		}
		e.Observations = list(r, e.Observations, func() Observation { return r.observation(base, group, secret) })
	case keyPanels:
		e.Panels = list(r, e.Panels, func() Panel { return r.panel(base, secret) })
	case keyType, keyReasons:
		if secret && (e.Type != nil || e.Reasons != nil) && !e.Sensitive {
			r.fail("type or reasons in two sections")
			return
		}
		e.Sensitive = secret
		if key == keyReasons {
			e.Reasons = r.codes(maxReasons)
			return
		}
		c := r.code()
		e.Type = &c
	case keyDiagnoses:
		e.Diagnoses = list(r, e.Diagnoses, func() Diagnosis { return r.diagnosis(base, secret) })
	case keyProcedures:
		e.Procedures = list(r, e.Procedures, func() Procedure { return r.procedure(base, secret) })
	case keyVaccines:
		e.Immunisations = list(r, e.Immunisations, func() Immunisation { return r.immunisation(base) })
	case keyCarePlans:
		e.CarePlans = list(r, e.CarePlans, func() CarePlan { return r.carePlan(base, secret) })
	case keyNotes:
		e.Notes = list(r, e.Notes, func() Note { return r.note(base, secret) })
	case keyImaging:
		e.Imaging = list(r, e.Imaging, func() Imaging { return r.imaging(base) })
	}
}

// list reads a flat list: one says nothing of how many CBOR items an item
// takes, so the array's count is checked by where the reader stands.
func list[T any](r *reader, out []T, one func() T) []T {
	r.items(func() bool {
		if len(out) >= maxItems {
			r.fail("too many items")
			return false
		}
		out = append(out, one())
		return r.err == nil
	})
	return out
}

// items reads an array with calls of f until its elements are used up. What
// f calls takes elements off r.left.
func (r *reader) items(f func() bool) {
	n := r.array(8 * maxItems)
	if n == 0 {
		r.fail("empty list")
	}
	outer := r.left
	r.left = n
	for r.err == nil && r.left > 0 {
		if !f() {
			break
		}
	}
	if r.left < 0 {
		r.fail("item goes beyond its list")
	}
	r.left = outer
}
