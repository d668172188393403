package record

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// The keys of a section. A key means the same in every section.
const (
	keyEdition      = 0 // of the code table, when it is not the first
	keyMinutes      = 1 // core: length of the visit, defaultMinutes when absent
	keyClass        = 2
	keyFacility     = 3
	keyPractitioner = 4
	keyPart         = 5
	keyAmends       = 6
	keyInError      = 7
	keyEarlier      = 8 // core: minutes from Start to Epoch, when Start is before it
	keyCost         = 9
	keyAllergies    = 10
	keyMedicines    = 11
	keyObservations = 12
	keyPanels       = 13
	keyType         = 14
	keyReasons      = 15
	keyDiagnoses    = 16
	keyProcedures   = 17
	keyVaccines     = 18
	keyCarePlans    = 19
	keyNotes        = 20
	keyImaging      = 21
	keyVitals       = 22 // observations, by the members of a panel of vital signs
	keyExtensions   = 23
)

const defaultMinutes = 15

// nothing is the content of an entry that has only defaults.
var nothing = []byte{majorSimple<<5 | simpleNull}

// sectionKeys has a bit for each key, besides the edition's, the core's and
// the extensions', that a section may hold.
var sectionKeys = [NumSections]uint32{
	SectionCoverage:   1 << keyCost,
	SectionSummary:    1 << keyAllergies,
	SectionMedication: 1 << keyMedicines,
	SectionLaboratory: 1<<keyObservations | 1<<keyPanels | 1<<keyVitals,
	SectionClinical: 1<<keyType | 1<<keyReasons | 1<<keyDiagnoses | 1<<keyProcedures | 1<<keyVaccines | 1<<keyCarePlans |
		1<<keyNotes | 1<<keyImaging,
	SectionSensitive: 1<<keyMedicines | 1<<keyObservations | 1<<keyPanels | 1<<keyType | 1<<keyReasons | 1<<keyDiagnoses |
		1<<keyProcedures | 1<<keyCarePlans | 1<<keyNotes | 1<<keyVitals,
}

// Sections returns the entry's content: for each section that holds anything
// a sequence of keys and values. The lowest section present carries the core
// fields too; an entry with nothing but core fields has the clinical section.
// It owes ErrInvalid.
func (e *Entry) Sections() (map[Section][]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	e = e.normal()
	present := e.present()
	w := newWriter(e.Start)
	w.b = make([]byte, 0, 192)
	out := make(map[Section][]byte, 4)
	core := true
	for s := range Section(NumSections) {
		if present&(1<<s) == 0 {
			continue
		}
		start := len(w.b)
		w.section(e, s, core)
		core = false
		if len(w.b)-start > maxSection {
			return nil, fmt.Errorf("section %s of %d bytes: %w", s, len(w.b)-start, ErrInvalid)
		}
		out[s] = w.b[start:len(w.b):len(w.b)]
	}
	return out, nil
}

// present returns a bit for each section that holds anything.
func (e *Entry) present() (mask uint8) {
	if e.Cost != nil {
		mask |= 1 << SectionCoverage
	}
	if len(e.Allergies) > 0 {
		mask |= 1 << SectionSummary
	}
	mask |= ends(e.Prescriptions, SectionMedication, (*Prescription).secret)
	mask |= ends(e.Observations, SectionLaboratory, (*Observation).secret)
	mask |= ends(e.Panels, SectionLaboratory, (*Panel).secret)
	mask |= ends(e.Diagnoses, SectionClinical, (*Diagnosis).secret)
	mask |= ends(e.Procedures, SectionClinical, (*Procedure).secret)
	mask |= ends(e.CarePlans, SectionClinical, (*CarePlan).secret)
	mask |= ends(e.Notes, SectionClinical, (*Note).secret)
	mask |= ends(e.Immunisations, SectionClinical, never)
	mask |= ends(e.Imaging, SectionClinical, never)
	switch {
	case e.Type == nil && len(e.Reasons) == 0:
	case e.Sensitive:
		mask |= 1 << SectionSensitive
	default:
		mask |= 1 << SectionClinical
	}
	for _, x := range e.Extensions {
		mask |= 1 << x.Section
	}
	if mask == 0 {
		mask = 1 << SectionClinical
	}
	return mask
}

