package record

import (
	"math"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// prescription = medicine, 0 dose, 1 frequency, 2 status, 3 at, 4 route,
// 5 as needed, 6 days, 7 ongoing, 8 quantity, 9 refills, 10 reasons,
// 11 directions, 12 statement
func (w *writer) prescription(x *Prescription) {
	w.lead(1)
	w.code(terms.Medicines, x.Medicine)
	w.attrQuantity(0, x.Dose)
	w.attrFrequency(1, x.Frequency)
	w.attrUint(2, uint64(x.Status))
	w.attrAt(3, &x.At)
	w.attrUint(4, uint64(x.Route))
	w.attrTrue(5, x.AsNeeded)
	w.attrUint(6, uint64(x.Days))
	w.attrTrue(7, x.Ongoing)
	w.attrQuantity(8, x.Quantity)
	w.attrUint(9, uint64(x.Refills))
	w.attrCodes(10, terms.Findings, x.Reasons)
	w.attrText(11, x.Directions)
	w.attrTrue(12, x.Statement)
}

func (r *reader) prescription(x *Prescription) {
	r.left--
	x.Medicine, x.Sensitive = r.code(terms.Medicines), r.secret
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.Dose = r.quantity(nil)
		case 1:
			x.Frequency = r.frequency()
		case 2:
			x.Status = chosen[medicationNames](r)
		case 3:
			x.At = r.at()
		case 4:
			x.Route = chosen[routeNames](r)
		case 5:
			x.AsNeeded = r.isTrue()
		case 6:
			x.Days = uint16(r.some(math.MaxUint16)) // #nosec G115 -- bounded
		case 7:
			x.Ongoing = r.isTrue()
		case 8:
			x.Quantity = r.quantity(nil)
		case 9:
			x.Refills = uint8(r.some(math.MaxUint8)) // #nosec G115 -- bounded
		case 10:
			x.Reasons = r.codes(terms.Findings, maxReasons)
		case 11:
			x.Directions = r.text(maxNote)
		case 12:
			x.Statement = r.isTrue()
		default:
			r.fail("unknown attribute")
		}
	}
}

// problem = code, 0 since, 1 chronic, 2 severity
func (w *writer) problem(x *Problem) {
	w.lead(1)
	w.code(terms.Findings, x.Code)
	w.attrMoment(0, &x.Since)
	w.attrTrue(1, x.Chronic)
	w.attrUint(2, uint64(x.Severity))
}

func (r *reader) problem(x *Problem) {
	r.left--
	x.Code = r.code(terms.Findings)
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.Since = r.moment(r.base)
		case 1:
			x.Chronic = r.isTrue()
		case 2:
			x.Severity = chosen[severityNames](r)
		default:
			r.fail("unknown attribute")
		}
	}
}

// medicine = code, 0 since, 1 until, 2 dose, 3 frequency, 4 route,
// 5 as needed, 6 ongoing
func (w *writer) medicine(x *Medicine) {
	w.lead(1)
	w.code(terms.Medicines, x.Code)
	w.attrMoment(0, &x.Since)
	w.attrMoment(1, &x.Until)
	w.attrQuantity(2, x.Dose)
	w.attrFrequency(3, x.Frequency)
	w.attrUint(4, uint64(x.Route))
	w.attrTrue(5, x.AsNeeded)
	w.attrTrue(6, x.Ongoing)
}

func (r *reader) medicine(x *Medicine) {
	r.left--
	x.Code = r.code(terms.Medicines)
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.Since = r.moment(r.base)
		case 1:
			x.Until = r.moment(r.base)
		case 2:
			x.Dose = r.quantity(nil)
		case 3:
			x.Frequency = r.frequency()
		case 4:
			x.Route = chosen[routeNames](r)
		case 5:
			x.AsNeeded = r.isTrue()
		case 6:
			x.Ongoing = r.isTrue()
		default:
			r.fail("unknown attribute")
		}
	}
}
