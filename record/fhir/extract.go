package fhir

import (
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// old is how long a problem that is neither chronic nor said to be over stands
// among the current ones.
const old = 365 * 24 * time.Hour

// extract returns what of a record counts at a time, in entries that hold
// nothing else, oldest first:
//
//   - of every problem, allergy, procedure, single result and panel the newest
//     word, unless it was refuted or entered in error;
//   - the newest prescription of every medicine that is taken now;
//   - the vaccines that were given;
//   - the care plans that are not over.
//
// Results are those of the laboratory and of imaging, vital signs and the
// social history. "Nothing known" of allergies, problems or medicines is kept
// where nothing of its kind is. Costs, notes, references to images, care plans
// that are over and other observations are no part of a summary, nor are
// amendments: the entries are those that stand.
func extract(entries []*record.Entry, now time.Time, sensitive bool) ([]*record.Entry, error) {
	p := picker{now: now, sensitive: sensitive, seen: make(map[pick]bool)}
	var out []*record.Entry
	for _, e := range slices.Backward(record.Standing(entries)) {
		seed, err := seedOf(e)
		if err != nil {
			return nil, err
		}
		c := p.entry(marked(e))
		c.ID = seed
		out = append(out, c)
	}
	slices.Reverse(out)
	for _, e := range out {
		e.Allergies = slices.DeleteFunc(e.Allergies, func(a record.Allergy) bool { return p.real[sectionAllergies] && terms.Absent(a.Code) })
		e.Diagnoses = slices.DeleteFunc(e.Diagnoses, func(d record.Diagnosis) bool { return p.real[sectionProblems] && terms.Absent(d.Code) })
		e.Prescriptions = slices.DeleteFunc(e.Prescriptions, func(m record.Prescription) bool {
			return p.real[sectionMedicines] && terms.Absent(m.Medicine)
		})
		e.Normalise()
	}
	return slices.DeleteFunc(out, empty), nil
}

// marked returns an entry whose items are marked by all that they say, since
// the table may have learnt that a code is sensitive after the entry was
// written. The entry is not changed.
func marked(e *record.Entry) *record.Entry {
	c := *e
	c.Diagnoses, c.Prescriptions, c.Observations = slices.Clone(e.Diagnoses), slices.Clone(e.Prescriptions), slices.Clone(e.Observations)
	c.Procedures, c.CarePlans, c.Panels = slices.Clone(e.Procedures), slices.Clone(e.CarePlans), slices.Clone(e.Panels)
	c.Referrals, c.Overrides = slices.Clone(e.Referrals), slices.Clone(e.Overrides)
	for i := range c.Panels {
		c.Panels[i].Observations = slices.Clone(c.Panels[i].Observations)
	}
	c.MarkSensitive()
	return &c
}

type pick struct {
	kind string
	code record.Code
}

// picker goes through entries from the newest to the oldest.
type picker struct {
	now       time.Time
	sensitive bool
	seen      map[pick]bool
	real      [numSections]bool // there is one that is more than "nothing known"
}

// first reports whether a code is met for the first time in its kind.
func (p *picker) first(kind string, c record.Code) bool {
	k := pick{kind, c}
	if p.seen[k] {
		return false
	}
	p.seen[k] = true
	return true
}

// hidden reports whether an item is not for this summary. One that is hidden
// still hides what is older.
func (p *picker) hidden(secret bool) bool { return secret && !p.sensitive }

func (p *picker) entry(e *record.Entry) *record.Entry {
	c := &record.Entry{
		Person: e.Person, Start: e.Start, Minutes: e.Minutes, Class: e.Class, Facility: e.Facility,
		Practitioner: e.Practitioner, Part: e.Part, Missing: e.Missing,
	}
	if p.sensitive || !e.Sensitive {
		c.Type, c.Reasons, c.Sensitive = e.Type, e.Reasons, e.Sensitive
	}
	c.Diagnoses = pickFrom(e.Diagnoses, func(d *record.Diagnosis) bool {
		ok := p.first("problem", d.Code) && !p.hidden(d.Sensitive) && d.Certainty < record.Refuted
		p.real[sectionProblems] = p.real[sectionProblems] || ok && !terms.Absent(d.Code) && !over(d, e, p.now)
		return ok
	})
	c.Allergies = pickFrom(e.Allergies, func(a *record.Allergy) bool {
		ok := p.first("allergy", a.Code) && a.Certainty < record.Refuted
		p.real[sectionAllergies] = p.real[sectionAllergies] || ok && !terms.Absent(a.Code) && a.Status == record.ConditionActive
		return ok
	})
	c.Prescriptions = pickFrom(e.Prescriptions, func(m *record.Prescription) bool {
		ok := p.first("medicine", m.Medicine) && !p.hidden(m.Sensitive) && (m.Taken(e.Start, p.now) || terms.Absent(m.Medicine))
		p.real[sectionMedicines] = p.real[sectionMedicines] || ok && !terms.Absent(m.Medicine)
		return ok
	})
	c.Observations = pickFrom(e.Observations, func(o *record.Observation) bool {
		return observationSection(o) != noSection && counts(o.Status) && p.first("result", o.Code) && !p.hidden(o.Sensitive)
	})
	c.Panels = pickFrom(e.Panels, func(l *record.Panel) bool {
		return counts(l.Status) && p.first("panel", l.Code) && !p.hidden(l.Sensitive)
	})
	c.Procedures = pickFrom(e.Procedures, func(d *record.Procedure) bool {
		return d.Status == record.ProcedureCompleted && p.first("procedure", d.Code) && !p.hidden(d.Sensitive)
	})
	c.Immunisations = pickFrom(e.Immunisations, func(m *record.Immunisation) bool { return m.Status == record.ImmunisationCompleted })
	c.CarePlans = pickFrom(e.CarePlans, func(l *record.CarePlan) bool {
		running := l.Status < record.PlanRevoked && (l.End.IsZero() || p.now.Before(l.End.End()))
		return p.first("plan", l.Code) && running && !p.hidden(l.Sensitive)
	})
	return c
}

// pickFrom looks at items from the last to the first and returns the chosen in
// their order.
func pickFrom[T any](list []T, choose func(*T) bool) []T {
	var out []T
	for i := len(list) - 1; i >= 0; i-- {
		if choose(&list[i]) {
			out = append(out, list[i])
		}
	}
	slices.Reverse(out)
	return out
}

// counts reports whether a result of this status is one.
func counts(s record.ObservationStatus) bool {
	return s != record.ObservationCancelled && s != record.ObservationEnteredInError
}

// over reports whether a problem belongs to the history.
func over(d *record.Diagnosis, e *record.Entry, now time.Time) bool {
	switch {
	case d.Status >= record.ConditionInactive || !d.End.IsZero():
		return true
	case d.Chronic || terms.Chronic(d.Code) || terms.Absent(d.Code):
		return false
	}
	since := first(d.Onset, d.At)
	if since.IsZero() {
		since = record.At(e.Start)
	}
	return now.After(since.End().Add(old))
}

// observationSection is the section of a single result.
func observationSection(o *record.Observation) section {
	switch o.Category {
	case record.CategoryLaboratory, record.CategoryImaging:
		return sectionResults
	case record.CategoryVitalSigns:
		return sectionVitals
	case record.CategorySocialHistory:
		return sectionSocial
	default:
		return noSection
	}
}
