package entitle

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// Ref is the beginning of an entry's identifier, enough to tell one patient's
// entries apart.
type Ref [8]byte

// RefOf shortens an entry's identifier.
func RefOf(id record.EntryID) Ref { return Ref(id[:]) }

// Charge is one entry that claims a cost from the programme. Only such entries
// count, so the coverage section alone says what is used.
type Charge struct {
	Ref      Ref
	Person   uint8
	Start    time.Time
	Facility uint32 // that signed
	Service  record.Service
	Paid     int64 // by the programme, whole dinars
	Foreign  bool  // the cost is in another money, so Paid is not known
}

// Seen is an entry as somebody knows it who can open its coverage section.
type Seen struct {
	ID       record.EntryID
	Facility uint32 // that signed
	Entry    *record.Entry
}

// ChargeOf returns what an entry claims. It reports false for an entry that
// claims nothing: one without a cost, one entered in error, facts that came
// without a visit, an emergency, which uses nothing up, and a visit that the
// patient paid whole.
func ChargeOf(s Seen) (Charge, bool) {
	e := s.Entry
	if e == nil || e.Cost == nil || e.EnteredInError || e.Class == record.ClassRecord || e.Class == record.ClassEmergency {
		return Charge{}, false
	}
	c := Charge{Ref: RefOf(s.ID), Person: e.Person, Start: e.Start, Facility: s.Facility, Service: e.Cost.Service}
	total := dinars(e.Cost.Total)
	share := int64(0)
	if e.Cost.Patient != nil {
		share = dinars(*e.Cost.Patient)
	}
	if total > 0 && share >= total {
		return Charge{}, false
	}
	if c.Foreign = e.Cost.Currency != ""; !c.Foreign {
		c.Paid = max(total-max(share, 0), 0)
	}
	return c, true
}

// dinars rounds an amount up to a whole number.
func dinars(d record.Decimal) int64 {
	n, unit := d.Mantissa, int64(1)
	for range min(d.Scale, record.MaxScale) {
		unit *= 10
	}
	whole := n / unit
	if n > 0 && n%unit != 0 {
		whole++
	}
	return whole
}

// Amendment says that an entry replaces another, or takes it back. It may stand
// without either of them: what it replaces does not count wherever it is seen.
type Amendment struct {
	Ref, Of  Ref
	Facility uint32 // that signed
}

// Standing is the centre's signed word on what was charged for a person in a
// programme's year, as far as it knew at a time, and the cover as last issued.
type Standing struct {
	Person  uint8
	At      time.Time
	Year    uint16
	Charges []Charge // in the order of Start, then Ref; without what an amendment replaces
	// Amendments are all that the centre knows of the person's entries, whether
	// they claim anything or not, in the order of Ref: a card or a cache may
	// have what they replace.
	Amendments []Amendment
	More       bool   // there were more than MaxCharges, or than MaxAmendments
	Cover      []byte // record.Cover; empty: none
	CoverAt    time.Time
}

// Bounds of a Standing.
const (
	MaxCharges    = 256
	MaxAmendments = 256
)

// Gather returns what a Standing says of a person's charges of a programme's
// year, by entries of any year: its time and the cover are left out. Of too
// many amendments it has the newest.
func Gather(r *Rules, year int, person uint8, entries []Seen) *Standing {
	l := newLedger(r, year, min(len(entries), MaxCharges))
	l.person = person
	for i := range entries {
		l.see(entries[i])
	}
	s := &Standing{Person: person, Year: uint16(year), Charges: l.standing(), Amendments: l.amendments} // #nosec G115 -- a year
	slices.SortFunc(s.Charges, func(a, b Charge) int {
		return cmp.Or(a.Start.Compare(b.Start), bytes.Compare(a.Ref[:], b.Ref[:]))
	})
	if s.More = len(s.Charges) > MaxCharges || len(s.Amendments) > MaxAmendments; s.More {
		s.Charges = s.Charges[:min(len(s.Charges), MaxCharges)]
		s.Amendments = newest(s.Amendments, entries, MaxAmendments)
	}
	return s
}

// newest returns those n amendments, or fewer, whose entries began last.
func newest(amendments []Amendment, entries []Seen, n int) []Amendment {
	starts := make(map[Ref]time.Time, len(entries))
	for _, s := range entries {
		if s.Entry != nil {
			starts[RefOf(s.ID)] = s.Entry.Start
		}
	}
	slices.SortFunc(amendments, func(a, b Amendment) int {
		return cmp.Or(starts[b.Ref].Compare(starts[a.Ref]), bytes.Compare(a.Ref[:], b.Ref[:]))
	})
	return once(amendments[:min(len(amendments), n)], func(a *Amendment) *Ref { return &a.Ref })
}
