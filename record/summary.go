package record

import (
	"math"
)

// Encode returns the summary's CBOR, at most MaxSummary bytes. It owes
// ErrInvalid, also for a summary that is too long; Summarise makes none.
//
// summary = {0 edition of the code table, when not the first, 1 as of, 2 blood group, 3 [allergies], 4 [problems],
// 5 [medicines], 6 contact, 7 left out}
func (s *Summary) Encode() ([]byte, error) { return s.encode(MaxSummary, 0) }

func (s *Summary) encode(limit int, edition uint32) ([]byte, error) {
	return encode("summary", s.Validate(), limit, edition, func(m *mapWriter) {
		m.optMoment(1, s.AsOf, Epoch)
		m.optUint(2, uint64(s.BloodGroup))
		flat(m, 3, s.Allergies, (*writer).allergy)
		flat(m, 4, s.Problems, (*writer).problem)
		flat(m, 5, s.Medicines, (*writer).medicine)
		if c := s.Contact; c != nil {
			m.key(6)
			m.attrs(func(m *mapWriter) { m.optText(1, c.Name); m.optText(2, c.Phone) })
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
			s.Allergies = list(r, &r.stack.allergies, maxItems, (*reader).allergy, nil)
		case 4:
			s.Problems = list(r, &r.stack.problems, maxItems, (*reader).problem, nil)
		case 5:
			s.Medicines = list(r, &r.stack.medicines, maxItems, (*reader).medicine, nil)
		case 6:
			s.Contact = r.contact()
		case 7:
			s.Left = uint16(r.uint(math.MaxUint16)) // #nosec G115 -- bounded
		default:
			return false
		}
		return true
	}, func(edition uint32) ([]byte, error) { return s.encode(MaxSummary, edition) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Validate owes ErrInvalid.
func (s *Summary) Validate() error {
	var c checker
	c.moment("as_of", &s.AsOf)
	choice(&c, "blood_group", s.BloodGroup)
	for i := range s.Allergies {
		c.allergy(&s.Allergies[i])
	}
	for _, p := range s.Problems {
		c.code("problems.code", &p.Code)
		c.moment("problems.since", &p.Since)
		choice(&c, "problems.severity", p.Severity)
	}
	for _, x := range s.Medicines {
		c.code("medicines.code", &x.Code)
		c.moment("medicines.since", &x.Since)
		c.moment("medicines.until", &x.Until)
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

// flat writes a flat list, or nothing when it is empty.
func flat[T any](m *mapWriter, key uint64, list []T, put func(*writer, *T)) {
	if len(list) == 0 {
		return
	}
	m.key(key)
	mark := m.open()
	for i := range list {
		put(m.writer, &list[i])
	}
	m.finish(mark)
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
