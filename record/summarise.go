package record

import (
	"cmp"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// recent is how long a medicine without an end counts as taken, and episode
// how long a problem that is neither chronic nor said to be over counts as
// active.
const (
	recent  = 90 * 24 * time.Hour
	episode = 365 * 24 * time.Hour
)

// Summarise brings a summary up to date with entries, in any order. prev may
// be nil; what it says stays until an entry or the time says otherwise. What an
// amending entry replaces is withdrawn and passed over, which needs the entries'
// ID; what was entered in error is passed over. Nothing
// sensitive is taken in. The result fits MaxSummary: the least important items
// are left out, and Left counts them.
func Summarise(prev *Summary, entries []*Entry, now time.Time) *Summary {
	s := &Summary{}
	if prev != nil {
		*s = *prev
		s.Allergies, s.Problems, s.Medicines = slices.Clone(prev.Allergies), slices.Clone(prev.Problems), slices.Clone(prev.Medicines)
	}
	s.Left = 0
	s.gather(entries, now, false)
	slices.SortStableFunc(s.Allergies, func(a, b Allergy) int { return cmp.Compare(b.weight(), a.weight()) })
	slices.SortStableFunc(s.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(b.weight(), a.weight()), b.Since.Time.Compare(a.Since.Time))
	})
	slices.SortStableFunc(s.Medicines, func(a, b Medicine) int {
		return cmp.Or(cmp.Compare(rank(b.Ongoing), rank(a.Ongoing)), b.Since.Time.Compare(a.Since.Time))
	})
	s.Fit(MaxSummary)
	return s
}

// gather takes in entries, with what is sensitive only when all is asked for,
// and leaves out what is over.
func (s *Summary) gather(entries []*Entry, now time.Time, all bool) {
	s.AsOf = At(now)
	stand, fallen := standing(entries)
	for _, e := range fallen {
		s.withdraw(e)
	}
	for _, e := range stand {
		s.add(e, all)
	}
	s.Problems = slices.DeleteFunc(s.Problems, func(p Problem) bool { return !p.Chronic && now.After(p.Since.End().Add(episode)) })
	s.Medicines = slices.DeleteFunc(s.Medicines, func(m Medicine) bool { return !m.taken(now) })
}

// Standing returns the entries that count, oldest first: not those entered in
// error, nor those that another replaces.
func Standing(entries []*Entry) []*Entry {
	stand, _ := standing(entries)
	return stand
}

// standing returns those that count, and those that another replaces. What was
// entered in error is neither: it never counted.
func standing(entries []*Entry) (stand, fallen []*Entry) {
	by := Amended(entries)
	for _, e := range entries {
		switch {
		case e.ID != (EntryID{}) && by[e.ID] != nil:
			fallen = append(fallen, e)
		case !e.EnteredInError:
			stand = append(stand, e)
		}
	}
	slices.SortStableFunc(stand, func(a, b *Entry) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Part, b.Part)) })
	return stand, fallen
}

func (s *Summary) add(e *Entry, all bool) {
	for _, x := range e.Allergies {
		x.At = x.At.or(e.Start)
		x.Note = ""
		s.Allergies = slices.DeleteFunc(s.Allergies, func(a Allergy) bool { return a.Code == x.Code })
		if x.Status == ConditionActive && !terms.Absent(x.Code) && x.Certainty != Refuted && x.Certainty != EnteredInError {
			s.Allergies = append(s.Allergies, x)
		}
	}
	for i := range e.Diagnoses {
		s.addProblem(&e.Diagnoses[i], e.Start, all)
	}
	for _, x := range inTime(e.Prescriptions, e.Start) {
		s.addMedicine(x, e.Start, all)
	}
	eachObservation(e, func(x *Observation) {
		if g, ok := x.blood(); ok {
			s.BloodGroup = g
		}
	})
}

