package record

import (
	"slices"
	"time"
)

// normal returns e with its lists in the order in which they decode, and
// without a mark on nothing. It shares no list that it had to reorder.
func (e *Entry) normal() *Entry {
	n := *e
	n.Start = minute(e.Start)
	if n.Type == nil && len(n.Reasons) == 0 {
		n.Sensitive = false
	}
	sortBy(&n.Prescriptions, func(x *Prescription) int { return rank(x.Sensitive) })
	sortBy(&n.Observations, func(x *Observation) int {
		return rank(x.Sensitive)*NumSections + int(min(x.Category, CategorySocialHistory))
	})
	sortBy(&n.Panels, func(x *Panel) int { return rank(x.Sensitive) })
	sortBy(&n.Diagnoses, func(x *Diagnosis) int { return rank(x.Sensitive) })
	sortBy(&n.Procedures, func(x *Procedure) int { return rank(x.Sensitive) })
	sortBy(&n.CarePlans, func(x *CarePlan) int { return rank(x.Sensitive) })
	sortBy(&n.Notes, func(x *Note) int { return rank(x.Sensitive) })
	sortBy(&n.Extensions, func(x *Extension) int { return int(x.Section)<<32 | int(x.Key) })
	return &n
}

// Normalise gives e the form in which it decodes again: lists in order, empty
// ones nil, times in UTC, and item times that equal the start cleared.
func (e *Entry) Normalise() {
	*e = *e.normal()
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
	noneIfEmpty(&e.Reasons)
	noneIfEmpty(&e.Extensions)
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

func sortBy[T any](list *[]T, key func(*T) int) {
	by := func(a, b T) int { return key(&a) - key(&b) }
	if !slices.IsSortedFunc(*list, by) {
		*list = slices.Clone(*list)
		slices.SortStableFunc(*list, by)
	}
}
