package entitle

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// ErrRules is returned for a table of rules that cannot be used.
var ErrRules = errors.New("unusable rules of entitlement")

// Limits of a table of rules.
const (
	MaxRules  = 16 << 10 // bytes
	maxSteps  = 8        // steps of age
	maxShares = 64
	maxList   = 32
)

// Rules are the programme's rules.
type Rules struct {
	Version uint32 `json:"version"` // from 1 on; rises with every change
	// The day on which the programme's year begins, and where a day begins:
	// minutes east of UTC.
	YearMonth uint8 `json:"year_month"`
	YearDay   uint8 `json:"year_day"`
	Offset    int16 `json:"offset_minutes"`
	// Visits a year by age, the first step from age 0, and of those with a
	// chronic illness when that is more.
	Visits  []Step `json:"visits"`
	Chronic uint16 `json:"chronic_visits"`
	// Operations a year without a board's approval.
	Operations uint16 `json:"operations"`
	// Dental is what the programme pays in a year for dental care, in dinars.
	Dental uint32 `json:"dental"`
	// Shares is what patients pay. Of those of a place, the one that names the
	// service goes before the one that names none.
	Shares []Share `json:"shares"`
	// Exempt are the copay classes that pay no share.
	Exempt []uint16 `json:"exempt_classes,omitempty"`
	// Approval are the services that need an approval in any case.
	Approval []record.Service `json:"approval,omitempty"`
	// NewbornDays is for how long a child that is on no card yet is covered as
	// the holder is.
	NewbornDays uint16 `json:"newborn_days"`
	// FreshDays is how many days old the centre's counters may be for an answer
	// that is final; 0: they are of the day of the question.
	FreshDays uint16 `json:"fresh_days"`
}

// Step is how many visits a year somebody has from an age on.
type Step struct {
	Age    uint8  `json:"age"`
	Visits uint16 `json:"visits"`
}

// Share is what a patient pays of a cost.
type Share struct {
	Service *record.Service `json:"service,omitempty"` // nil: of every service that is not named
	Place   Place           `json:"place"`
	PerCent uint8           `json:"per_cent"`
	Ceiling uint32          `json:"ceiling,omitempty"` // dinars at most; 0: none
}

//go:embed rules.json
var published []byte

// Default returns the rules that the program brings along. They must not be
// changed.
var Default = sync.OnceValue(func() *Rules {
	r, err := ParseRules(published)
	if err != nil {
		panic("entitle: internal error: embedded rules: " + err.Error())
	}
	return r
})

// ParseRules reads a table of rules: one JSON object of at most MaxRules bytes
// without unknown names. It owes ErrRules.
func ParseRules(raw []byte) (*Rules, error) {
	if len(raw) > MaxRules {
		return nil, fmt.Errorf("table of %d bytes: %w", len(raw), ErrRules)
	}
	r := new(Rules)
	if err := decodeStrict(raw, r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", err.Error(), ErrRules)
	}
	return r, nil
}

func (r *Rules) check() error {
	switch {
	case r.Version == 0:
		return errors.New("no version")
	case !isDay(r.YearMonth, r.YearDay):
		return errors.New("the year begins on no day")
	case r.Offset < -14*60 || r.Offset > 14*60:
		return errors.New("offset out of range")
	case len(r.Visits) == 0 || len(r.Visits) > maxSteps || r.Visits[0].Age != 0:
		return errors.New("steps of age do not begin at 0, or are too many")
	case r.Dental > math.MaxInt32:
		return errors.New("sum out of range")
	case len(r.Shares) > maxShares || len(r.Exempt) > maxList || len(r.Approval) > maxList:
		return errors.New("list too long")
	}
	for i := 1; i < len(r.Visits); i++ {
		if r.Visits[i].Age <= r.Visits[i-1].Age || r.Visits[i].Visits < r.Visits[i-1].Visits {
			return errors.New("steps of age do not rise")
		}
	}
	return r.checkShares()
}

func (r *Rules) checkShares() error {
	for i, s := range r.Shares {
		if s.PerCent > 100 || s.Place == PlaceUnknown || s.Ceiling > math.MaxInt32 {
			return errors.New("share out of range")
		}
		if slices.ContainsFunc(r.Shares[:i], func(x Share) bool {
			return x.Place == s.Place && (x.Service == nil) == (s.Service == nil) && (s.Service == nil || *x.Service == *s.Service)
		}) {
			return errors.New("a share stands twice")
		}
	}
	for _, p := range Places() {
		if !slices.ContainsFunc(r.Shares, func(x Share) bool { return x.Place == p && x.Service == nil }) {
			return fmt.Errorf("no share for %s", p)
		}
	}
	return nil
}

// isDay reports whether a month and a day are a date in every year.
func isDay(month, day uint8) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	t := time.Date(2001, time.Month(month), int(day), 0, 0, 0, 0, time.UTC)
	return t.Month() == time.Month(month)
}

// share returns what is paid at a place. Where the place is not known it is
// the share of the place that costs most.
func (r *Rules) share(service record.Service, place Place) Share {
	if place != PlaceUnknown {
		return r.shareAt(service, place)
	}
	var most Share
	for i, p := range Places() {
		s := r.shareAt(service, p)
		if i == 0 || s.PerCent > most.PerCent || s.PerCent == most.PerCent && s.Ceiling == 0 {
			most = s
		}
	}
	return most
}

func (r *Rules) shareAt(service record.Service, place Place) (found Share) {
	for _, s := range r.Shares {
		switch {
		case s.Place != place:
		case s.Service != nil && *s.Service == service:
			return s
		case s.Service == nil:
			found = s
		}
	}
	return found
}

// Year returns the number of the programme's year in which t lies, that of the
// calendar year in which it began.
func (r *Rules) Year(t time.Time) int {
	y, m, d := r.date(t)
	if m < time.Month(r.YearMonth) || m == time.Month(r.YearMonth) && d < int(r.YearDay) {
		y--
	}
	return y
}

// YearStart returns the instant at which a programme's year begins.
func (r *Rules) YearStart(year int) time.Time {
	return time.Date(year, time.Month(r.YearMonth), int(r.YearDay), 0, -int(r.Offset), 0, 0, time.UTC)
}

// date returns the local date of t.
func (r *Rules) date(t time.Time) (int, time.Month, int) {
	return t.UTC().Add(time.Duration(r.Offset) * time.Minute).Date()
}

// Day returns the local day of t, as 2027-01-01.
func (r *Rules) Day(t time.Time) string {
	y, m, d := r.date(t)
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// day returns the number of the local day of t, counted from 1970-01-01.
func (r *Rules) day(t time.Time) int64 {
	s := t.Unix() + int64(r.Offset)*60
	if s < 0 {
		s -= 86399
	}
	return s / 86400
}
