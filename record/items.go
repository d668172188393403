package record

import (
	"math"
	"time"
)

// Each kind of item has its writer, which returns the number of elements that
// it put into the flat list, and its reader beside it. An item is its leading
// element, usually a code, and a map of attributes when any differs from its
// default.

// attributes writes the optional map behind an item's leading elements.
func (w *writer) attributes(leading int, f func(m *mapWriter)) int {
	if w.attrs(true, f) > 0 {
		return leading + 1
	}
	return leading
}

// attributes reads the map behind an item's leading elements, if one is there.
func (r *reader) attributes(leading int, f func(key uint64) bool) {
	r.left -= leading
	if r.left > 0 && r.peek() == majorMap {
		r.left--
		r.attrs(f)
	}
}

// optAt writes an item's time unless it is the encounter's start.
func (m *mapWriter) optAt(k uint64, at Moment, base time.Time) {
	if at.Precision != ToMinute || !at.Time.Equal(base) {
		m.optMoment(k, at, base)
	}
}

// allergy = code, ? {1 kind, 2 group, 3 criticality, 4 severity, 5 reactions,
// 6 status, 7 certainty, 8 at, 9 onset, 10 note}
func (w *writer) allergy(x *Allergy, base time.Time) int {
	w.code(x.Code)
	return w.attributes(1, func(m *mapWriter) {
		m.optUint(1, uint64(x.Kind))
		m.optUint(2, uint64(x.Group))
		m.optUint(3, uint64(x.Criticality))
		m.optUint(4, uint64(x.Severity))
		m.optCodes(5, x.Reactions)
		m.optUint(6, uint64(x.Status))
		m.optUint(7, uint64(x.Certainty))
		m.optAt(8, x.At, base)
		m.optMoment(9, x.Onset, base)
		m.optText(10, x.Note)
	})
}

func (r *reader) allergy(base time.Time) (x Allergy) {
	x.Code = r.code()
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Kind = readEnum[allergyKindNames](r)
		case 2:
			x.Group = readEnum[allergyGroupNames](r)
		case 3:
			x.Criticality = readEnum[criticalityNames](r)
		case 4:
			x.Severity = readEnum[severityNames](r)
		case 5:
			x.Reactions = r.codes(maxReactions)
		case 6:
			x.Status = readEnum[conditionNames](r)
		case 7:
			x.Certainty = readEnum[certaintyNames](r)
		case 8:
			x.At = r.moment(base)
		case 9:
			x.Onset = r.moment(base)
		case 10:
			x.Note = r.text(maxNote)
		default:
			return false
		}
		return true
	})
	return x
}

// prescription = medicine, ? {1 dose, 2 frequency, 3 status, 4 at, 5 route,
// 6 as needed, 7 days, 8 ongoing, 9 quantity, 10 refills, 11 reasons,
// 12 directions, 13 statement}
func (w *writer) prescription(x *Prescription, base time.Time) int {
	w.code(x.Medicine)
	return w.attributes(1, func(m *mapWriter) {
		m.optQuantity(1, x.Dose)
		m.optFrequency(2, x.Frequency)
		m.optUint(3, uint64(x.Status))
		m.optAt(4, x.At, base)
		m.optUint(5, uint64(x.Route))
		m.optTrue(6, x.AsNeeded)
		m.optUint(7, uint64(x.Days))
		m.optTrue(8, x.Ongoing)
		m.optQuantity(9, x.Quantity)
		m.optUint(10, uint64(x.Refills))
		m.optCodes(11, x.Reasons)
		m.optText(12, x.Directions)
		m.optTrue(13, x.Statement)
	})
}

func (r *reader) prescription(base time.Time, secret bool) Prescription {
	x := Prescription{Medicine: r.code(), Sensitive: secret}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Dose = r.quantity()
		case 2:
			x.Frequency = r.frequency()
		case 3:
			x.Status = readEnum[medicationNames](r)
		case 4:
			x.At = r.moment(base)
		case 5:
			x.Route = readEnum[routeNames](r)
		case 6:
			x.AsNeeded = r.isTrue()
		case 7:
			x.Days = uint16(r.uint(math.MaxUint16)) // #nosec G115 -- bounded
		case 8:
			x.Ongoing = r.isTrue()
		case 9:
			x.Quantity = r.quantity()
		case 10:
			x.Refills = uint8(r.uint(math.MaxUint8)) // #nosec G115 -- bounded
		case 11:
			x.Reasons = r.codes(maxReasons)
		case 12:
			x.Directions = r.text(maxNote)
		case 13:
			x.Statement = r.isTrue()
		default:
			return false
		}
		return true
	})
	return x
}
