package entitle

import (
	"errors"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// ErrQuestion is returned for a question that has no answer.
var ErrQuestion = errors.New("unusable question about cover")

// maxDinars bounds amounts, so that shares of them can be reckoned.
const maxDinars = 1e12

// Question asks what the cover pays for one service.
type Question struct {
	Person   uint8          `json:"person"`
	At       time.Time      `json:"at"`
	Place    Place          `json:"place"`
	Facility uint32         `json:"facility"` // where it is given; 0: not said
	Service  record.Service `json:"service"`
	Class    record.Class   `json:"class"`
	Cost     *int64         `json:"cost,omitempty"` // whole dinars; nil: not known yet
	// Newborn is when a child was born that is on no card yet: Person is then
	// the parent on the card.
	Newborn record.Moment `json:"newborn,omitzero"`
}

// Known is what the answer rests on.
type Known struct {
	Rules    *Schedule // nil: Builtin
	Identity *record.Identity
	Cover    *record.Cover // nil: the card has none
	Issued   time.Time     // when the identity and the cover on the card were signed
	Blocked  bool          // the card is on the block list
	Standing *Standing     // the centre's last word; nil: none
	Entries  []Seen        // of the patient, from the card, the cache and the outbox
	Locked   bool          // there are entries whose coverage section is closed to the reader
}

// Outcome says whether the cover pays.
type Outcome string

// The outcomes.
const (
	Covered    Outcome = "covered"
	NotCovered Outcome = "not-covered"
	Approval   Outcome = "needs-approval" // of a board, before it is given
)

// Allowance is what a person may have in a year.
type Allowance struct {
	Allowed uint32 `json:"allowed"`
	Used    uint32 `json:"used"`
	Left    uint32 `json:"left"`
}

func allowance(allowed, used uint32) Allowance {
	return Allowance{Allowed: allowed, Used: used, Left: allowed - min(used, allowed)}
}

// Balance is what is left of a programme's year.
type Balance struct {
	Year       int       `json:"year"`
	Visits     Allowance `json:"visits"`
	Operations Allowance `json:"operations"`
	Dental     Allowance `json:"dental"` // dinars
}

// Answer says what the cover pays and why.
type Answer struct {
	Outcome Outcome        `json:"outcome"`
	Final   bool           `json:"final"` // false: what other clinics wrote, or the centre decided, may change it
	Service record.Service `json:"service"`
	Place   Place          `json:"place"`
	PerCent uint8          `json:"per_cent"`          // that the patient pays
	Ceiling uint32         `json:"ceiling,omitempty"` // dinars that the patient pays at most; 0: none
	Cost    *int64         `json:"cost,omitempty"`    // dinars, as asked
	Patient *int64         `json:"patient,omitempty"` // dinars that the patient pays; nil: the cost is not known
	Balance *Balance       `json:"balance,omitempty"` // nil: there is no cover to count
	AsOf    time.Time      `json:"as_of,omitzero"`    // of the centre's counters
	Until   record.Moment  `json:"until,omitzero"`    // end of the cover
	Reasons []Reason       `json:"reasons"`           // why, the deciding one first
	Rules   uint32         `json:"rules"`             // version of the rules that were in force
}

// Ask answers a question. It owes ErrQuestion for a cost or a time out of
// range; whatever is wrong with the cover is an answer, not an error.
func Ask(k *Known, q Question) (*Answer, error) {
	switch {
	case q.At.IsZero() || q.At.Year() < 2000 || q.At.Year() > 2199:
		return nil, ErrQuestion
	case q.Cost != nil && (*q.Cost < 0 || *q.Cost > maxDinars):
		return nil, ErrQuestion
	case !q.Service.Valid() || !q.Class.Valid() || int(q.Place) >= len(placeNames):
		return nil, ErrQuestion
	}
	schedule := k.Rules
	if schedule == nil {
		schedule = Builtin()
	}
	rules := schedule.At(q.At)
	a := asking{known: k, rules: rules, words: schedule.words, q: q, Answer: Answer{
		Outcome: Covered, Final: true, Service: q.Service, Place: q.Place, Cost: q.Cost, Rules: rules.Version,
	}}
	a.answer()
	return &a.Answer, nil
}

// asking is one question on its way to its answer.
type asking struct {
	Answer
	known  *Known
	rules  *Rules
	words  wordTable
	q      Question
	cover  *record.Cover
	issued time.Time // when that cover was signed
	today  bool      // the same of today at this facility is counted already

	standing *Standing // of this year
}

func (a *asking) answer() {
	a.pick()
	if code := a.lack(); code != "" {
		a.refuse()
		if code != CodeBlocked && code != CodeDied && code != CodeNotOnCard {
			a.fresh() // the centre may have another cover by now
		}
		return
	}
	a.Until = a.cover.Until
	share := a.rules.share(a.q.Service, a.q.Place)
	a.PerCent, a.Ceiling = share.PerCent, share.Ceiling
	for _, class := range a.rules.Exempt {
		if class == uint16(a.cover.Copay) && a.PerCent > 0 {
			a.PerCent, a.Ceiling = 0, 0
			a.say(CodeExempt)
		}
	}
	a.count()
	a.judge()
	if a.Outcome != NotCovered {
		a.pay()
	} else {
		a.refuse()
	}
	if a.q.Place == PlaceUnknown && a.PerCent > 0 && a.Outcome != NotCovered {
		a.doubt(CodePlaceUnknown)
	}
	if len(a.Reasons) == 0 {
		a.say(CodeCovered)
	}
}

// pick takes the newer of the cover on the card and the centre's.
func (a *asking) pick() {
	a.cover, a.issued = a.known.Cover, a.known.Issued
	s := a.known.Standing
	if s == nil || s.Person != a.q.Person || s.At.After(a.q.At.Add(clockSkew)) {
		return
	}
	if int(s.Year) == a.rules.Year(a.q.At) {
		a.standing, a.AsOf = s, s.At
	}
	if !s.At.After(a.issued) || s.CoverAt.Before(a.issued) {
		return
	}
	if len(s.Cover) == 0 {
		a.cover = nil
	} else if c, err := record.DecodeCover(s.Cover); err == nil {
		a.cover, a.issued = c, s.CoverAt
	}
}

// clockSkew is how far a centre's word may lie ahead of the question's time.
const clockSkew = 24 * time.Hour

// lack says, and returns, why there is no cover for this person on this day.
func (a *asking) lack() Code {
	c, at, id := a.cover, a.q.At, a.known.Identity
	code := Code("")
	switch {
	case a.known.Blocked:
		code = CodeBlocked
	case c == nil:
		code = CodeNoCover
	case c.Inactive:
		code = CodeInactive
	case !c.From.IsZero() && at.Before(a.local(c.From.Time, c.From)):
		a.sayOn(CodeNotBegun, c.From)
		return CodeNotBegun
	case !c.Until.IsZero() && !at.Before(a.local(c.Until.End(), c.Until)):
		a.sayOn(CodeEnded, c.Until)
		return CodeEnded
	case id != nil && !id.Persons().Has(a.q.Person):
		code = CodeNotOnCard
	case c.Without.Has(a.q.Person):
		code = CodeLeftOut
	case id != nil && a.q.Person == 0 && !id.Died.IsZero() && !at.Before(a.local(id.Died.End(), id.Died)):
		code = CodeDied
	case !a.q.Newborn.IsZero():
		code = a.newborn()
	}
	if code != "" {
		a.say(code)
	}
	return code
}

// local gives the instant of a boundary: dates are dates where the programme
// is, instants are what they are.
func (a *asking) local(t time.Time, m record.Moment) time.Time {
	if m.Precision == record.ToMinute {
		return t
	}
	return t.Add(-time.Duration(a.rules.Offset) * time.Minute)
}

// newborn returns why a child that is on no card is not covered as its parent.
func (a *asking) newborn() Code {
	_, _, born := a.rules.ages(a.q.Newborn, a.q.At)
	end := a.local(a.q.Newborn.End(), a.q.Newborn).AddDate(0, 0, int(a.rules.NewbornDays))
	if !born || !a.q.At.Before(end) {
		return CodeNotOnCard
	}
	a.doubt(CodeNewborn)
	return ""
}

// refuse has the patient pay everything.
func (a *asking) refuse() {
	a.Outcome, a.PerCent, a.Ceiling = NotCovered, 100, 0
	a.Patient = a.Cost
	if a.q.Class == record.ClassEmergency {
		a.say(CodeEmergencyCare)
	}
}

// pay reckons the patient's share; of dental care the patient also pays what
// is above the rest of the year's sum, but for an emergency, which uses none.
func (a *asking) pay() {
	if a.Cost == nil {
		return
	}
	share := (*a.Cost*int64(a.PerCent) + 50) / 100
	if a.Ceiling > 0 {
		share = min(share, int64(a.Ceiling))
	}
	if a.q.Service == record.ServiceDental && a.q.Class != record.ClassEmergency {
		if left := int64(a.Balance.Dental.Left); *a.Cost-share > left {
			share = *a.Cost - left
			a.sayN(CodeDentalPart, left)
		}
	}
	a.Patient = &share
}
