package record

import (
	"bytes"
	"math"
	"math/bits"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// items appends what a section holds besides the core.
func (w *writer) items(e *Entry, s Section) {
	secret := s == SectionSensitive
	var signs []Observation
	switch s { //nolint:exhaustive // the others follow
	case SectionCoverage:
		if e.Cost != nil {
			w.key(keyCost)
			w.cost(e.Cost)
			w.keyUint(keyService, uint64(e.Cost.Service))
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
		n := len(observations) - bits.OnesCount64(w.signs[rank(secret)])
		observations, signs = observations[:n], observations[n:]
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
		w.packVitals(signs, w.signs[rank(secret)])
	}
	w.extensions(e, s)
	if s == SectionClinical || secret {
		part(w, keyReferrals, e.Referrals, (*Referral).secret, (*writer).referral)
	}
	if s == SectionMedication || secret {
		part(w, keyOverrides, e.Overrides, (*Override).secret, (*writer).override)
	}
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
	if len(list) > 0 {
		some(w, key, list, sensitive, put)
	}
}

func some[T any](w *writer, key uint64, list []T, sensitive func(*T) int, put func(*writer, *T)) {
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

// section reads the content of one section into the entry, and reports whether
// there is anything but core fields in it.
func (r *reader) section(e *readEntry, s Section, core bool) (own bool, err error) {
	if len(r.b) > maxSection {
		return false, &SyntaxError{What: "section too long"}
	}
	if core {
		e.Minutes = defaultMinutes
	}
	if bytes.Equal(r.b, nothing) {
		return false, nil
	}
	if len(r.b) == 0 {
		return false, &SyntaxError{What: "ends early"}
	}
	next := uint64(0)
	for r.off < len(r.b) {
		key := uint64(r.b[r.off])
		if r.off++; key >= 24 {
			r.off--
			key = r.uint(math.MaxUint8)
		}
		switch {
		case r.err != nil:
		case key < next:
			r.fail("keys not in rising order")
		case key == keyEdition:
			if r.edition = uint32(r.uint(math.MaxUint32)); r.edition < 2 { // #nosec G115 -- bounded
				r.fail("first edition written")
			}
		case core && key <= keyEarlier:
			r.core(&e.Entry, key)
		case key == keyExtensions:
			r.extensions(&e.Entry, s)
		case key < 32 && sectionKeys[s]&(1<<key) != 0:
			r.item(e, key)
		default:
			r.fail("unknown key")
		}
		next = key + 1
	}
	r.signsPlaced()
	if len(r.stack.observations) > maxItems-len(e.Observations) {
		r.fail("too many items")
	}
	if r.used != r.edition {
		r.fail("edition that no code needs")
	}
	e.Observations = pop(&r.stack.observations, 0, e.Observations)
	return next > keyEarlier+1, r.end()
}

func (r *reader) item(e *readEntry, key uint64) {
	s := r.stack
	switch key {
	case keyCost:
		e.Cost = &e.cost
		r.cost(e.Cost, &e.share)
	case keyService:
		if e.Cost == nil {
			r.fail("service without a cost")
			return
		}
		e.Cost.Service = chosen[serviceNames](r)
	case keyAllergies:
		e.Allergies = list(r, &s.allergies, maxItems, (*reader).allergy, nil)
	case keyMedicines:
		e.Prescriptions = list(r, &s.prescriptions, maxItems, (*reader).prescription, e.Prescriptions)
	case keyObservations:
		items(r, &s.observations, maxItems-len(e.Observations), (*reader).listed) // until the section's end
	case keyVitals:
		r.unpackVitals()
	case keyPanels:
		e.Panels = list(r, &s.panels, maxItems, (*reader).panel, e.Panels)
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
		e.Type = r.newCode(r.code(terms.Acts))
	case keyDiagnoses:
		e.Diagnoses = list(r, &s.diagnoses, maxItems, (*reader).diagnosis, e.Diagnoses)
	case keyProcedures:
		e.Procedures = list(r, &s.procedures, maxItems, (*reader).procedure, e.Procedures)
	case keyVaccines:
		e.Immunisations = list(r, &s.immunisations, maxItems, (*reader).immunisation, nil)
	case keyCarePlans:
		e.CarePlans = list(r, &s.carePlans, maxItems, (*reader).carePlan, e.CarePlans)
	case keyNotes:
		e.Notes = list(r, &s.notes, maxItems, (*reader).note, e.Notes)
	case keyImaging:
		e.Imaging = list(r, &s.imaging, maxItems, (*reader).imaging, nil)
	case keyReferrals:
		e.Referrals = list(r, &s.referrals, maxItems, (*reader).referral, e.Referrals)
	case keyOverrides:
		e.Overrides = list(r, &s.overrides, maxItems, (*reader).override, e.Overrides)
	}
}