// ends returns the sections of a list's first and last item: the sensitive
// stand behind the others.
func ends[T any](list []T, s Section, sensitive func(*T) int) (mask uint8) {
	if len(list) == 0 {
		return 0
	}
	for _, x := range [...]*T{&list[0], &list[len(list)-1]} {
		if sensitive(x) != 0 {
			mask |= 1 << SectionSensitive
		} else {
			mask |= 1 << s
		}
	}
	return mask
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
	c := codecs.Get().(*codec) //nolint:forcetypeassert // the pool holds nothing else
	defer c.free()
	given, lowest := 0, Section(NumSections)
	for s := range Section(NumSections) {
		b, ok := sections[s]
		if !ok {
			continue
		}
		given, lowest = given+1, min(lowest, s)
		if b == nil {
			e.Missing = append(e.Missing, s)
			continue
		}
		// The core goes first: times in all sections count from the true start.
		c.r = newReader(b, e.Start)
		if err := c.r.section(e, s, s == lowest); err != nil {
			return nil, fmt.Errorf("section %s: %w", s, err)
		}
		c.editions[s] = c.r.edition
	}
	if given != len(sections) {
		return nil, &SyntaxError{What: "unknown section"}
	}
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", &SyntaxError{What: "values out of range"}, err)
	}
	// One rule makes the form canonical: it must be what the encoder writes.
	room := c.w.b[:0]
	c.w = newWriter(e.Start)
	c.w.b = room
	for s := lowest; s < NumSections; s++ {
		b := sections[s]
		if b == nil {
			continue
		}
		c.w.b, c.w.limit = room, c.editions[s]
		// Core fields alone make no section, but for an entry that has nothing else.
		own := c.w.section(e, s, s == lowest)
		if room = c.w.b[:0]; !bytes.Equal(c.w.b, b) || !own && (given > 1 || s != SectionClinical) {
			return nil, fmt.Errorf("section %s: %w", s, &SyntaxError{What: "not in canonical form"})
		}
	}
	return e, nil
}

// codec is what Decode needs for a while.
type codec struct {
	r        reader
	w        writer
	editions [NumSections]uint32
}

// free keeps nothing of what was decoded.
func (c *codec) free() {
	clear(c.w.b[:cap(c.w.b)])
	c.r, c.w = reader{}, writer{b: c.w.b[:0]}
	codecs.Put(c)
}

var codecs = sync.Pool{New: func() any { return new(codec) }}

// section appends the content of one section, and reports whether there is
// anything but core fields in it.
func (w *writer) section(e *Entry, s Section, core bool) (own bool) {
	start := len(w.b)
	w.edition = 1
	w.secret, w.reasons = s == SectionSensitive, nil
	if w.secret == e.Sensitive && (w.secret || s == SectionClinical) {
		w.reasons = e.Reasons
	}
	if core {
		w.core(e)
	}
	before := len(w.b)
	w.items(e, s)
	own = len(w.b) > before
	if w.edition > 1 {
		h := writer{b: make([]byte, 0, 8)}
		h.uint(keyEdition)
		h.uint(uint64(w.edition))
		w.b = slices.Insert(w.b, start, h.b...)
	}
	if len(w.b) == start {
		w.b = append(w.b, nothing...)
	}
	return own
}

func (w *writer) core(e *Entry) {
	if e.Minutes != defaultMinutes {
		w.key(keyMinutes)
		w.minutes(e.Minutes)
	}
	w.keyUint(keyClass, uint64(e.Class))
	w.keyUint(keyFacility, uint64(e.Facility))
	w.keyUint(keyPractitioner, uint64(e.Practitioner))
	w.keyUint(keyPart, uint64(e.Part))
	if e.Amends != nil {
		w.key(keyAmends)
		w.bytes(e.Amends[:])
	}
	if e.EnteredInError {
		w.key(keyInError)
		w.bool(true)
	}
	if e.Start.Before(Epoch) {
		w.keyUint(keyEarlier, uint64(Epoch.Sub(e.Start)/time.Minute)) // #nosec G115 -- positive
	}
}

func (r *reader) core(e *Entry, key uint64) {
	switch key {
	case keyMinutes:
		e.Minutes = r.minutes()
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
			return
		}
		e.Amends = (*EntryID)(id)
	case keyInError:
		e.EnteredInError = r.isTrue()
	case keyEarlier:
		d := r.uint(200 * 366 * 24 * 60)
		if !e.Start.Equal(Epoch) {
			r.fail("earlier start without the clock's epoch")
		}
		e.Start = Epoch.Add(-time.Duration(d) * time.Minute) // #nosec G115 -- bounded
		r.base = e.Start
	}
}

// items appends what a section holds besides the core.
func (w *writer) items(e *Entry, s Section) {
	secret := s == SectionSensitive
	var signs []Observation
	switch s { //nolint:exhaustive // the others follow
	case SectionCoverage:
		if e.Cost != nil {
			w.key(keyCost)
			w.cost(e.Cost)
		}
	case SectionSummary:
		part(w, keyAllergies, e.Allergies, never, (*writer).allergy)
	}
	if s == SectionMedication || secret {
		part(w, keyMedicines, e.Prescriptions, (*Prescription).secret, (*writer).prescription)
	}
	if s == SectionLaboratory || secret {
		// Vital signs, two or more, stand last in the list and under a key of their own.
		observations := within(w, e.Observations, (*Observation).secret)
		if signs = w.vitals(observations); len(signs) > 0 {
			observations = observations[:len(observations)-len(signs)]
		}
		part(w, keyObservations, observations, (*Observation).secret, (*writer).observation)
		part(w, keyPanels, e.Panels, (*Panel).secret, (*writer).panel)
	}
	if (s == SectionClinical || secret) && e.Sensitive == secret {
		if e.Type != nil {
			w.key(keyType)
			w.code(terms.Acts, *e.Type)
		}
		if len(e.Reasons) > 0 {
			w.key(keyReasons)
			w.codes(terms.Findings, e.Reasons)
		}
	}
	if s == SectionClinical || secret {
		part(w, keyDiagnoses, e.Diagnoses, (*Diagnosis).secret, (*writer).diagnosis)
		part(w, keyProcedures, e.Procedures, (*Procedure).secret, (*writer).procedure)
		part(w, keyVaccines, e.Immunisations, never, (*writer).immunisation)
		part(w, keyCarePlans, e.CarePlans, (*CarePlan).secret, (*writer).carePlan)
		part(w, keyNotes, e.Notes, (*Note).secret, (*writer).note)
		part(w, keyImaging, e.Imaging, never, (*writer).imaging)
	}
	if len(signs) > 0 {
		w.key(keyVitals)
		w.packVitals(signs)
	}
	w.extensions(e, s)
}

