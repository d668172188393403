package record

import (
	"slices"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// MarkSensitive marks every item whose code alone makes it sensitive, and every
// override that is about a sensitive item of the entry.
func (e *Entry) MarkSensitive() {
	mark := func(flag *bool, cs ...Code) {
		for _, c := range cs {
			*flag = *flag || terms.Sensitive(c)
		}
	}
	if e.Type != nil {
		mark(&e.Sensitive, *e.Type)
	}
	mark(&e.Sensitive, e.Reasons...)
	for i := range e.Diagnoses {
		mark(&e.Diagnoses[i].Sensitive, e.Diagnoses[i].Code)
	}
	for i := range e.Prescriptions {
		x := &e.Prescriptions[i]
		mark(&x.Sensitive, x.Medicine)
		mark(&x.Sensitive, x.Reasons...)
	}
	for i := range e.Observations {
		markObservation(&e.Observations[i])
	}
	for i := range e.Panels {
		x := &e.Panels[i]
		mark(&x.Sensitive, x.Code)
		for j := range x.Observations {
			markObservation(&x.Observations[j])
			x.Sensitive = x.Sensitive || x.Observations[j].Sensitive
		}
		for j := range x.Observations {
			x.Observations[j].Sensitive = x.Sensitive
		}
	}
	for i := range e.Procedures {
		x := &e.Procedures[i]
		mark(&x.Sensitive, x.Code)
		mark(&x.Sensitive, x.Reasons...)
	}
	for i := range e.CarePlans {
		x := &e.CarePlans[i]
		mark(&x.Sensitive, x.Code)
		mark(&x.Sensitive, x.Reasons...)
	}
	for i := range e.Referrals {
		x := &e.Referrals[i]
		mark(&x.Sensitive, x.To)
		mark(&x.Sensitive, x.Reasons...)
	}
	for i := range e.Overrides {
		markOverride(e, &e.Overrides[i])
	}
}

func markOverride(e *Entry, x *Override) {
	for _, c := range x.About {
		x.Sensitive = x.Sensitive || terms.Sensitive(c) || slices.ContainsFunc(e.Prescriptions, func(p Prescription) bool {
			return p.Sensitive && p.Medicine == c
		}) || slices.ContainsFunc(e.Diagnoses, func(d Diagnosis) bool { return d.Sensitive && d.Code == c })
	}
}

func markObservation(x *Observation) {
	x.Sensitive = x.Sensitive || terms.Sensitive(x.Code) || x.Value.Code != nil && terms.Sensitive(*x.Value.Code)
}
