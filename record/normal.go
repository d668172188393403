package record

import (
	"slices"
	"time"
)

// normal returns e with its lists in the order in which they decode, and
// without a mark on nothing: e itself when it is so. It changes no list. Which
// vital signs stand at the end of the observations that are not sensitive, and
// of those that are, comes back too.
func (e *Entry) normal() (n *Entry, signs [2]uint64) {
	observations, signs := vitalsLast(e.Observations, e.Start)
	observations, panels := arranged(observations), arrangedPanels(e.Panels, e.Start)
	same := e.Start.Equal(minute(e.Start)) && e.Start.Location() == time.UTC &&
		(!e.Sensitive || e.Type != nil || len(e.Reasons) > 0) &&
		ordered(e.Prescriptions, (*Prescription).secret) && ordered(observations, (*Observation).secret) &&
		ordered(panels, (*Panel).secret) && ordered(e.Diagnoses, (*Diagnosis).secret) &&
		ordered(e.Procedures, (*Procedure).secret) && ordered(e.CarePlans, (*CarePlan).secret) &&
		ordered(e.Notes, (*Note).secret) && ordered(e.Referrals, (*Referral).secret) && ordered(e.Overrides, (*Override).secret) &&
		ordered(e.Extensions, (*Extension).place) &&
		is(observations, e.Observations) && is(panels, e.Panels)
	if same {
		return e, signs
	}
	n = new(Entry)
	*n = *e
	n.Start = minute(e.Start)
	if n.Type == nil && len(n.Reasons) == 0 {
		n.Sensitive = false
	}
	n.Observations, n.Panels = observations, panels
	order(&n.Prescriptions, (*Prescription).secret)
	order(&n.Panels, (*Panel).secret)
	order(&n.Diagnoses, (*Diagnosis).secret)
	order(&n.Procedures, (*Procedure).secret)
	order(&n.CarePlans, (*CarePlan).secret)
	order(&n.Notes, (*Note).secret)
	order(&n.Referrals, (*Referral).secret)
	order(&n.Overrides, (*Override).secret)
	order(&n.Extensions, (*Extension).place)
	return n, signs
}

// What is sensitive stands behind the rest, and extensions by section and key.
func (x *Prescription) secret() int { return rank(x.Sensitive) }
func (x *Observation) secret() int  { return rank(x.Sensitive) }
func (x *Panel) secret() int        { return rank(x.Sensitive) }
func (x *Diagnosis) secret() int    { return rank(x.Sensitive) }
func (x *Procedure) secret() int    { return rank(x.Sensitive) }
func (x *CarePlan) secret() int     { return rank(x.Sensitive) }
func (x *Note) secret() int         { return rank(x.Sensitive) }
func (x *Referral) secret() int     { return rank(x.Sensitive) }
func (x *Override) secret() int     { return rank(x.Sensitive) }
func (x *Extension) place() int     { return int(x.Section)<<32 | int(x.Key) }

// is reports whether two lists are one.
func is[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

func ordered[T any](list []T, key func(*T) int) bool {
	for i := 1; i < len(list); i++ {
		if key(&list[i]) < key(&list[i-1]) {
			return false
		}
	}
	return true
}

func order[T any](list *[]T, key func(*T) int) {
	if !ordered(*list, key) {
		*list = slices.Clone(*list)
		slices.SortStableFunc(*list, func(a, b T) int { return key(&a) - key(&b) })
	}
}

// Normalise gives e the form in which it decodes again: lists in order, empty
// ones nil, times in UTC, and item times that equal the start cleared.
func (e *Entry) Normalise() {
	n, _ := e.normal()
	*e = *n
	each(&e.Allergies, func(x *Allergy) { clearAt(&x.At, e.Start); tidy(&x.Onset); noneIfEmpty(&x.Reactions) })
	each(&e.Prescriptions, func(x *Prescription) { clearAt(&x.At, e.Start); noneIfEmpty(&x.Reasons) })
	each(&e.Observations, func(x *Observation) { clearAt(&x.At, e.Start); noneIfEmpty(&x.Components) })
	each(&e.Panels, func(x *Panel) {
		clearAt(&x.At, e.Start)
		each(&x.Observations, func(o *Observation) { clearAt(&o.At, e.Start); noneIfEmpty(&o.Components) })
	})
	each(&e.Diagnoses, func(x *Diagnosis) { clearAt(&x.At, e.Start); tidy(&x.Onset); tidy(&x.End) })
	each(&e.Procedures, func(x *Procedure) { clearAt(&x.At, e.Start); noneIfEmpty(&x.Reasons) })
	each(&e.Immunisations, func(x *Immunisation) { clearAt(&x.At, e.Start) })
	each(&e.CarePlans, func(x *CarePlan) {
		clearAt(&x.At, e.Start)
		tidy(&x.End)
		noneIfEmpty(&x.Activities)
		noneIfEmpty(&x.Reasons)
		noneIfEmpty(&x.Goals)
	})
	each(&e.Notes, func(x *Note) { clearAt(&x.At, e.Start) })
	each(&e.Imaging, func(x *Imaging) { clearAt(&x.At, e.Start) })
	each(&e.Referrals, func(x *Referral) { clearAt(&x.At, e.Start); noneIfEmpty(&x.Reasons) })
	noneIfEmpty(&e.Overrides)
	noneIfEmpty(&e.Reasons)
	each(&e.Extensions, func(x *Extension) { noneIfEmpty(&x.Data) })
}

func each[T any](list *[]T, f func(*T)) {
	noneIfEmpty(list)
	*list = slices.Clone(*list)
	for i := range *list {
		f(&(*list)[i])
	}
}

func noneIfEmpty[T any](list *[]T) {
	if len(*list) == 0 {
		*list = nil
	}
}

func clearAt(m *Moment, start time.Time) {
	tidy(m)
	if m.Precision == ToMinute && m.Time.Equal(start) {
		*m = Moment{}
	}
}

func tidy(m *Moment) {
	if m.IsZero() {
		*m = Moment{}
		return
	}
	m.Time = minute(m.Time)
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}
