package record

import "slices"

// Size returns the sum of the lengths of e's encoded sections. It owes
// ErrInvalid.
func (e *Entry) Size() (int, error) {
	b, _, err := e.AppendTo(make([]byte, 0, 512))
	return len(b), err
}

// Split returns e cut into continuation entries of at most limit bytes of
// content each, at the boundaries of items; MaxContent suits a card. The first
// has e's part number and its cost, type, reasons and extensions; the others
// count on. A panel that is too long is cut between its observations. An item
// that alone exceeds the limit stands in an entry of its own. An entry that
// fits, or that is not valid, is returned as it is.
func Split(e *Entry, limit int) []*Entry {
	if n, err := e.Size(); err != nil || n <= limit {
		return []*Entry{e}
	}
	s := splitter{whole: e, limit: limit}
	first := s.blank()
	first.Cost, first.Type, first.Reasons, first.Sensitive = e.Cost, e.Type, e.Reasons, e.Sensitive
	first.Extensions = e.Extensions
	s.out = []*Entry{first}
	spread(&s, e.Allergies, func(t *Entry) *[]Allergy { return &t.Allergies })
	spread(&s, e.Overrides, func(t *Entry) *[]Override { return &t.Overrides })
	spread(&s, e.Diagnoses, func(t *Entry) *[]Diagnosis { return &t.Diagnoses })
	spread(&s, e.Prescriptions, func(t *Entry) *[]Prescription { return &t.Prescriptions })
	spread(&s, e.Procedures, func(t *Entry) *[]Procedure { return &t.Procedures })
	spread(&s, e.Immunisations, func(t *Entry) *[]Immunisation { return &t.Immunisations })
	spread(&s, e.CarePlans, func(t *Entry) *[]CarePlan { return &t.CarePlans })
	spread(&s, e.Referrals, func(t *Entry) *[]Referral { return &t.Referrals })
	spread(&s, e.Notes, func(t *Entry) *[]Note { return &t.Notes })
	spread(&s, e.Imaging, func(t *Entry) *[]Imaging { return &t.Imaging })
	spread(&s, e.Observations, func(t *Entry) *[]Observation { return &t.Observations })
	spread(&s, s.shortPanels(), func(t *Entry) *[]Panel { return &t.Panels })
	return s.out
}

type splitter struct {
	whole *Entry
	limit int
	out   []*Entry
}

// blank returns an entry with the core fields only and the next part number.
func (s *splitter) blank() *Entry {
	e := s.whole
	return &Entry{
		Person: e.Person, Start: e.Start, Minutes: e.Minutes, Class: e.Class, Facility: e.Facility,
		Practitioner: e.Practitioner, Amends: e.Amends, EnteredInError: e.EnteredInError,
		Part: e.Part + uint8(len(s.out)), // #nosec G115 -- Validate bounds the entry, and so the parts
	}
}

// spread puts items into the last part, and into a new one when it is full.
func spread[T any](s *splitter, items []T, field func(*Entry) *[]T) {
	for _, item := range items {
		last := s.out[len(s.out)-1]
		list := field(last)
		*list = append(*list, item)
		if n, err := last.Size(); err == nil && n <= s.limit {
			continue
		}
		if *list = (*list)[:len(*list)-1]; len(*list) == 0 {
			*list = nil
			if last.bare() {
				*list = []T{item} // alone too long
				continue
			}
		}
		next := s.blank()
		*field(next) = []T{item}
		s.out = append(s.out, next)
	}
}

func (e *Entry) bare() bool {
	return e.Cost == nil && e.Type == nil && len(e.Reasons)+len(e.Extensions)+len(e.Allergies)+len(e.Prescriptions)+
		len(e.Observations)+len(e.Panels)+len(e.Diagnoses)+len(e.Procedures)+len(e.Immunisations)+len(e.CarePlans)+
		len(e.Notes)+len(e.Imaging)+len(e.Referrals)+len(e.Overrides) == 0
}

// shortPanels returns the panels with those that are too long cut in halves.
func (s *splitter) shortPanels() []Panel {
	var out []Panel
	todo := slices.Clone(s.whole.Panels)
	for len(todo) > 0 {
		p := todo[0]
		todo = todo[1:]
		alone := s.blank()
		alone.Part = 0
		alone.Panels = []Panel{p}
		if n, err := alone.Size(); err == nil && n > s.limit && len(p.Observations) > 1 {
			a, b := p, p
			half := len(p.Observations) / 2
			a.Observations, b.Observations = p.Observations[:half:half], p.Observations[half:]
			b.Conclusion = ""
			todo = append([]Panel{a, b}, todo...)
			continue
		}
		out = append(out, p)
	}
	return out
}
