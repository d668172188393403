package record

import (
	"math"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// referral = to, 0 urgency, 1 facility, 2 status, 3 at, 4 reasons, 5 note
func (w *writer) referral(x *Referral) {
	w.lead(1)
	w.code(terms.Acts, x.To)
	w.attrUint(0, uint64(x.Urgency))
	w.attrUint(1, uint64(x.Facility))
	w.attrUint(2, uint64(x.Status))
	w.attrAt(3, &x.At)
	w.attrReasons(4, x.Reasons)
	w.attrText(5, x.Note)
}

func (r *reader) referral(x *Referral) {
	r.left--
	x.To, x.Sensitive = r.code(terms.Acts), r.secret
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.Urgency = chosen[urgencyNames](r)
		case 1:
			x.Facility = uint32(r.some(math.MaxUint32)) // #nosec G115 -- bounded
		case 2:
			x.Status = chosen[referralNames](r)
		case 3:
			x.At = r.at()
		case 4:
			x.Reasons = r.itemReasons()
		case 5:
			x.Note = r.text(maxNote)
		default:
			r.fail("unknown attribute")
		}
	}
}

// override = rule, about, 0 kind, 1 reason, 2 note
func (w *writer) override(x *Override) {
	w.lead(2)
	w.text(x.Rule)
	w.codes(terms.Medicines, x.About)
	w.attrUint(0, uint64(x.Kind))
	w.attrUint(1, uint64(x.Reason))
	w.attrText(2, x.Note)
}

func (r *reader) override(x *Override) {
	r.left -= 2
	x.Rule, x.Sensitive = r.text(maxRule), r.secret
	x.About = r.codes(terms.Medicines, maxAbout)
	if r.err == nil && !validRule(x.Rule) {
		r.fail("malformed name of a rule")
	}
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.Kind = chosen[alertNames](r)
		case 1:
			x.Reason = chosen[overrideNames](r)
		case 2:
			x.Note = r.text(maxNote)
		default:
			r.fail("unknown attribute")
		}
	}
}
