package cvc

import (
	"bytes"
	"fmt"
	"time"
)

// Date is a day from 2000-01-01 to 2099-12-31 as six unpacked digits YYMMDD,
// one in a byte (TR-03110 part 3, D.2.1.3). The zero Date is no day.
type Date [6]byte

// DateOf returns the day of t in UTC. A day outside the century gives the
// zero Date.
func DateOf(t time.Time) Date {
	t = t.UTC()
	if t.Year() < 2000 || t.Year() > 2099 {
		return Date{}
	}
	var d Date
	copy(d[:], t.Format("060102"))
	for i := range d {
		d[i] -= '0'
	}
	return d
}

// ParseDate reads six digits that name a day. It owes ErrFormat.
func ParseDate(b []byte) (Date, error) {
	if len(b) != len(Date{}) {
		return Date{}, fmt.Errorf("date of %d bytes: %w", len(b), ErrFormat)
	}
	d := Date(b)
	for _, digit := range d {
		if digit > 9 {
			return Date{}, fmt.Errorf("date has no digits: %w", ErrFormat)
		}
	}
	if d.IsZero() || DateOf(d.Time()) != d {
		return Date{}, fmt.Errorf("date names no day: %w", ErrFormat)
	}
	return d, nil
}

// IsZero reports whether d is no day.
func (d Date) IsZero() bool { return d == Date{} }

// Time returns the start of the day in UTC.
func (d Date) Time() time.Time {
	return time.Date(2000+int(d[0])*10+int(d[1]), time.Month(int(d[2])*10+int(d[3])), int(d[4])*10+int(d[5]),
		0, 0, 0, 0, time.UTC)
}

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return bytes.Compare(d[:], e[:]) < 0 }

// String returns the day as 2026-11-22.
func (d Date) String() string {
	if d.IsZero() {
		return "no date"
	}
	return d.Time().Format(time.DateOnly)
}
