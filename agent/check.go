package agent

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
)

// ErrAlerts is returned for a draft with alerts that must be answered first.
var ErrAlerts = errors.New("alerts are not answered")

// AlertsError is ErrAlerts with the report of what was found.
type AlertsError struct{ Report *alerts.Report }

// Error tells how many there are and nothing of what they say.
func (e *AlertsError) Error() string {
	return fmt.Sprintf("%d of %d: %v", len(e.Report.Open()), len(e.Report.Alerts), ErrAlerts)
}

// Is makes an AlertsError an ErrAlerts.
func (e *AlertsError) Is(target error) bool { return target == ErrAlerts }

// Check tells what should be heard before a draft is written, by the record of
// the person whom the visit shows as far as its role could open it. Nothing is
// written. It owes ErrNoVisit, also while the record is being read, ErrPerson
// and record.ErrInvalid.
func (a *Agent) Check(visitID string, draft *record.Entry) (*alerts.Report, error) {
	v, ok := a.visits.get(visitID)
	if !ok || !v.Ready {
		return nil, ErrNoVisit
	}
	return v.Check(draft, time.Now())
}

// answered refuses a draft that leaves alerts unanswered, and returns one whose
// answers to alerts about what is sensitive lie in the sensitive section. What
// cannot be checked is not written. It owes *AlertsError and what Check owes.
func (a *Agent) answered(visitID string, draft *record.Entry) (*record.Entry, error) {
	report, err := a.Check(visitID, draft)
	if err != nil {
		return nil, err
	}
	if len(report.Open()) > 0 {
		return nil, &AlertsError{report}
	}
	moved := *draft
	moved.Overrides = slices.Clone(draft.Overrides)
	for _, found := range report.Alerts {
		if !found.Sensitive || found.Answer == nil {
			continue
		}
		for i := range moved.Overrides {
			o := &moved.Overrides[i]
			o.Sensitive = o.Sensitive || found.AnsweredBy(o)
		}
	}
	return &moved, nil
}

// recheck looks at the record as it stands.
func (v *Visit) recheck() {
	if v.Ready {
		v.Checks = v.compare(nil, time.Now())
	}
}

// Check compares a draft with what the visit shows; no draft is the record as
// it stands. A draft without a start begins now. It owes ErrPerson and
// record.ErrInvalid.
func (v *Visit) Check(draft *record.Entry, now time.Time) (*alerts.Report, error) {
	if draft == nil {
		return v.compare(nil, now), nil
	}
	if draft.Person != v.Person {
		return nil, fmt.Errorf("check entry of person %d, shown is %d: %w", draft.Person, v.Person, ErrPerson)
	}
	whole := *draft
	if whole.Start.IsZero() {
		whole.Start = now
	}
	whole.Normalise() // as it will be written
	whole.SpellUnits()
	if err := whole.Validate(); err != nil {
		return nil, err
	}
	return v.compare(&whole, now), nil
}

// compare compares a draft, or nothing, with what the visit shows. What the
// draft amends is passed over.
func (v *Visit) compare(draft *record.Entry, now time.Time) *alerts.Report {
	summary, entries := v.Summary, make([]*record.Entry, 0, len(v.Entries)+1)
	for i := range v.Entries {
		entries = append(entries, v.Entries[i].Entry)
	}
	if draft != nil {
		if draft.Start.Before(now) {
			now = draft.Start
		}
		if draft.Amends != nil {
			gone := &record.Entry{Start: now, Person: v.Person, Amends: draft.Amends, EnteredInError: true}
			if summary != nil {
				summary = record.Revise(summary, gone, entries, now)
			}
			entries = append(entries, gone)
		}
	}
	table := alerts.Current()
	p := table.Patient(v.who(), summary, entries, now)
	p.Locked = v.unchecked()
	return table.Check(p, draft)
}

// who is the person whom the visit shows, as far as it matters to alerts.
func (v *Visit) who() alerts.Person {
	if v.Identity == nil {
		return alerts.Person{}
	}
	if m := v.Identity.Member(v.Person); m != nil {
		return alerts.Person{Born: m.Born, Sex: m.Sex}
	}
	return alerts.Person{Born: v.Identity.Born, Sex: v.Identity.Sex}
}

// unchecked names the sections that alerts need and the role could not open.
func (v *Visit) unchecked() []string {
	var out []string
	for _, s := range []record.Section{
		record.SectionSummary, record.SectionMedication, record.SectionLaboratory, record.SectionClinical, record.SectionSensitive,
	} {
		name := s.String()
		if s == record.SectionSummary && v.Locked ||
			slices.ContainsFunc(v.Entries, func(e VisitEntry) bool { return slices.Contains(e.Locked, name) }) {
			out = append(out, name)
		}
	}
	return out
}
