package agent

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

func prescribe(codes ...string) *record.Entry {
	e := &record.Entry{Start: time.Now()}
	for _, c := range codes {
		e.Prescriptions = append(e.Prescriptions, record.Prescription{Medicine: record.Code{System: terms.ATC, Value: c}, Days: 7})
	}
	return e
}

// TestAlerts writes a medicine against an allergy: it is refused, answered,
// written, and not asked again in the same course; the tap tells of it as
// answered, here and at another desk.
func TestAlerts(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{})
	v := d.tapped(t, p)
	if _, err := d.agent.Append(t.Context(), v.ID, allergyTo(0, "J01C")); err != nil {
		t.Fatal(err)
	}
	before := d.cache.OutboxLen()
	draft := prescribe("J01CA04")
	report, err := d.agent.Check(v.ID, draft)
	if err != nil || len(report.Open()) != 1 {
		t.Fatalf("%v, %+v", err, report)
	}
	_, err = d.agent.Append(t.Context(), v.ID, draft)
	refused, ok := errors.AsType[*AlertsError](err)
	if !ok || Classify(err).Code != "alerts_open" || len(refused.Report.Open()) != 1 || d.cache.OutboxLen() != before {
		t.Fatalf("written with an open alert: %v", err)
	}
	if strings.Contains(err.Error(), "J01") {
		t.Errorf("the error tells health data: %v", err)
	}
	found := report.Alerts[0]
	draft.Overrides = []record.Override{{Rule: found.Rule, Kind: found.Kind, About: found.About, Reason: record.OverrideTolerated}}
	w, err := d.agent.Append(t.Context(), v.ID, draft)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.agent.Append(t.Context(), v.ID, prescribe("J01CA04")); err != nil {
		t.Errorf("asked again in the same course: %v", err)
	}
	if _, err := d.agent.Append(t.Context(), v.ID, prescribe("J01CR05")); !errors.Is(err, ErrAlerts) {
		t.Errorf("not asked about another medicine: %v", err)
	}
	d.take(t)
	other := n.desk(deskOptions{}).tapped(t, p)
	if e := entryOf(t, other, w.ID).Entry; len(e.Overrides) != 1 || e.Overrides[0].Sensitive {
		t.Errorf("overrides %+v", e.Overrides)
	}
	if c := other.Checks; c == nil || len(c.Alerts) != 1 || c.Alerts[0].Answer == nil || len(c.Open()) != 0 || len(c.Unchecked) != 0 {
		t.Errorf("the tap tells %+v", c)
	}
}

// TestAlertsOfAmendments passes over what a draft replaces.
func TestAlertsOfAmendments(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{})
	v, _ := d.tap(t, p)
	if _, err := d.agent.Append(t.Context(), v.ID, prescribe("C01DA02")); err != nil {
		t.Fatal(err)
	}
	v, _ = d.agent.Visit(v.ID)
	amends := v.Entries[0].ID
	draft := prescribe("G04BE03")
	if report, err := d.agent.Check(v.ID, draft); err != nil || len(report.Open()) != 1 {
		t.Fatalf("beside it: %v, %+v", err, report)
	}
	draft.Amends = &amends
	if report, err := d.agent.Check(v.ID, draft); err != nil || len(report.Open()) != 0 {
		t.Fatalf("instead of it: %v, %+v", err, report)
	}
}

// TestAlertsDiscloseNothing gives a role without the keys no alert that would
// tell what it may not read, and says what was not looked at.
func TestAlertsDiscloseNothing(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{})
	v, _ := d.tap(t, p)
	if _, err := d.agent.Append(t.Context(), v.ID, allergyTo(0, "J01C")); err != nil {
		t.Fatal(err)
	}
	draft := prescribe("J01CA04")
	report, _ := d.agent.Check(v.ID, draft)
	draft.Overrides = []record.Override{{Rule: report.Alerts[0].Rule, About: report.Alerts[0].About}}
	if _, err := d.agent.Append(t.Context(), v.ID, draft); err != nil {
		t.Fatal(err)
	}
	d.take(t)
	v = n.desk(deskOptions{role: cvc.RoleReceptionist}).tapped(t, p)
	if len(v.Checks.Alerts) != 0 || !slices.Contains(v.Checks.Unchecked, "medication") || !slices.Contains(v.Checks.Unchecked, "summary") {
		t.Errorf("a receptionist hears %+v", v.Checks)
	}
	raw, err := json.Marshal(v)
	if err != nil || strings.Contains(string(raw), "J01C") {
		t.Errorf("a receptionist reads the allergy: %v", err)
	}
}

// TestSensitiveOverride moves the answer to an alert about what is sensitive to
// the sensitive section.
func TestSensitiveOverride(t *testing.T) {
	visit := Visit{Ready: true, Person: 0, Entries: []VisitEntry{{Entry: &record.Entry{
		Start:         time.Now().AddDate(0, 0, -1),
		Prescriptions: []record.Prescription{{Medicine: record.Code{System: terms.ATC, Value: "N06AB03"}, Ongoing: true, Sensitive: true}},
	}}}}
	a := &Agent{visits: newVisits()}
	visit.ID = "v"
	a.visits.byReader["r"] = &heldVisit{Visit: visit}
	draft := prescribe("N06AF03")
	_, err := a.answered("v", draft)
	refused, ok := errors.AsType[*AlertsError](err)
	if !ok || !refused.Report.Alerts[0].Sensitive {
		t.Fatal(err)
	}
	found := refused.Report.Alerts[0]
	draft.Overrides = []record.Override{{Rule: found.Rule, Kind: found.Kind, About: found.About}}
	moved, err := a.answered("v", draft)
	if err != nil || !moved.Overrides[0].Sensitive || draft.Overrides[0].Sensitive {
		t.Errorf("%v, %+v", err, moved)
	}
}

// TestAlertsOfUntidyDraft writes a draft that is only right once it is
// normalised, as the write path does: its alerts are asked for all the same.
func TestAlertsOfUntidyDraft(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{})
	v := d.tapped(t, p)
	if _, err := d.agent.Append(t.Context(), v.ID, allergyTo(0, "J01C")); err != nil {
		t.Fatal(err)
	}
	draft := prescribe("J01CA04")
	seconds := record.Moment{Time: time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)}
	draft.Prescriptions[0].At = seconds
	if report, err := d.agent.Check(v.ID, draft); err != nil || len(report.Open()) != 1 {
		t.Errorf("check: %v", err)
	}
	if _, err := d.agent.Append(t.Context(), v.ID, draft); !errors.Is(err, ErrAlerts) {
		t.Errorf("written past an open alert: %v", err)
	}
	if draft.Prescriptions[0].At != seconds {
		t.Error("the caller's draft was changed")
	}
}
