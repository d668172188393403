package record

import (
	"math"
	"time"
)

func (w *writer) core(e *Entry) {
	if e.Minutes != defaultMinutes {
		w.key(keyMinutes)
		w.minutes(e.Minutes)
	}
	w.keyUint(keyClass, uint64(e.Class))
	w.keyUint(keyFacility, uint64(e.Facility))
	w.keyUint(keyPractitioner, uint64(e.Practitioner))
	w.keyUint(keyPart, uint64(e.Part))
	if e.Amends != nil {
		w.key(keyAmends)
		w.bytes(e.Amends[:])
	}
	if e.EnteredInError {
		w.key(keyInError)
		w.bool(true)
	}
	if e.Start.Before(Epoch) {
		w.keyUint(keyEarlier, uint64(Epoch.Sub(e.Start)/time.Minute)) // #nosec G115 -- positive
	}
}

func (r *reader) core(e *Entry, key uint64) {
	switch key {
	case keyMinutes:
		if e.Minutes = r.minutes(); e.Minutes == defaultMinutes {
			r.fail("usual length written")
		}
	case keyClass:
		e.Class = chosen[classNames](r)
	case keyFacility:
		e.Facility = uint32(r.some(math.MaxUint32)) // #nosec G115 -- bounded
	case keyPractitioner:
		e.Practitioner = uint32(r.some(math.MaxUint32)) // #nosec G115 -- bounded
	case keyPart:
		e.Part = uint8(r.some(maxPart)) // #nosec G115 -- bounded
	case keyAmends:
		id := r.bytes(len(EntryID{}))
		if len(id) != len(EntryID{}) {
			r.fail("entry identifier of a wrong length")
			return
		}
		e.Amends = (*EntryID)(id)
	case keyInError:
		e.EnteredInError = r.isTrue()
	case keyEarlier:
		d := r.some(200 * 366 * 24 * 60)
		if !e.Start.Equal(Epoch) {
			r.fail("earlier start without the clock's epoch")
		}
		e.Start = Epoch.Add(-time.Duration(d) * time.Minute) // #nosec G115 -- bounded
		r.base = e.Start
	}
}
