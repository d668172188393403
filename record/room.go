package record

import "slices"

// stacks have the items of the lists that are being read. They are used again
// and again, so that a list is made in its length.
type stacks struct {
	allergies     []Allergy
	prescriptions []Prescription
	observations  []Observation
	components    []Component
	panels        []Panel
	diagnoses     []Diagnosis
	procedures    []Procedure
	immunisations []Immunisation
	carePlans     []CarePlan
	activities    []Activity
	notes         []Note
	imaging       []Imaging
	referrals     []Referral
	overrides     []Override
	problems      []Problem
	medicines     []Medicine
}

// clear keeps nothing of what was not popped because of an error, and no stack
// that has grown large.
func (s *stacks) clear() {
	wipe(&s.allergies)
	wipe(&s.prescriptions)
	wipe(&s.observations)
	wipe(&s.components)
	wipe(&s.panels)
	wipe(&s.diagnoses)
	wipe(&s.procedures)
	wipe(&s.immunisations)
	wipe(&s.carePlans)
	wipe(&s.activities)
	wipe(&s.notes)
	wipe(&s.imaging)
	wipe(&s.referrals)
	wipe(&s.overrides)
}

func wipe[T any](stack *[]T) {
	const largest = 128 // items
	switch {
	case cap(*stack) > largest:
		*stack = nil
	case len(*stack) > 0:
		clear(*stack)
		*stack = (*stack)[:0]
	}
}

// push puts an item on a stack. There are zeros beyond the top.
func push[T any](stack *[]T) *T {
	n := len(*stack)
	if n == cap(*stack) {
		*stack = slices.Grow(*stack, 1)
	}
	*stack = (*stack)[:n+1]
	return &(*stack)[n]
}

// pop takes what stands on a stack from a height on and puts it behind list.
func pop[T any](stack *[]T, height int, list []T) []T {
	top := (*stack)[height:]
	if len(top) == 0 {
		return list
	}
	if len(list) > 0 {
		list = append(list, top...)
	} else {
		list = made(top)
	}
	clear(top)
	*stack = (*stack)[:height]
	return list
}

// made returns a list of its length; append would make room for more.
func made[T any](list []T) []T {
	out := make([]T, len(list))
	copy(out, list)
	return out
}

// newQuantity keeps a quantity.
func (r *reader) newQuantity(q Quantity) *Quantity {
	if len(r.amounts) == cap(r.amounts) {
		r.amounts = make([]Quantity, 0, min(2*cap(r.amounts)+2, 16))
	}
	r.amounts = append(r.amounts, q)
	return &r.amounts[len(r.amounts)-1]
}

// newCode keeps a code.
func (r *reader) newCode(c Code) *Code { return &r.newCodes(append(r.codingRoom(1), c))[0] }

// codingRoom returns an empty list with room for n codes, which newCodes keeps.
func (r *reader) codingRoom(n int) []Code {
	if cap(r.codings)-len(r.codings) < n {
		r.codings = make([]Code, 0, max(n, 4))
	}
	at := len(r.codings)
	return r.codings[at:at:cap(r.codings)]
}

func (r *reader) newCodes(list []Code) []Code {
	r.codings = r.codings[:len(r.codings)+len(list)]
	return slices.Clip(list)
}
