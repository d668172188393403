package entitle

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// ledger gathers one person's charges of one programme's year. The order in
// which it sees entries does not matter, nor who knows of which, and seeing one
// twice changes nothing.
type ledger struct {
	begin, end time.Time // of the year
	person     uint8

	charges    []Charge
	amendments []Amendment // of any year: one may move a visit over the turn of a year
}

// newLedger makes a ledger for about so many charges.
func newLedger(r *Rules, year, room int) ledger {
	return ledger{begin: r.YearStart(year), end: r.YearStart(year + 1), charges: make([]Charge, 0, room)}
}

func (l *ledger) see(s Seen) {
	if s.Entry == nil || s.Entry.Person != l.person {
		return
	}
	if s.Entry.Amends != nil {
		l.amendments = append(l.amendments, Amendment{Ref: RefOf(s.ID), Of: RefOf(*s.Entry.Amends), Facility: s.Facility})
	}
	if c, ok := ChargeOf(s); ok {
		l.add(c)
	}
}

func (l *ledger) add(c Charge) {
	if c.Person == l.person && !c.Start.Before(l.begin) && c.Start.Before(l.end) {
		l.charges = append(l.charges, c)
	}
}

// place is an entry as far as one facility may say what becomes of it: what
// another facility says of it does not undo a charge.
type place struct {
	ref      Ref
	facility uint32
}

// standing returns the charges that no amendment has taken away, each once and
// in the order of their refs. More amendments only ever take more away, so
// nothing is lost to whoever adds what somebody else has seen.
func (l *ledger) standing() []Charge {
	l.charges = once(l.charges, func(c *Charge) *Ref { return &c.Ref })
	l.amendments = once(l.amendments, func(a *Amendment) *Ref { return &a.Ref })
	if len(l.amendments) == 0 {
		return l.charges
	}
	of := l.amended()
	gone := make(map[place]bool, len(l.amendments))
	for _, a := range l.amendments {
		// What stands further up in the chain is replaced as well, whoever wrote
		// what lies between. Where this facility has been, the rest is done.
		for at, more := a.Of, true; more && !gone[place{at, a.Facility}]; at, more = of[at] {
			gone[place{at, a.Facility}] = true
		}
	}
	return slices.DeleteFunc(l.charges, func(c Charge) bool { return gone[place{c.Ref, c.Facility}] })
}

// live returns the charges that count: of those of one facility that amend the
// same entry, directly or through others, the one for which the programme paid
// most.
func (l *ledger) live() []Charge {
	charges := l.standing()
	if len(l.amendments) == 0 {
		return charges
	}
	of, roots := l.amended(), make(map[Ref]Ref, len(l.amendments))
	best := make(map[place]Charge)
	for _, c := range charges {
		at := place{root(of, roots, c.Ref), c.Facility}
		if old, ok := best[at]; !ok || c.Paid > old.Paid {
			best[at] = c
		}
	}
	return slices.DeleteFunc(charges, func(c Charge) bool {
		return best[place{root(of, roots, c.Ref), c.Facility}].Ref != c.Ref
	})
}

// amended tells of each entry that amends another which that is.
func (l *ledger) amended() map[Ref]Ref {
	of := make(map[Ref]Ref, len(l.amendments))
	for _, a := range l.amendments {
		of[a.Ref] = a.Of
	}
	return of
}

// root returns the entry with which a chain of amendments begins, and keeps it
// for all that it has passed. A chain is finite: each identifier is a hash over
// the one before it.
func root(of, known map[Ref]Ref, at Ref) Ref {
	var passed []Ref
	for {
		if r, ok := known[at]; ok {
			at = r
			break
		}
		up, ok := of[at]
		if !ok || len(passed) > len(of) {
			break
		}
		passed, at = append(passed, at), up
	}
	for _, p := range passed {
		known[p] = at
	}
	return at
}

// once sorts a list by its refs and keeps one item of each.
func once[T any](list []T, ref func(*T) *Ref) []T {
	slices.SortFunc(list, func(a, b T) int { return bytes.Compare(ref(&a)[:], ref(&b)[:]) })
	return slices.CompactFunc(list, func(a, b T) bool { return *ref(&a) == *ref(&b) })
}

// used is what charges use up.
type used struct {
	visits, operations uint32
	dental             int64
	foreign            bool
}

// count counts charges: of the visits, and of the operations, of one day and
// one facility only one counts.
func count(r *Rules, charges []Charge) (u used) {
	type occasion struct {
		day      int64
		facility uint32
		service  uint8
	}
	occasions := make([]occasion, 0, len(charges))
	for _, c := range charges {
		switch c.Service {
		case record.ServiceVisit, record.ServiceOperation:
			occasions = append(occasions, occasion{r.day(c.Start), c.Facility, uint8(c.Service)})
		case record.ServiceDental:
			u.foreign = u.foreign || c.Foreign
			u.dental = min(u.dental+c.Paid, maxDinars)
		}
	}
	slices.SortFunc(occasions, func(a, b occasion) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.facility, b.facility), cmp.Compare(a.service, b.service))
	})
	for _, o := range slices.Compact(occasions) {
		if o.service == uint8(record.ServiceVisit) {
			u.visits++
		} else {
			u.operations++
		}
	}
	return u
}