// never says that an item of its kind is not sensitive.
func never[T any](*T) int { return 0 }

// within returns the items that are as sensitive as the section. The sensitive
// stand behind the others.
func within[T any](w *writer, list []T, sensitive func(*T) int) []T {
	if w.secret {
		for len(list) > 0 && sensitive(&list[0]) == 0 {
			list = list[1:]
		}
		return list
	}
	for len(list) > 0 && sensitive(&list[len(list)-1]) != 0 {
		list = list[:len(list)-1]
	}
	return list
}

// part writes a list of the items that are as sensitive as the section, or
// nothing when there are none.
func part[T any](w *writer, key uint64, list []T, sensitive func(*T) int, put func(*writer, *T)) {
	if len(list) == 0 {
		return
	}
	if list = within(w, list, sensitive); len(list) == 0 {
		return
	}
	w.key(key)
	mark := w.open()
	for i := range list {
		put(w, &list[i])
	}
	w.finish(mark)
}

// section reads the content of one section into e.
func (r *reader) section(e *Entry, s Section, core bool) error {
	if len(r.b) > maxSection {
		return &SyntaxError{What: "section too long"}
	}
	if core {
		e.Minutes = defaultMinutes
	}
	if bytes.Equal(r.b, nothing) {
		return nil
	}
	if len(r.b) == 0 {
		return &SyntaxError{What: "ends early"}
	}
	r.secret = s == SectionSensitive
	next := uint64(0)
	for r.err == nil && r.off < len(r.b) {
		key := r.uint(math.MaxUint8)
		switch {
		case r.err != nil:
		case key < next:
			r.fail("keys not in rising order")
		case key == keyEdition:
			if r.edition = uint32(r.uint(math.MaxUint32)); r.edition < 2 { // #nosec G115 -- bounded
				r.fail("first edition written")
			}
		case core && key <= keyEarlier:
			r.core(e, key)
		case key == keyExtensions:
			r.extensions(e, s)
		case key < 32 && sectionKeys[s]&(1<<key) != 0:
			r.item(e, key)
		default:
			r.fail("unknown key")
		}
		next = key + 1
	}
	return r.end()
}

func (r *reader) item(e *Entry, key uint64) {
	switch key {
	case keyCost:
		e.Cost = r.cost()
	case keyAllergies:
		e.Allergies = list(r, maxItems, 5, (*reader).allergy)
	case keyMedicines:
		e.Prescriptions = more(e.Prescriptions, list(r, maxItems, 7, (*reader).prescription))
	case keyObservations:
		e.Observations = more(e.Observations, list(r, maxItems, 2, (*reader).observation))
	case keyVitals:
		e.Observations = more(e.Observations, r.unpackVitals())
	case keyPanels:
		e.Panels = more(e.Panels, list(r, maxItems, 2, (*reader).panel))
	case keyType, keyReasons:
		if r.secret && (e.Type != nil || e.Reasons != nil) && !e.Sensitive {
			r.fail("type or reasons in two sections")
			return
		}
		e.Sensitive = r.secret
		if key == keyReasons {
			e.Reasons = r.codes(terms.Findings, maxReasons)
			r.reasons = e.Reasons
			return
		}
		c := r.code(terms.Acts)
		e.Type = &c
	case keyDiagnoses:
		e.Diagnoses = more(e.Diagnoses, list(r, maxItems, 5, (*reader).diagnosis))
	case keyProcedures:
		e.Procedures = more(e.Procedures, list(r, maxItems, 4, (*reader).procedure))
	case keyVaccines:
		e.Immunisations = list(r, maxItems, 2, (*reader).immunisation)
	case keyCarePlans:
		e.CarePlans = more(e.CarePlans, list(r, maxItems, 5, (*reader).carePlan))
	case keyNotes:
		e.Notes = more(e.Notes, list(r, maxItems, 2, (*reader).note))
	case keyImaging:
		e.Imaging = list(r, maxItems, 6, (*reader).imaging)
	}
}

// more joins the items of the sensitive section to those read before.
func more[T any](a, b []T) []T {
	if len(a) == 0 {
		return b
	}
	return append(a, b...)
}
