package record

import (
	"slices"
	"time"
)

// Amended tells which of the entries, by their ID, others among them replace,
// and by which: the replacing ones stand in the order in which they are given.
// An entry never replaces itself or one that was written after it, since it
// names what it replaces by the hash of its sealed bytes.
func Amended(entries []*Entry) map[EntryID][]EntryID {
	var by map[EntryID][]EntryID
	for _, e := range entries {
		if e.Amends == nil {
			continue
		}
		if by == nil {
			by = make(map[EntryID][]EntryID)
		}
		by[*e.Amends] = append(by[*e.Amends], e.ID)
	}
	return by
}

// Revise brings a summary up to date with one entry. What an entry says that
// this one replaces, directly or through others, is withdrawn. Whatever else in
// history says something of the same codes counts again, each in its time, so
// that an entry that comes late undoes nothing; one that another in history
// replaces already adds nothing. history is what is known of the person, in any
// order; it may hold e.
func Revise(prev *Summary, e *Entry, history []*Entry, now time.Time) *Summary {
	byID := make(map[EntryID]*Entry, len(history))
	for _, h := range history {
		byID[h.ID] = h
	}
	matter := []*Entry{e}
	said := make(map[Code]bool)
	hear := func(x *Entry) { eachSaid(x, func(c Code) { said[c] = true }) }
	hear(e)
	// A chain is finite: each identifier is a hash over the one before it.
	for x := e; x.Amends != nil && byID[*x.Amends] != nil; {
		x = byID[*x.Amends]
		hear(x)
		matter = append(matter, x)
	}
	for _, h := range history {
		if h.ID != e.ID && !slices.Contains(matter, h) {
			matter = append(matter, h.about(said))
		}
	}
	return Summarise(prev, matter, now)
}

// eachSaid calls f for the code of everything that a summary would take from e.
func eachSaid(e *Entry, f func(Code)) {
	for i := range e.Allergies {
		f(e.Allergies[i].Code)
	}
	for i := range e.Diagnoses {
		f(e.Diagnoses[i].Code)
	}
	for i := range e.Prescriptions {
		f(e.Prescriptions[i].Medicine)
	}
	eachObservation(e, func(x *Observation) { f(x.Code) })
}

func eachObservation(e *Entry, f func(*Observation)) {
	for i := range e.Observations {
		f(&e.Observations[i])
	}
	for i := range e.Panels {
		for j := range e.Panels[i].Observations {
			f(&e.Panels[i].Observations[j])
		}
	}
}

// about returns e with nothing but its items of those codes.
func (e *Entry) about(codes map[Code]bool) *Entry {
	out := &Entry{ID: e.ID, Person: e.Person, Start: e.Start, Part: e.Part, Amends: e.Amends, EnteredInError: e.EnteredInError}
	for _, x := range e.Allergies {
		if codes[x.Code] {
			out.Allergies = append(out.Allergies, x)
		}
	}
	for _, x := range e.Diagnoses {
		if codes[x.Code] {
			out.Diagnoses = append(out.Diagnoses, x)
		}
	}
	for _, x := range e.Prescriptions {
		if codes[x.Medicine] {
			out.Prescriptions = append(out.Prescriptions, x)
		}
	}
	eachObservation(e, func(x *Observation) {
		if codes[x.Code] {
			out.Observations = append(out.Observations, *x)
		}
	})
	return out
}

// withdraw takes back what e had said and nobody has said again since: an
// allergy or a medicine that another entry has told later stays.
func (s *Summary) withdraw(e *Entry) {
	for i := range e.Allergies {
		x := &e.Allergies[i]
		at := x.At.or(e.Start)
		s.Allergies = slices.DeleteFunc(s.Allergies, func(a Allergy) bool { return a.Code == x.Code && a.At.same(at) })
	}
	for i := range e.Diagnoses {
		c := e.Diagnoses[i].Code
		s.Problems = slices.DeleteFunc(s.Problems, func(p Problem) bool { return p.Code == c })
	}
	for i := range e.Prescriptions {
		x := &e.Prescriptions[i]
		at := x.At.or(e.Start)
		s.Medicines = slices.DeleteFunc(s.Medicines, func(m Medicine) bool { return m.Code == x.Medicine && m.Since.same(at) })
	}
	eachObservation(e, func(x *Observation) {
		if g, ok := x.blood(); ok && g == s.BloodGroup {
			s.BloodGroup = 0
		}
	})
}