// inTime returns the prescriptions of an encounter in the order in which they
// were made, and of those made at one moment what ends a medicine behind what
// begins it: a medicine that one entry both orders and stops is stopped,
// whichever stands first in the list.
func inTime(list []Prescription, start time.Time) []*Prescription {
	out := make([]*Prescription, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	slices.SortStableFunc(out, func(a, b *Prescription) int {
		return cmp.Or(a.At.or(start).Time.Compare(b.At.or(start).Time), cmp.Compare(rank(!a.current()), rank(!b.current())))
	})
	return out
}

func (s *Summary) addProblem(d *Diagnosis, start time.Time, all bool) {
	if !all && (d.Sensitive || terms.Sensitive(d.Code)) || terms.Absent(d.Code) {
		return
	}
	p := Problem{Code: d.Code, Since: d.Onset, Severity: d.Severity, Chronic: d.Chronic || terms.Chronic(d.Code)}
	if p.Since.IsZero() {
		p.Since = d.At.or(start)
	}
	over := d.Status >= ConditionInactive || !d.End.IsZero() || d.Certainty >= Refuted
	s.Problems = slices.DeleteFunc(s.Problems, func(old Problem) bool {
		if old.Code != d.Code {
			return false
		}
		p.Chronic = p.Chronic || old.Chronic
		if before := p.Since.Time.Sub(old.Since.Time); before > 0 && (p.Chronic || before < episode) {
			p.Since = old.Since // known for longer; else it has come back
		}
		return true
	})
	if !over {
		s.Problems = append(s.Problems, p)
	}
}

func (s *Summary) addMedicine(x *Prescription, start time.Time, all bool) {
	if !all && (x.Sensitive || terms.Sensitive(x.Medicine)) || terms.Absent(x.Medicine) {
		return
	}
	s.Medicines = slices.DeleteFunc(s.Medicines, func(old Medicine) bool { return old.Code == x.Medicine })
	if x.current() {
		s.Medicines = append(s.Medicines, x.medicine(start))
	}
}

// medicine is what a summary tells of a prescription.
func (x *Prescription) medicine(start time.Time) Medicine {
	m := Medicine{
		Code: x.Medicine, Since: x.At.or(start), Dose: x.Dose, Route: x.Route, Frequency: x.Frequency,
		AsNeeded: x.AsNeeded, Ongoing: x.Ongoing,
	}
	if x.Days > 0 && !x.Ongoing {
		courses := 1 + int(x.Refills)
		m.Until = At(m.Since.Time.AddDate(0, 0, courses*int(x.Days)))
	}
	return m
}

func (m *Medicine) taken(now time.Time) bool {
	switch {
	case m.Ongoing:
		return true
	case !m.Until.IsZero():
		return now.Before(m.Until.End())
	default:
		return now.Before(m.Since.End().Add(recent))
	}
}

// bloodGroups are the answers to LOINC 882-1 (ABO and Rh group), by the codes
// that laboratories send.
var bloodGroups = map[string]string{
	"278147001": "O+", "278148006": "O-", "278149003": "A+", "278152006": "A-",
	"278150003": "B+", "278153001": "B-", "278151004": "AB+", "278154007": "AB-",
	"LA21321-4": "AB+", "LA21322-2": "AB-", "LA21325-5": "A+", "LA21326-3": "A-",
	"LA21323-0": "B+", "LA21324-8": "B-", "LA21327-1": "O+", "LA21328-9": "O-",
}

// blood returns the blood group that an observation found, if it did.
func (x *Observation) blood() (BloodGroup, bool) {
	if x.Code != (Code{System: terms.LOINC, Value: "882-1"}) || x.Sensitive ||
		x.Status == ObservationEnteredInError || x.Status == ObservationCancelled {
		return 0, false
	}
	name := x.Value.Text
	if c := x.Value.Code; c != nil {
		if name = bloodGroups[c.Value]; name == "" {
			name = c.Value
		}
	}
	g, ok := ParseEnum[bloodNames](name)
	return g, ok && g != 0
}

func (a *Allergy) weight() int {
	w := int(a.Severity)
	switch a.Criticality {
	case CriticalityHigh:
		w += 8
	case CriticalityLow:
		w -= 4
	default:
	}
	if a.Group == AllergyMedication || a.Group == AllergyBiologic || a.Code.System == terms.ATC {
		w += 4
	}
	return w
}

func (p *Problem) weight() int { return int(p.Severity) + 4*rank(p.Chronic) }

// Fit leaves out the least important items until the encoded summary takes at
// most so many bytes: details of allergies, then problems that are not chronic
// and medicines, oldest first, and allergies last of all. Left counts them.
func (s *Summary) Fit(most int) {
	for {
		b, err := s.encode(1<<20, 0)
		if err != nil || len(b) <= min(most, MaxSummary) {
			return
		}
		switch {
		case len(s.Problems) > 24 || len(s.Problems) > 0 && !s.Problems[len(s.Problems)-1].Chronic:
			s.Problems = s.Problems[:len(s.Problems)-1]
		case len(s.Medicines) > 16:
			s.Medicines = s.Medicines[:len(s.Medicines)-1]
		case s.plainer():
			continue
		case len(s.Problems) > 0:
			s.Problems = s.Problems[:len(s.Problems)-1]
		case len(s.Medicines) > 0:
			s.Medicines = s.Medicines[:len(s.Medicines)-1]
		case len(s.Allergies) > 0:
			s.Allergies = s.Allergies[:len(s.Allergies)-1]
		case s.Contact != nil:
			s.Contact = nil
		default:
			return
		}
		s.Left++
	}
}

// plainer drops the details of the least important allergy that has any.
func (s *Summary) plainer() bool {
	for i := len(s.Allergies) - 1; i >= 0; i-- {
		if a := &s.Allergies[i]; len(a.Reactions) > 0 || !a.Onset.IsZero() {
			a.Reactions, a.Onset = nil, Moment{}
			return true
		}
	}
	return false
}

// An AlertLevel says how loud an alert is.
type AlertLevel string

// The levels.
const (
	AlertHigh    AlertLevel = "high"    // may kill: show it before anything else
	AlertWarning AlertLevel = "warning" // must be seen
	AlertInfo    AlertLevel = "info"
)

// Alert is something that everybody who treats the patient must see at once.
type Alert struct {
	Severity AlertLevel `json:"severity"`
	Kind     string     `json:"kind"` // allergy, chronic
	Code     Code       `json:"code"`
	Text     string     `json:"text"` // English; terms.Display has the other languages
}

// Alerts returns the summary's alerts, the loudest first.
func (s *Summary) Alerts() []Alert {
	if s == nil {
		return nil
	}
	var out []Alert
	add := func(level AlertLevel, kind string, c Code) {
		out = append(out, Alert{Severity: level, Kind: kind, Code: c, Text: terms.Display(c, "en")})
	}
	loud := func(a *Allergy) bool { return a.Criticality == CriticalityHigh || a.Severity == SeveritySevere }
	for i := range s.Allergies {
		if loud(&s.Allergies[i]) {
			add(AlertHigh, "allergy", s.Allergies[i].Code)
		}
	}
	for i := range s.Allergies {
		if !loud(&s.Allergies[i]) {
			add(AlertWarning, "allergy", s.Allergies[i].Code)
		}
	}
	for _, p := range s.Problems {
		if p.Chronic {
			add(AlertInfo, "chronic", p.Code)
		}
	}
	return out
}
