package entitle

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// The world of the tests: a card issued on 2026-01-10 for a family, asked on
// 2026-06-15 at 09:00 in Baghdad, at facility 7.
var (
	baghdad = time.FixedZone("", 3*3600)
	asked   = time.Date(2026, 6, 15, 9, 0, 0, 0, baghdad)
	issued  = time.Date(2026, 1, 10, 9, 0, 0, 0, baghdad)
)

const here = 7

type world struct {
	k Known
	q Question
}

func newWorld() *world {
	return &world{
		k: Known{
			Identity: &record.Identity{
				Born: record.Day(1995, 3, 4),
				Family: []record.Member{
					{Person: 1, Relation: record.RelationSpouse, Born: record.Day(1980, 1, 1)},
					{Person: 2, Relation: record.RelationChild, Born: record.Day(2020, 2, 29)},
					{Relation: record.RelationParent, Born: record.Day(1950, 1, 1)},
				},
			},
			Cover:    &record.Cover{Payer: "Dhamani", From: record.Day(2026, 1, 1), Until: record.Day(2026, 12, 31)},
			Issued:   issued,
			Standing: &Standing{At: asked.Add(-time.Hour), Year: 2026},
		},
		q: Question{At: asked, Place: PlacePublic, Facility: here},
	}
}

// entry makes the n-th entry of the tests, which claims a cost.
func entry(n int, start time.Time, facility uint32, service record.Service, total, patient int64) Seen {
	share := record.Int(patient)
	return Seen{
		ID: record.EntryID{1, byte(n >> 8), byte(n)}, Facility: facility,
		Entry: &record.Entry{Start: start.UTC(), Cost: &record.Cost{Total: record.Int(total), Patient: &share, Service: service}},
	}
}

// visits gives n visits on the first days of a month, elsewhere.
func (w *world) visits(n int) *world {
	for i := range n {
		w.k.Entries = append(w.k.Entries, entry(100+i, time.Date(2026, 3, 1+i, 10, 0, 0, 0, baghdad), 5, record.ServiceVisit, 10000, 0))
	}
	return w
}

func (w *world) add(s Seen) *world {
	w.k.Entries = append(w.k.Entries, s)
	return w
}

// cost asks what is to be paid of so many dinars.
func (w *world) cost(n int64) *world {
	w.q.Cost = &n
	return w
}

func (w *world) with(change func(*world)) *world {
	change(w)
	return w
}

func standingCover(w *world, c *record.Cover, at time.Time) {
	w.k.Standing.CoverAt = at
	if c != nil {
		w.k.Standing.Cover, _ = c.Encode()
	}
}

