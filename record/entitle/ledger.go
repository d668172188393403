package entitle

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// ledger gathers one person's charges of one programme's year. The order in which it sees entries does not matter, and seeing one
// twice changes nothing.
type ledger struct {
	begin, end time.Time // of the year
	person     uint8

	charges []Charge
	links   []link
	roots   map[Ref]Ref // of a charge that amends: what it amends
}

// link says that a facility has put another entry in the place of one of its
// own. What another facility says of an entry does not undo a charge.
type link struct {
	of       Ref
	facility uint32
}

// newLedger makes a ledger for about so many charges.
func newLedger(r *Rules, year, room int) ledger {
	return ledger{begin: r.YearStart(year), end: r.YearStart(year + 1), charges: make([]Charge, 0, room)}
}

func (l *ledger) see(s Seen) {
	if s.Entry == nil {
		return
	}
	if s.Entry.Amends != nil {
		of := RefOf(*s.Entry.Amends)
		l.links = append(l.links, link{of, s.Facility})
		if l.roots == nil {
			l.roots = make(map[Ref]Ref)
		}
		l.roots[RefOf(s.ID)] = of
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

// live returns the charges that stand, each once.
func (l *ledger) live() []Charge {
	slices.SortFunc(l.charges, func(a, b Charge) int { return bytes.Compare(a.Ref[:], b.Ref[:]) })
	out := slices.CompactFunc(l.charges, func(a, b Charge) bool { return a.Ref == b.Ref })
	if len(l.links) == 0 {
		return out
	}
	gone := make(map[link]bool, len(l.links))
	for _, x := range l.links {
		gone[x] = true
	}
	out = slices.DeleteFunc(out, func(c Charge) bool { return gone[link{c.Ref, c.Facility}] })
	return l.oneForEach(out)
}

// oneForEach keeps, of several charges that amend the same entry, the one for
// which the programme paid most.
func (l *ledger) oneForEach(charges []Charge) []Charge {
	best := make(map[link]Charge)
	for _, c := range charges {
		root, ok := l.roots[c.Ref]
		if !ok {
			continue
		}
		at := link{root, c.Facility}
		if old, ok := best[at]; !ok || c.Paid > old.Paid {
			best[at] = c
		}
	}
	return slices.DeleteFunc(charges, func(c Charge) bool {
		root, ok := l.roots[c.Ref]
		return ok && best[link{root, c.Facility}].Ref != c.Ref
	})
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
	type place struct {
		day      int64
		facility uint32
		service  uint8
	}
	places := make([]place, 0, len(charges))
	for _, c := range charges {
		switch c.Service {
		case record.ServiceVisit, record.ServiceOperation:
			places = append(places, place{r.day(c.Start), c.Facility, uint8(c.Service)})
		case record.ServiceDental:
			u.foreign = u.foreign || c.Foreign
			u.dental = min(u.dental+c.Paid, maxDinars)
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.facility, b.facility), cmp.Compare(a.service, b.service))
	})
	for _, p := range slices.Compact(places) {
		if p.service == uint8(record.ServiceVisit) {
			u.visits++
		} else {
			u.operations++
		}
	}
	return u
}

func sortCharges(charges []Charge) {
	slices.SortFunc(charges, func(a, b Charge) int {
		return cmp.Or(a.Start.Compare(b.Start), bytes.Compare(a.Ref[:], b.Ref[:]))
	})
}
