package record

import (
	"math"
	"time"
)

// diagnosis = code, ? {1 status, 2 certainty, 3 severity, 4 chronic, 5 at,
// 6 onset, 7 end, 8 note}
func (w *writer) diagnosis(x *Diagnosis, base time.Time) int {
	w.code(x.Code)
	return w.attributes(1, func(m *mapWriter) {
		m.optUint(1, uint64(x.Status))
		m.optUint(2, uint64(x.Certainty))
		m.optUint(3, uint64(x.Severity))
		m.optTrue(4, x.Chronic)
		m.optAt(5, x.At, base)
		m.optMoment(6, x.Onset, base)
		m.optMoment(7, x.End, base)
		m.optText(8, x.Note)
	})
}

func (r *reader) diagnosis(base time.Time, secret bool) Diagnosis {
	x := Diagnosis{Code: r.code(), Sensitive: secret}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Status = readEnum[conditionNames](r)
		case 2:
			x.Certainty = readEnum[certaintyNames](r)
		case 3:
			x.Severity = readEnum[severityNames](r)
		case 4:
			x.Chronic = r.isTrue()
		case 5:
			x.At = r.moment(base)
		case 6:
			x.Onset = r.moment(base)
		case 7:
			x.End = r.moment(base)
		case 8:
			x.Note = r.text(maxNote)
		default:
			return false
		}
		return true
	})
	return x
}

// procedure = code, ? {1 minutes, 2 status, 3 at, 4 reasons, 5 body site, 6 note}
func (w *writer) procedure(x *Procedure, base time.Time) int {
	w.code(x.Code)
	return w.attributes(1, func(m *mapWriter) {
		m.optUint(1, uint64(x.Minutes))
		m.optUint(2, uint64(x.Status))
		m.optAt(3, x.At, base)
		m.optCodes(4, x.Reasons)
		m.optCode(5, x.BodySite)
		m.optText(6, x.Note)
	})
}

func (r *reader) procedure(base time.Time, secret bool) Procedure {
	x := Procedure{Code: r.code(), Sensitive: secret}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Minutes = uint32(r.uint(math.MaxUint32)) // #nosec G115 -- bounded
		case 2:
			x.Status = readEnum[procedureNames](r)
		case 3:
			x.At = r.moment(base)
		case 4:
			x.Reasons = r.codes(maxReasons)
		case 5:
			c := r.code()
			x.BodySite = &c
		case 6:
			x.Note = r.text(maxNote)
		default:
			return false
		}
		return true
	})
	return x
}

// immunisation = vaccine, ? {1 dose, 2 lot, 3 status, 4 at, 5 route, 6 site}
func (w *writer) immunisation(x *Immunisation, base time.Time) int {
	w.code(x.Vaccine)
	return w.attributes(1, func(m *mapWriter) {
		m.optUint(1, uint64(x.Dose))
		m.optText(2, x.Lot)
		m.optUint(3, uint64(x.Status))
		m.optAt(4, x.At, base)
		m.optUint(5, uint64(x.Route))
		m.optCode(6, x.Site)
	})
}

func (r *reader) immunisation(base time.Time) Immunisation {
	x := Immunisation{Vaccine: r.code()}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Dose = uint8(r.uint(math.MaxUint8)) // #nosec G115 -- bounded
		case 2:
			x.Lot = r.text(maxLot)
		case 3:
			x.Status = readEnum[immunisationNames](r)
		case 4:
			x.At = r.moment(base)
		case 5:
			x.Route = readEnum[routeNames](r)
		case 6:
			c := r.code()
			x.Site = &c
		default:
			return false
		}
		return true
	})
	return x
}
