package entitle

import (
	"github.com/dhamani-iq/dhamani/record"
)

// count reckons what the person has used of this year and what is left.
func (a *asking) count() {
	year := a.rules.Year(a.q.At)
	l := newLedger(a.rules, year, len(a.known.Entries))
	l.person = a.q.Person
	if a.standing != nil {
		for _, c := range a.standing.Charges {
			l.add(c)
		}
		l.amendments = append(l.amendments, a.standing.Amendments...)
	}
	for i := range a.known.Entries {
		l.see(a.known.Entries[i])
	}
	charges := l.live()
	if !a.q.Newborn.IsZero() {
		charges = nil // what the parent has used is the parent's
	}
	u := count(a.rules, charges)
	since := a.sinceIssue(charges)
	b := &Balance{Year: year}
	b.Visits = a.allowed(record.CounterVisits, a.visitsAllowed(), u.visits, since.visits)
	b.Operations = a.allowed(record.CounterOperations, uint32(a.rules.Operations), u.operations, since.operations)
	b.Dental = a.allowed(record.CounterDental, a.rules.Dental, dental32(u.dental), dental32(since.dental))
	a.Balance = b
	if u.foreign && a.q.Service == record.ServiceDental {
		a.doubt(CodeForeign)
	}
	for _, c := range charges {
		if c.Service == a.q.Service && c.Facility == a.q.Facility && a.q.Facility != 0 && a.rules.day(c.Start) == a.rules.day(a.q.At) {
			a.today = true
		}
	}
}

func dental32(n int64) uint32 { return uint32(min(n, 1<<32-1)) } // #nosec G115 -- bounded

// sinceIssue counts what came after the cover was signed: the counters in it
// know of nothing later.
func (a *asking) sinceIssue(charges []Charge) used {
	if len(a.cover.Counters) == 0 {
		return used{}
	}
	var later []Charge
	for _, c := range charges {
		if c.Start.After(a.issued) {
			later = append(later, c)
		}
	}
	return count(a.rules, later)
}

// allowed puts the cover's counter of a kind, if it has one for this person
// and year, in the place of what the rules allow. What was used is what all
// that is known shows, or what the counter says and what came later, if that
// is more.
func (a *asking) allowed(kind string, allowed, all, later uint32) Allowance {
	if c := a.counter(kind); c != nil {
		allowed, all = c.Allowed, max(all, c.Used+min(later, 1<<32-1-c.Used))
	}
	return allowance(allowed, all)
}

// counter returns the cover's counter of a kind for this person and year, or
// nil; of several the last.
func (a *asking) counter(kind string) (found *record.Counter) {
	if !a.q.Newborn.IsZero() {
		return nil
	}
	year := a.rules.Year(a.q.At)
	for i := range a.cover.Counters {
		if c := &a.cover.Counters[i]; c.Kind == kind && c.Person == a.q.Person && int(c.Year) == year {
			found = c
		}
	}
	return found
}

// visitsAllowed returns the visits of the person's age and health.
func (a *asking) visitsAllowed() uint32 {
	least, most, ok := a.rules.ages(a.born(), a.q.At)
	n := a.rules.visits(least)
	if a.cover.Chronic.Has(a.q.Person) && a.q.Newborn.IsZero() && uint32(a.rules.Chronic) > n {
		return uint32(a.rules.Chronic)
	}
	if a.q.Service == record.ServiceVisit && a.counter(record.CounterVisits) == nil && (!ok || a.rules.visits(most) != n) {
		a.doubt(CodeAgeUnknown)
	}
	return n
}

func (a *asking) born() record.Moment {
	id := a.known.Identity
	switch {
	case !a.q.Newborn.IsZero():
		return a.q.Newborn
	case id == nil:
		return record.Moment{}
	case a.q.Person == 0:
		return id.Born
	}
	if m := id.Member(a.q.Person); m != nil {
		return m.Born
	}
	return record.Moment{}
}

// judge decides by what is left.
func (a *asking) judge() {
	counted := true
	switch {
	case a.q.Class == record.ClassEmergency:
		a.say(CodeEmergency)
		counted = false
	case a.q.Service == record.ServiceVisit && a.today:
		a.say(CodeToday)
	case a.q.Service == record.ServiceVisit && a.Balance.Visits.Left == 0:
		a.Outcome = NotCovered
		a.sayN(CodeVisitsUsed, int64(a.Balance.Visits.Allowed))
	case a.q.Service == record.ServiceVisit:
		a.sayN(CodeVisitsLeft, int64(a.Balance.Visits.Left))
	case a.q.Service == record.ServiceOperation && a.today:
		a.say(CodeToday)
	case a.q.Service == record.ServiceOperation && a.Balance.Operations.Left == 0:
		a.Outcome = Approval
		a.say(CodeOperationsUsed)
	case a.q.Service == record.ServiceDental && a.Balance.Dental.Left == 0:
		a.Outcome = NotCovered
		a.say(CodeDentalUsed)
	case a.q.Service == record.ServiceOperation, a.q.Service == record.ServiceDental:
	default:
		counted = false
	}
	for _, s := range a.rules.Approval {
		if s == a.q.Service && a.Outcome == Covered && a.q.Class != record.ClassEmergency {
			a.Outcome = Approval
			a.say(CodeApproval)
		}
	}
	if counted {
		a.fresh()
	}
}

// fresh says whether the counters are the centre's of these days, and whole.
func (a *asking) fresh() {
	switch s := a.standing; {
	case s == nil:
		a.doubt(CodeNoCounters)
	case a.rules.day(a.q.At)-a.rules.day(s.At) > int64(a.rules.FreshDays):
		a.doubtN(CodeOldCounters, a.rules.day(a.q.At)-a.rules.day(s.At))
	case s.More:
		a.doubt(CodeCut)
	}
	if a.known.Locked {
		a.doubt(CodeLocked)
	}
}
