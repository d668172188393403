package record

import (
	"math"
	"time"
)

// Moments: minutes after a base, or [year - 2000 (, month (, day))].

func (w *writer) moment(m Moment, base time.Time) {
	if m.Precision == ToMinute {
		w.int((m.Time.Unix() - base.Unix()) / 60)
		return
	}
	n := int(ToYear-m.Precision) + 1
	w.short(majorArray, n)
	year, month, day := m.Time.Date()
	w.int(int64(year - 2000))
	if n > 1 {
		w.uint(uint64(month)) // #nosec G115 -- 1 to 12
	}
	if n > 2 {
		w.uint(uint64(day)) // #nosec G115 -- 1 to 31
	}
}

func (r *reader) moment(base time.Time) Moment {
	const century = 400 * 366 * 24 * 60 // minutes, beyond what valid admits
	if r.peek() != majorArray {
		d := r.int()
		if d > century || d < -century {
			r.fail("time out of range")
			return Moment{}
		}
		return r.checked(Moment{Time: time.Unix(base.Unix()+d*60, 0).UTC()})
	}
	n := r.array(3)
	if n == 0 {
		r.fail("empty date")
		return Moment{}
	}
	year, month, day := r.int(), uint64(1), uint64(1)
	if n > 1 {
		month = r.uint(12)
	}
	if n > 2 {
		day = r.uint(31)
	}
	if year > 200 || year < -200 {
		r.fail("year out of range")
		return Moment{}
	}
	t := time.Date(2000+int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC) // #nosec G115 -- bounded
	if month == 0 || day == 0 || day > 28 && t.Day() != int(day) {                    // #nosec G115 -- bounded
		r.fail("no such day")
	}
	return r.checked(Moment{Time: t, Precision: ToYear - Precision(n-1)}) // #nosec G115 -- 1 to 3
}

func (r *reader) checked(m Moment) Moment {
	if r.err == nil && (m.IsZero() || !m.valid()) {
		r.fail("time out of range")
	}
	if r.err != nil {
		return Moment{}
	}
	return m
}

// Lengths of time: quarters of an hour, else -1 - minutes.

func (w *writer) minutes(n uint32) {
	if n%15 == 0 {
		w.uint(uint64(n / 15))
		return
	}
	w.head(majorNegint, uint64(n))
}

func (r *reader) minutes() uint32 {
	if r.peek() == majorUint {
		return 15 * uint32(r.uint(math.MaxUint32/15)) // #nosec G115 -- bounded
	}
	n := r.want(majorNegint, "length of time")
	if n > math.MaxUint32 || n%15 == 0 {
		r.fail("number out of range, or of whole quarters")
	}
	return uint32(n) // #nosec G115 -- bounded
}