// TestAsk has a row for every rule and every edge of it.
func TestAsk(t *testing.T) {
	age := func(y int, m time.Month, d int) func(*world) {
		return func(w *world) { w.k.Identity.Born = record.Day(y, m, d) }
	}
	at := func(y int, m time.Month, d, hour, minute int) func(*world) {
		return func(w *world) {
			w.q.At = time.Date(y, m, d, hour, minute, 0, 0, baghdad)
			w.k.Standing.At, w.k.Standing.Year = w.q.At, uint16(y) // #nosec G115 -- a year
		}
	}
	service := func(s record.Service) func(*world) { return func(w *world) { w.q.Service = s } }
	place := func(p Place) func(*world) { return func(w *world) { w.q.Place = p } }
	cover := func(change func(*record.Cover)) func(*world) { return func(w *world) { change(w.k.Cover) } }
	counter := func(c record.Counter) func(*world) {
		return cover(func(v *record.Cover) { v.Counters = append(v.Counters, c) })
	}
	amend := func(of int, facility uint32) func(*world) {
		return func(w *world) {
			s := entry(900, time.Date(2026, 3, 1, 10, 0, 0, 0, baghdad), facility, record.ServiceVisit, 10000, 0)
			id := w.k.Entries[of].ID
			s.Entry.Amends, s.Entry.EnteredInError = &id, true
			w.add(s)
		}
	}
	march := func(d, hour, minute int) time.Time { return time.Date(2026, 3, d, hour, minute, 0, 0, baghdad) }
	const none = int64(-1)
	for _, tt := range []struct {
		name    string
		w       *world
		want    Outcome
		final   bool
		left    int64 // visits; none: no balance
		patient int64 // none: not said
		codes   string
	}{
		// Visits by age.
		{"first visit of a young adult", newWorld(), Covered, true, 6, none, "visits-left"},
		{"the last of six", newWorld().visits(5), Covered, true, 1, none, "visits-left"},
		{"the seventh", newWorld().visits(6).cost(10000), NotCovered, true, 0, 10000, "visits-used"},
		{"more than were allowed", newWorld().visits(9).cost(10000), NotCovered, true, 0, 10000, "visits-used"},
		{"day before the 40th birthday", newWorld().with(age(1986, 6, 16)), Covered, true, 6, none, "visits-left"},
		{"40th birthday", newWorld().with(age(1986, 6, 15)), Covered, true, 8, none, "visits-left"},
		{"day after it", newWorld().with(age(1986, 6, 14)), Covered, true, 8, none, "visits-left"},
		{"six used before the 40th birthday", newWorld().with(age(1986, 6, 15)).visits(6), Covered, true, 2, none, "visits-left"},
		{"first minute of the 40th birthday", newWorld().with(age(1986, 6, 15)).with(at(2026, 6, 15, 0, 0)), Covered, true, 8, none, "visits-left"},
		{"minute before it", newWorld().with(age(1986, 6, 15)).with(at(2026, 6, 14, 23, 59)), Covered, true, 6, none, "visits-left"},
		{"born 29 February, 28 February of the 40th year", newWorld().with(age(1984, 2, 29)).with(at(2024, 2, 28, 12, 0)).with(cover(func(c *record.Cover) { c.From = record.Moment{} })), Covered, true, 6, none, "visits-left"},
		{"born 29 February, in a leap year", newWorld().with(age(1984, 2, 29)).with(at(2024, 2, 29, 12, 0)).with(cover(func(c *record.Cover) { c.From = record.Moment{} })), Covered, true, 8, none, "visits-left"},
		{"born on 1 March, the day before, in a common year", newWorld().with(age(1986, 3, 1)).with(at(2026, 2, 28, 12, 0)), Covered, true, 6, none, "visits-left"},
		{"born on 1 March, that day", newWorld().with(age(1986, 3, 1)).with(at(2026, 3, 1, 12, 0)), Covered, true, 8, none, "visits-left"},
		{"child", newWorld().with(func(w *world) { w.q.Person = 2 }), Covered, true, 6, none, "visits-left"},
		{"spouse of 46", newWorld().with(func(w *world) { w.q.Person = 1 }), Covered, true, 8, none, "visits-left"},
		{"birth not known", newWorld().with(func(w *world) { w.k.Identity.Born = record.Moment{} }), Covered, false, 6, none, "age-unknown visits-left"},
		{"only the year of birth, on the edge", newWorld().with(func(w *world) {
			w.k.Identity.Born = record.Moment{Time: time.Date(1986, 1, 1, 0, 0, 0, 0, time.UTC), Precision: record.ToYear}
		}), Covered, false, 6, none, "age-unknown visits-left"},
		{"only the year of birth, far from it", newWorld().with(func(w *world) {
			w.k.Identity.Born = record.Moment{Time: time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), Precision: record.ToYear}
		}), Covered, true, 8, none, "visits-left"},
		{"only the month, the one of the birthday", newWorld().with(func(w *world) {
			w.k.Identity.Born = record.Moment{Time: time.Date(1986, 6, 1, 0, 0, 0, 0, time.UTC), Precision: record.ToMonth}
		}), Covered, false, 6, none, "age-unknown visits-left"},
		{"born later than now", newWorld().with(age(2031, 1, 1)), Covered, false, 6, none, "age-unknown visits-left"},
		{"no identity", newWorld().with(func(w *world) { w.k.Identity = nil }), Covered, false, 6, none, "age-unknown visits-left"},
		// Chronic illness.
		{"chronic", newWorld().with(cover(func(c *record.Cover) { c.Chronic = record.PersonsOf(0) })), Covered, true, 12, none, "visits-left"},
		{"chronic, eleven used", newWorld().visits(11).with(cover(func(c *record.Cover) { c.Chronic = record.PersonsOf(0) })), Covered, true, 1, none, "visits-left"},
		{"chronic, twelve used", newWorld().visits(12).with(cover(func(c *record.Cover) { c.Chronic = record.PersonsOf(0) })), NotCovered, true, 0, none, "visits-used"},
		{"another is chronic", newWorld().with(cover(func(c *record.Cover) { c.Chronic = record.PersonsOf(1) })), Covered, true, 6, none, "visits-left"},
		{"chronic of unknown age is sure", newWorld().with(cover(func(c *record.Cover) { c.Chronic = record.PersonsOf(0) })).with(func(w *world) { w.k.Identity.Born = record.Moment{} }), Covered, true, 12, none, "visits-left"},
		// Counters in the cover.
		{"counter of the cover", newWorld().with(counter(record.Counter{Kind: "visits", Year: 2026, Allowed: 6, Used: 2})), Covered, true, 4, none, "visits-left"},
		{"counter and later visits", newWorld().visits(3).with(counter(record.Counter{Kind: "visits", Year: 2026, Allowed: 6, Used: 2})), Covered, true, 1, none, "visits-left"},
		{"counter knows of what came before it", newWorld().add(entry(1, issued.Add(-time.Hour), 5, record.ServiceVisit, 1, 0)).with(counter(record.Counter{Kind: "visits", Year: 2026, Allowed: 6, Used: 2})), Covered, true, 4, none, "visits-left"},
		{"more before it than it knows of", newWorld().add(entry(1, issued.Add(-time.Hour), 5, record.ServiceVisit, 1, 0)).with(counter(record.Counter{Kind: "visits", Year: 2026, Allowed: 6})), Covered, true, 5, none, "visits-left"},
		{"counter of somebody of unknown age is sure", newWorld().with(counter(record.Counter{Kind: "visits", Year: 2026, Allowed: 7})).with(func(w *world) { w.k.Identity.Born = record.Moment{} }), Covered, true, 7, none, "visits-left"},
		{"counter of last year", newWorld().with(counter(record.Counter{Kind: "visits", Year: 2025, Allowed: 6, Used: 6})), Covered, true, 6, none, "visits-left"},
		{"counter of another person", newWorld().with(counter(record.Counter{Kind: "visits", Person: 1, Year: 2026, Allowed: 6, Used: 6})), Covered, true, 6, none, "visits-left"},
		{"counter of a kind that is not known", newWorld().with(counter(record.Counter{Kind: "spectacles", Year: 2026})), Covered, true, 6, none, "visits-left"},
		{"counter at the end of its range", newWorld().visits(2).with(counter(record.Counter{Kind: "visits", Year: 2026, Allowed: 6, Used: 1<<32 - 1})), NotCovered, true, 0, none, "visits-used"},
		// What counts.
		{"a second visit of the day elsewhere counts", newWorld().add(entry(1, march(1, 9, 0), 5, 0, 1, 0)).add(entry(2, march(1, 15, 0), 6, 0, 1, 0)), Covered, true, 4, none, "visits-left"},
		{"a second visit of the day there does not", newWorld().add(entry(1, march(1, 9, 0), 5, 0, 1, 0)).add(entry(2, march(1, 15, 0), 5, 0, 1, 0)), Covered, true, 5, none, "visits-left"},
		{"the next day there does", newWorld().add(entry(1, march(1, 23, 59), 5, 0, 1, 0)).add(entry(2, march(2, 0, 0), 5, 0, 1, 0)), Covered, true, 4, none, "visits-left"},
		{"one day in UTC, two in Baghdad", newWorld().add(entry(1, march(1, 2, 59), 5, 0, 1, 0)).add(entry(2, march(1, 3, 1), 5, 0, 1, 0)), Covered, true, 5, none, "visits-left"},
		{"the same entry twice", newWorld().visits(1).visits(1), Covered, true, 5, none, "visits-left"},
		{"entry of another person", newWorld().visits(2).with(func(w *world) { w.k.Entries[0].Entry.Person = 2 }), Covered, true, 5, none, "visits-left"},
		{"without a cost", newWorld().visits(1).with(func(w *world) { w.k.Entries[0].Entry.Cost = nil }), Covered, true, 6, none, "visits-left"},
		{"emergency is not counted", newWorld().visits(1).with(func(w *world) { w.k.Entries[0].Entry.Class = record.ClassEmergency }), Covered, true, 6, none, "visits-left"},
		{"facts without a visit", newWorld().visits(1).with(func(w *world) { w.k.Entries[0].Entry.Class = record.ClassRecord }), Covered, true, 6, none, "visits-left"},
		{"stay in hospital counts", newWorld().visits(1).with(func(w *world) { w.k.Entries[0].Entry.Class = record.ClassInpatient }), Covered, true, 5, none, "visits-left"},
		{"paid whole by the patient", newWorld().add(entry(1, march(1, 9, 0), 5, 0, 900, 900)), Covered, true, 6, none, "visits-left"},
		{"free of charge counts", newWorld().add(entry(1, march(1, 9, 0), 5, 0, 0, 0)), Covered, true, 5, none, "visits-left"},
		{"laboratory is no visit", newWorld().add(entry(1, march(1, 9, 0), 5, record.ServiceLaboratory, 900, 0)), Covered, true, 6, none, "visits-left"},
		{"entered in error", newWorld().visits(2).with(amend(0, 5)), Covered, true, 5, none, "visits-left"},
		{"another facility's word that it was an error", newWorld().visits(2).with(amend(0, 6)), Covered, true, 4, none, "visits-left"},
		{"amended", newWorld().visits(1).with(amend(0, 5)).with(func(w *world) { w.k.Entries[1].Entry.EnteredInError = false }), Covered, true, 5, none, "visits-left"},
		{"amended twice", newWorld().visits(1).with(amend(0, 5)).with(amend(0, 5)).with(func(w *world) {
			for i := range w.k.Entries[1:] {
				e := w.k.Entries[1+i]
				w.k.Entries[1+i].ID, e.Entry.EnteredInError, e.Entry.Start = record.EntryID{9, byte(i)}, false, march(4+i, 9, 0).UTC()
			}
		}), Covered, true, 5, none, "visits-left"},
		{"amends itself", newWorld().visits(1).with(func(w *world) { w.k.Entries[0].Entry.Amends = &w.k.Entries[0].ID }), Covered, true, 6, none, "visits-left"},
		// Today, here.
		{"a second time today", newWorld().add(entry(1, asked.Add(-time.Hour), here, 0, 1, 0)), Covered, true, 5, none, "counted-today"},
		{"a second time today, none left", newWorld().visits(5).add(entry(1, asked.Add(-time.Hour), here, 0, 1, 0)).cost(100), Covered, true, 0, 0, "counted-today"},
		{"today elsewhere, none left", newWorld().visits(5).add(entry(1, asked.Add(-time.Hour), 5, 0, 1, 0)), NotCovered, true, 0, none, "visits-used"},
		// The year.
		{"visits of last year", newWorld().visits(6).with(at(2027, 1, 1, 0, 0)).with(cover(func(c *record.Cover) { c.Until = record.Moment{} })), Covered, true, 6, none, "visits-left"},
		{"last minute of the year", newWorld().visits(6).with(at(2026, 12, 31, 23, 59)), NotCovered, true, 0, none, "visits-used"},
		{"visit in the first hours of the year in Baghdad", newWorld().add(entry(1, time.Date(2026, 1, 1, 1, 0, 0, 0, baghdad), 5, 0, 1, 0)), Covered, true, 5, none, "visits-left"},
		{"visit an hour before the year", newWorld().add(entry(1, time.Date(2025, 12, 31, 23, 0, 0, 0, baghdad), 5, 0, 1, 0)), Covered, true, 6, none, "visits-left"},
		// Shares.
		{"primary centre", newWorld().with(place(PlacePrimary)).cost(5000), Covered, true, 6, 0, "visits-left"},
		{"private wing", newWorld().with(place(PlacePrivateWing)).cost(20000), Covered, true, 6, 2000, "visits-left"},
		{"private", newWorld().with(place(PlacePrivate)).cost(20000), Covered, true, 6, 5000, "visits-left"},
		{"private, half a dinar up", newWorld().with(place(PlacePrivate)).cost(1002), Covered, true, 6, 251, "visits-left"},
		{"private, a quarter down", newWorld().with(place(PlacePrivate)).cost(1001), Covered, true, 6, 250, "visits-left"},
		{"nothing to pay of nothing", newWorld().with(place(PlacePrivate)).cost(0), Covered, true, 6, 0, "visits-left"},
		{"kind of facility not known", newWorld().with(place(PlaceUnknown)).cost(20000), Covered, false, 6, 5000, "visits-left place-unknown"},
		{"exempt class", newWorld().with(place(PlacePrivate)).with(cover(func(c *record.Cover) { c.Copay = 9 })).cost(20000), Covered, true, 6, 0, "exempt-class visits-left"},
		{"class of no effect", newWorld().with(place(PlacePrivate)).with(cover(func(c *record.Cover) { c.Copay = 2 })).cost(20000), Covered, true, 6, 5000, "visits-left"},
		{"private laboratory", newWorld().visits(6).with(service(record.ServiceLaboratory)).with(place(PlacePrivate)).cost(8000), Covered, true, 0, 2000, "covered"},
		{"pharmacy without counters", newWorld().with(service(record.ServicePharmacy)).with(func(w *world) { w.k.Standing = nil }).cost(8000), Covered, true, 6, 0, "covered"},
		{"vaccination at a private clinic", newWorld().with(service(record.ServiceVaccination)).with(place(PlacePrivate)).cost(8000), Covered, true, 6, 0, "covered"},
		{"a service that is not named", newWorld().with(service(record.ServiceOther)).cost(8000), Approval, true, 6, 0, "approval-always"},
		// Operations.
		{"first operation", newWorld().with(service(record.ServiceOperation)).with(place(PlacePrivate)).cost(1000000), Covered, true, 6, 250000, "covered"},
		{"second operation", newWorld().with(service(record.ServiceOperation)).add(entry(1, march(1, 9, 0), 5, record.ServiceOperation, 1, 0)), Approval, true, 6, none, "operations-used"},
		{"second operation, approved", newWorld().with(service(record.ServiceOperation)).add(entry(1, march(1, 9, 0), 5, record.ServiceOperation, 1, 0)).with(counter(record.Counter{Kind: "operations", Year: 2026, Allowed: 2})), Covered, true, 6, none, "covered"},
		{"second entry of one operation", newWorld().with(service(record.ServiceOperation)).add(entry(1, asked, here, record.ServiceOperation, 1, 0)), Covered, true, 6, none, "counted-today"},
		// Dental care.
		{"dental", newWorld().with(service(record.ServiceDental)).with(place(PlacePrivate)).cost(100000), Covered, true, 6, 25000, "covered"},
		{"dental up to the sum", newWorld().with(service(record.ServiceDental)).cost(125000), Covered, true, 6, 0, "covered"},
		{"dental a dinar above it", newWorld().with(service(record.ServiceDental)).cost(125001), Covered, true, 6, 1, "dental-part"},
		{"dental with a part left", newWorld().with(service(record.ServiceDental)).add(entry(1, march(1, 9, 0), 5, record.ServiceDental, 100000, 0)).cost(30000), Covered, true, 6, 5000, "dental-part"},
		{"dental used up", newWorld().with(service(record.ServiceDental)).add(entry(1, march(1, 9, 0), 5, record.ServiceDental, 125000, 0)).cost(30000), NotCovered, true, 6, 30000, "dental-used"},
		{"dental counts what the programme paid", newWorld().with(service(record.ServiceDental)).add(entry(1, march(1, 9, 0), 5, record.ServiceDental, 160000, 40000)).cost(5000), Covered, true, 6, 0, "covered"},
		{"dental in dollars", newWorld().with(service(record.ServiceDental)).add(entry(1, march(1, 9, 0), 5, record.ServiceDental, 10, 0)).with(func(w *world) { w.k.Entries[0].Entry.Cost.Currency = "USD" }).cost(5000), Covered, false, 6, 0, "foreign-money"},
		// Whether there is a cover.
		{"no cover", newWorld().with(func(w *world) { w.k.Cover = nil }).cost(5), NotCovered, true, none, 5, "no-cover"},
		{"inactive", newWorld().with(cover(func(c *record.Cover) { c.Inactive = true })), NotCovered, true, none, none, "cover-inactive"},
		{"last day of the cover", newWorld().with(at(2026, 12, 31, 23, 59)), Covered, true, 6, none, "visits-left"},
		{"day after it", newWorld().with(at(2027, 1, 1, 0, 0)), NotCovered, true, none, none, "cover-ended"},
		{"first minute of the cover", newWorld().with(at(2026, 1, 1, 0, 0)), Covered, true, 6, none, "visits-left"},
		{"minute before it", newWorld().with(at(2025, 12, 31, 23, 59)), NotCovered, true, none, none, "cover-not-begun"},
		{"ended, and nothing newer from the centre", newWorld().with(at(2027, 1, 1, 0, 0)).with(func(w *world) { w.k.Standing = nil }), NotCovered, false, none, none, "cover-ended no-counters"},
		{"cover without an end", newWorld().with(cover(func(c *record.Cover) { c.Until = record.Moment{} })), Covered, true, 6, none, "visits-left"},
		{"blocked card", newWorld().with(func(w *world) { w.k.Blocked = true }), NotCovered, true, none, none, "card-blocked"},
		{"person who is not on the card", newWorld().with(func(w *world) { w.q.Person = 3 }), NotCovered, true, none, none, "not-on-card"},
		{"person whom the cover leaves out", newWorld().with(cover(func(c *record.Cover) { c.Without = record.PersonsOf(1) })).with(func(w *world) { w.q.Person = 1 }), NotCovered, true, none, none, "left-out"},
		{"holder who has died", newWorld().with(func(w *world) { w.k.Identity.Died = record.Day(2026, 6, 14) }), NotCovered, true, none, none, "died"},
		{"child of a holder who has died", newWorld().with(func(w *world) { w.k.Identity.Died, w.q.Person = record.Day(2026, 6, 14), 2 }), Covered, true, 6, none, "visits-left"},
		{"newborn", newWorld().visits(6).with(func(w *world) { w.q.Newborn = record.Day(2026, 6, 1) }), Covered, false, 6, none, "newborn visits-left"},
		{"newborn on the 30th day", newWorld().with(func(w *world) { w.q.Newborn = record.Day(2026, 5, 16) }), Covered, false, 6, none, "newborn visits-left"},
		{"newborn a day too old", newWorld().with(func(w *world) { w.q.Newborn = record.Day(2026, 5, 15) }), NotCovered, true, none, none, "not-on-card"},
		{"newborn who is not born", newWorld().with(func(w *world) { w.q.Newborn = record.Day(2026, 6, 16) }), NotCovered, true, none, none, "not-on-card"},
		// Emergencies.
		{"emergency with none left", newWorld().visits(6).with(func(w *world) { w.q.Class = record.ClassEmergency }), Covered, true, 0, none, "emergency"},
		{"emergency without a cover", newWorld().with(func(w *world) { w.k.Cover, w.q.Class = nil, record.ClassEmergency }), NotCovered, true, none, none, "no-cover emergency-care"},
		// How sure it is.
		{"no counters", newWorld().with(func(w *world) { w.k.Standing = nil }), Covered, false, 6, none, "visits-left no-counters"},
		{"counters of yesterday", newWorld().with(func(w *world) { w.k.Standing.At = asked.Add(-10 * time.Hour) }), Covered, false, 6, none, "visits-left old-counters"},
		{"counters of the first minute of today", newWorld().with(func(w *world) { w.k.Standing.At = time.Date(2026, 6, 15, 0, 0, 0, 0, baghdad) }), Covered, true, 6, none, "visits-left"},
		{"counters of last year", newWorld().with(func(w *world) { w.k.Standing.Year = 2025 }), Covered, false, 6, none, "visits-left no-counters"},
		{"counters of the day after tomorrow", newWorld().with(func(w *world) { w.k.Standing.At = asked.Add(48 * time.Hour) }), Covered, false, 6, none, "visits-left no-counters"},
		{"counters that are cut", newWorld().with(func(w *world) { w.k.Standing.More = true }), Covered, false, 6, none, "visits-left counters-cut"},
		{"entries that are locked", newWorld().with(func(w *world) { w.k.Locked = true }), Covered, false, 6, none, "visits-left entries-locked"},
		// The centre's word.
		{"the centre knows of a visit", newWorld().with(func(w *world) {
			w.k.Standing.Charges = []Charge{{Ref: Ref{5}, Start: march(1, 9, 0), Facility: 5}}
		}), Covered, true, 5, none, "visits-left"},
		{"the centre and the card know of one visit", newWorld().visits(1).with(func(w *world) {
			w.k.Standing.Charges = []Charge{{Ref: RefOf(w.k.Entries[0].ID), Start: march(1, 10, 0), Facility: 5}}
		}), Covered, true, 5, none, "visits-left"},
		{"undone since the centre's word", newWorld().visits(1).with(amend(0, 5)).with(func(w *world) {
			w.k.Standing.Charges = []Charge{{Ref: RefOf(w.k.Entries[0].ID), Start: march(1, 10, 0), Facility: 5}}
			w.k.Entries = w.k.Entries[1:]
		}), Covered, true, 6, none, "visits-left"},
		{"the centre has a newer cover", newWorld().with(func(w *world) {
			standingCover(w, &record.Cover{Payer: "Dhamani", Counters: []record.Counter{{Kind: "visits", Year: 2026, Allowed: 20}}}, issued.Add(time.Hour))
		}).with(cover(func(c *record.Cover) { c.Until = record.Day(2026, 2, 1) })), Covered, true, 20, none, "visits-left"},
		{"the centre has ended the cover", newWorld().with(func(w *world) { standingCover(w, nil, issued.Add(time.Hour)) }), NotCovered, true, none, none, "no-cover"},
		{"the centre's cover is older than the card's", newWorld().with(func(w *world) { standingCover(w, nil, issued.Add(-time.Hour)) }), Covered, true, 6, none, "visits-left"},
		{"the centre's word is older than the card", newWorld().with(func(w *world) {
			standingCover(w, nil, issued.Add(time.Hour))
			w.k.Standing.At = issued.Add(-time.Hour)
		}), Covered, false, 6, none, "visits-left old-counters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.w.k.Standing != nil {
				tt.w.k.Standing.Person = tt.w.q.Person
			}
			a, err := Ask(&tt.w.k, tt.w.q)
			if err != nil {
				t.Fatal(err)
			}
			left, patient := none, none
			if a.Balance != nil {
				left = int64(a.Balance.Visits.Left)
			}
			if a.Patient != nil {
				patient = *a.Patient
			}
			if a.Outcome != tt.want || a.Final != tt.final || left != tt.left || patient != tt.patient || codesOf(a) != tt.codes {
				t.Errorf("got %s, final %v, left %d, patient %d, %q\nwant %s, final %v, left %d, patient %d, %q",
					a.Outcome, a.Final, left, patient, codesOf(a), tt.want, tt.final, tt.left, tt.patient, tt.codes)
			}
			for _, r := range a.Reasons {
				if len(r.Text) != 3 || strings.ContainsAny(r.Text["ar"]+r.Text["ckb"]+r.Text["en"], "{}") {
					t.Errorf("words of %s: %v", r.Code, r.Text)
				}
			}
		})
	}
}

