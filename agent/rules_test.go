package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// TestRulesChange publishes an interaction and a share that the program does not
// know: a clinic without the centre goes on as before, one that has heard of them
// raises the alert at its next draft.
func TestRulesChange(t *testing.T) {
	t.Cleanup(func() { alerts.Use(alerts.Base()) })
	n := newCountry(t)
	k := n.clinic(t, "a", cvc.RolePhysician)
	c := k.tap(t)
	k.agent.visits.update(c.visit, func(v *Visit) { v.Ready = true })
	draft := &record.Entry{Prescriptions: []record.Prescription{
		{Medicine: record.Code{System: terms.ATC, Value: "A02BC01"}}, {Medicine: record.Code{System: terms.ATC, Value: "R06AE07"}},
	}}
	raised := func() (edition uint32, found bool) {
		t.Helper()
		report, err := k.agent.Check(c.visit, draft)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range report.Alerts {
			found = found || a.Rule == "made-up"
		}
		return report.Edition, found
	}
	ask := func() *entitle.Answer {
		t.Helper()
		answer, err := k.agent.Eligibility(c.visit, CoverQuestion{})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if edition, found := raised(); found || edition != 1 || ask().Rules != 1 {
		t.Fatalf("before: edition %d, %v", edition, found)
	}
	text := strings.Replace(alerts.BaseText(), "edition\t1\n", "edition\t2\n", 1) +
		"class\tmade-up-a\tA02BC01\t-\t-\t-\nclass\tmade-up-b\tR06AE07\t-\t-\t-\nsource\tmade-up\tA made-up source\n" +
		"phrase\tmade-up-effect\tأثر\tکاریگەری\tA made-up effect\nphrase\tmade-up-advice\tانتبه\tئاگاداربە\tTake care\n" +
		"pair\tmade-up\tmade-up-a\tmade-up-b\tstop\tmade-up-effect\tmade-up-advice\tmade-up\n"
	if _, err := n.auth.PublishAlerts(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	r := *entitle.Default()
	r.Version = 2
	if _, err := n.auth.PublishCover(t.Context(), &r, r.Day(time.Now()), nil); err != nil {
		t.Fatal(err)
	}
	if edition, found := raised(); found || edition != 1 || ask().Rules != 1 {
		t.Fatalf("without the centre: edition %d, %v", edition, found)
	}
	if err := k.agent.centre.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if edition, found := raised(); !found || edition != 2 || ask().Rules != 2 {
		t.Errorf("afterwards: edition %d, %v, rules %d", edition, found, ask().Rules)
	}
	if len(k.agent.Health().Problems) != 0 {
		t.Errorf("%+v", k.agent.Health().Problems)
	}
}
