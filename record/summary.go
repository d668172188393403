package record

import (
	"math"
)

// Encode returns the summary's CBOR, at most MaxSummary bytes. It owes
// ErrInvalid, also for a summary that is too long; Summarise makes none.
//
// summary = {1 as of, 2 blood group, 3 [allergies], 4 [problems],
// 5 [medicines], 6 contact, 7 left out}
func (s *Summary) Encode() ([]byte, error) { return s.encode(MaxSummary) }

func (s *Summary) encode(limit int) ([]byte, error) {
	return encode("summary", s.Validate(), limit, func(m *mapWriter) {
		m.optMoment(1, s.AsOf, Epoch)
		m.optUint(2, uint64(s.BloodGroup))
		items(m, 3, s.Allergies, always, func(w *writer, x *Allergy) int { return w.allergy(x, Epoch) })
		items(m, 4, s.Problems, always, (*writer).problem)
		items(m, 5, s.Medicines, always, (*writer).medicine)
		if c := s.Contact; c != nil {
			m.key(6)
			m.attrs(false, func(m *mapWriter) { m.optText(1, c.Name); m.optText(2, c.Phone) })
		}
		m.optUint(7, uint64(s.Left))
	})
}

// DecodeSummary reads what Encode wrote. It owes a SyntaxError.
func DecodeSummary(b []byte) (*Summary, error) {
	s := new(Summary)
	err := decode("summary", b, MaxSummary, func(r *reader, key uint64) bool {
		switch key {
		case 1:
			s.AsOf = r.moment(Epoch)
		case 2:
			s.BloodGroup = readEnum[bloodNames](r)
		case 3:
			s.Allergies = list(r, nil, func() Allergy { return r.allergy(Epoch) })
		case 4:
			s.Problems = list(r, nil, r.problem)
		case 5:
			s.Medicines = list(r, nil, r.medicine)
		case 6:
			s.Contact = r.contact()
		case 7:
			s.Left = uint16(r.uint(math.MaxUint16)) // #nosec G115 -- bounded
		default:
			return false
		}
		return true
	}, s.Encode)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Validate owes ErrInvalid.
func (s *Summary) Validate() error {
	var c checker
	c.moment("as_of", s.AsOf)
	choice(&c, "blood_group", s.BloodGroup)
	for i := range s.Allergies {
		c.allergy(&s.Allergies[i])
	}
	for _, p := range s.Problems {
		c.code("problems.code", p.Code)
		c.moment("problems.since", p.Since)
		choice(&c, "problems.severity", p.Severity)
	}
	for _, x := range s.Medicines {
		c.code("medicines.code", x.Code)
		c.moment("medicines.since", x.Since)
		c.moment("medicines.until", x.Until)
		c.quantity("medicines.dose", x.Dose)
		c.frequency("medicines.frequency", x.Frequency)
		choice(&c, "medicines.route", x.Route)
	}
	if s.Contact != nil {
		c.text("contact.name", s.Contact.Name, maxShort)
		c.needText("contact.phone", s.Contact.Phone, maxUnit)
	}
	return c.err
}

// problem = code, ? {1 since, 2 chronic, 3 severity}
func (w *writer) problem(x *Problem) int {
	w.code(x.Code)
	return w.attributes(1, func(m *mapWriter) {
		m.optMoment(1, x.Since, Epoch)
		m.optTrue(2, x.Chronic)
		m.optUint(3, uint64(x.Severity))
	})
}

func (r *reader) problem() Problem {
	x := Problem{Code: r.code()}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Since = r.moment(Epoch)
		case 2:
			x.Chronic = r.isTrue()
		case 3:
			x.Severity = readEnum[severityNames](r)
		default:
			return false
		}
		return true
	})
	return x
}

// medicine = code, ? {1 since, 2 until, 3 dose, 4 frequency, 5 route,
// 6 as needed, 7 ongoing}
func (w *writer) medicine(x *Medicine) int {
	w.code(x.Code)
	return w.attributes(1, func(m *mapWriter) {
		m.optMoment(1, x.Since, Epoch)
		m.optMoment(2, x.Until, Epoch)
		m.optQuantity(3, x.Dose)
		m.optFrequency(4, x.Frequency)
		m.optUint(5, uint64(x.Route))
		m.optTrue(6, x.AsNeeded)
		m.optTrue(7, x.Ongoing)
	})
}

func (r *reader) medicine() Medicine {
	x := Medicine{Code: r.code()}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Since = r.moment(Epoch)
		case 2:
			x.Until = r.moment(Epoch)
		case 3:
			x.Dose = r.quantity()
		case 4:
			x.Frequency = r.frequency()
		case 5:
			x.Route = readEnum[routeNames](r)
		case 6:
			x.AsNeeded = r.isTrue()
		case 7:
			x.Ongoing = r.isTrue()
		default:
			return false
		}
		return true
	})
	return x
}

func (r *reader) contact() *Contact {
	c := new(Contact)
	r.attrs(func(key uint64) bool {
		switch key {
		case 1:
			c.Name = r.text(maxShort)
		case 2:
			c.Phone = r.text(maxUnit)
		default:
			return false
		}
		return true
	})
	return c
}
