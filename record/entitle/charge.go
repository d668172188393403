package entitle

import (
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

// Standing is the centre's signed word on what was charged for a person in a
// programme's year, as far as it knew at a time, and the cover as last issued.
type Standing struct {
	Person  uint8
	At      time.Time
	Year    uint16
	Charges []Charge // in the order of Start, then Ref; without what was amended
	More    bool     // there were more than MaxCharges
	Cover   []byte   // record.Cover; empty: none
	CoverAt time.Time
}

// MaxCharges bounds the charges of a Standing.
const MaxCharges = 256

// Gather returns a person's charges of a programme's year in entries, without
// what was amended or entered in error, in the order of a Standing.
func Gather(r *Rules, year int, person uint8, entries []Seen) (charges []Charge, more bool) {
	l := newLedger(r, year, min(len(entries), MaxCharges))
	l.person = person
	for i := range entries {
		l.see(entries[i])
	}
	charges = l.live()
	sortCharges(charges)
	if len(charges) > MaxCharges {
		return charges[:MaxCharges], true
	}
	return charges, false
}
