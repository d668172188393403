package record

import (
	"math"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// diagnosis = code, 0 status, 1 certainty, 2 severity, 3 chronic, 4 at,
// 5 onset, 6 end, 7 note
func (w *writer) diagnosis(x *Diagnosis) {
	w.lead(1)
	w.code(terms.Findings, x.Code)
	w.attrUint(0, uint64(x.Status))
	w.attrUint(1, uint64(x.Certainty))
	w.attrUint(2, uint64(x.Severity))
	w.attrTrue(3, x.Chronic)
	w.attrAt(4, &x.At)
	w.attrMoment(5, &x.Onset)
	w.attrMoment(6, &x.End)
	w.attrText(7, x.Note)
}

func (r *reader) diagnosis(x *Diagnosis) {
	r.left--
	x.Code, x.Sensitive = r.code(terms.Findings), r.secret
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.Status = chosen[conditionNames](r)
		case 1:
			x.Certainty = chosen[certaintyNames](r)
		case 2:
			x.Severity = chosen[severityNames](r)
		case 3:
			x.Chronic = r.isTrue()
		case 4:
			x.At = r.at()
		case 5:
			x.Onset = r.moment(r.base)
		case 6:
			x.End = r.moment(r.base)
		case 7:
			x.Note = r.text(maxNote)
		default:
			r.fail("unknown attribute")
		}
	}
}

// procedure = code, minutes, 0 status, 1 at, 2 reasons, 3 body site, 4 note
func (w *writer) procedure(x *Procedure) {
	w.lead(2)
	w.code(terms.Acts, x.Code)
	w.minutes(x.Minutes)
	w.attrUint(0, uint64(x.Status))
	w.attrAt(1, &x.At)
	w.attrReasons(2, x.Reasons)
	w.attrCode(3, terms.Acts, x.BodySite)
	w.attrText(4, x.Note)
}

func (r *reader) procedure(x *Procedure) {
	r.left -= 2
	x.Code, x.Sensitive = r.code(terms.Acts), r.secret
	x.Minutes = r.minutes()
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.Status = chosen[procedureNames](r)
		case 1:
			x.At = r.at()
		case 2:
			x.Reasons = r.itemReasons()
		case 3:
			x.BodySite = r.newCode(r.code(terms.Acts))
		case 4:
			x.Note = r.text(maxNote)
		default:
			r.fail("unknown attribute")
		}
	}
}

// immunisation = vaccine, 0 dose, 1 lot, 2 status, 3 at, 4 route, 5 site
func (w *writer) immunisation(x *Immunisation) {
	w.lead(1)
	w.code(terms.Vaccines, x.Vaccine)
	w.attrUint(0, uint64(x.Dose))
	w.attrText(1, x.Lot)
	w.attrUint(2, uint64(x.Status))
	w.attrAt(3, &x.At)
	w.attrUint(4, uint64(x.Route))
	w.attrCode(5, terms.Acts, x.Site)
}

func (r *reader) immunisation(x *Immunisation) {
	r.left--
	x.Vaccine = r.code(terms.Vaccines)
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.Dose = uint8(r.some(math.MaxUint8)) // #nosec G115 -- bounded
		case 1:
			x.Lot = r.text(maxLot)
		case 2:
			x.Status = chosen[immunisationNames](r)
		case 3:
			x.At = r.at()
		case 4:
			x.Route = chosen[routeNames](r)
		case 5:
			x.Site = r.newCode(r.code(terms.Acts))
		default:
			r.fail("unknown attribute")
		}
	}
}