func codesOf(a *Answer) string {
	var codes []string
	for _, r := range a.Reasons {
		codes = append(codes, string(r.Code))
	}
	return strings.Join(codes, " ")
}

func TestAskRefuses(t *testing.T) {
	for name, change := range map[string]func(*Question){
		"no time":       func(q *Question) { q.At = time.Time{} },
		"time too late": func(q *Question) { q.At = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) },
		"negative cost": func(q *Question) { n := int64(-1); q.Cost = &n },
		"cost too high": func(q *Question) { n := int64(maxDinars + 1); q.Cost = &n },
		"no service":    func(q *Question) { q.Service = 200 },
		"no class":      func(q *Question) { q.Class = 200 },
		"no place":      func(q *Question) { q.Place = 200 },
	} {
		w := newWorld()
		change(&w.q)
		if a, err := Ask(&w.k, w.q); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestWords checks that every code says something in three languages, and that
// nothing else is said.
func TestWords(t *testing.T) {
	all := []Code{
		CodeCovered, CodeVisitsLeft, CodeVisitsUsed, CodeToday, CodeOperationsUsed, CodeDentalUsed, CodeDentalPart, CodeApproval,
		CodeEmergency, CodeEmergencyCare, CodeExempt, CodeNewborn, CodeBlocked, CodeNoCover, CodeInactive, CodeNotBegun, CodeEnded,
		CodeNotOnCard, CodeLeftOut, CodeDied, CodeNoCounters, CodeOldCounters, CodeCut, CodeLocked, CodeAgeUnknown,
		CodePlaceUnknown, CodeForeign,
	}
	for _, code := range all {
		for _, lang := range []string{"ar", "ckb", "en"} {
			if words()[code][lang] == "" {
				t.Errorf("%s says nothing in %s", code, lang)
			}
		}
	}
	for code := range words() {
		if !slices.Contains(all, code) {
			t.Errorf("words for %s, which is no code", code)
		}
	}
}

// TestLeapDay has whoever was born on 29 February a year older on 1 March of a
// common year, and on the day itself of a leap year.
func TestLeapDay(t *testing.T) {
	r := Default()
	for _, tt := range []struct {
		year  int
		month time.Month
		day   int
		want  int
	}{
		{2025, 2, 28, 4},
		{2025, 3, 1, 5},
		{2024, 2, 28, 3},
		{2024, 2, 29, 4},
		{2100, 2, 28, 79}, // no leap year
		{2100, 3, 1, 80},
	} {
		for _, at := range []time.Time{
			time.Date(tt.year, tt.month, tt.day, 0, 0, 0, 0, baghdad),
			time.Date(tt.year, tt.month, tt.day, 23, 59, 59, 0, baghdad),
		} {
			least, most, ok := r.ages(record.Day(2020, 2, 29), at.UTC())
			if !ok || least != tt.want || most != tt.want {
				t.Errorf("at %s between %d and %d, %v, want %d", at, least, most, ok, tt.want)
			}
		}
	}
}
