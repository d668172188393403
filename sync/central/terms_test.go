package central_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/rules"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestTerms(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	get := func(query, tag string) (status int, etag string, raw []byte) {
		t.Helper()
		return w.list(t, wire.ListTerms+query, tag)
	}
	for query, want := range map[string]int{
		"": http.StatusNotModified, "?after=1": http.StatusNotModified, "?after=2": http.StatusConflict,
		"?after=0": http.StatusBadRequest, "?after=x": http.StatusBadRequest, "?after=4294967296": http.StatusBadRequest,
	} {
		if status, _, _ := get(query, ""); status != want {
			t.Errorf("%q before anything is published: %d, want %d", query, status, want)
		}
	}
	for _, text := range []string{"finding\ticd10\tX59\t-\tأ\tئا\tA new one\n", "map\trxnorm\t99\tatc\tN02BE01\n"} {
		if _, err := c.auth.PublishTerms(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	all, table, err := c.auth.Terms(t.Context())
	if err != nil || len(all) != 2 || table.Edition != 3 {
		t.Fatalf("%d editions, %v", len(all), err)
	}
	tags := make(map[int]string)
	for after, number := range map[string]uint32{"": 2, "?after=1": 2, "?after=2": 3, "?after=3": 3, "?after=9": 3} {
		status, tag, raw := get(after, "")
		e, err := c.auth.Trust().Edition(raw)
		if status != http.StatusOK || err != nil || e.Number != number || tag != wire.EditionTag(wire.ListTerms, number, raw) {
			t.Errorf("%q: %d, edition %d, %v", after, status, e.Number, err)
		}
		tags[int(number)] = tag
	}
	if status, _, raw := get("?after=3", tags[3]); status != http.StatusNotModified || len(raw) != 0 {
		t.Errorf("the newest again: %d", status)
	}
	if status, _, _ := get("?after=2", tags[2]); status != http.StatusOK {
		t.Errorf("the one before: %d", status)
	}
	// Another process over the same folder makes a line, never two.
	if _, err := c.auth.PublishTerms(t.Context(), ""); err == nil {
		t.Error("an edition of nothing was published")
	}
	for _, text := range []string{"finding\ticd10\tX59\t-\tأ\tئا\n", "act\ticd10\tX59\t-\tأ\tئا\tin another slot\n"} {
		if _, err := c.auth.PublishTerms(t.Context(), text); err == nil {
			t.Errorf("%q was published", text)
		}
	}
	if _, again, err := c.auth.Terms(t.Context()); err != nil || again.Digest != table.Digest {
		t.Errorf("what was refused changed something: %v", err)
	}
	if all[1].Before != all[0].After || all[0].Before != terms.Base().Digest {
		t.Error("the editions are no line")
	}
}

// TestRules publishes both kinds of rules, fetches them as a clinic does, and
// has a standing reckoned by what was published.
func TestRules(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	for _, name := range []string{wire.ListAlerts, wire.ListCover} {
		if status, _, _ := w.list(t, name, ""); status != http.StatusNotFound {
			t.Errorf("%s before anything is published: %d", name, status)
		}
	}
	table := func(number string) string {
		return strings.Replace(alerts.BaseText(), "edition\t1\n", "edition\t"+number+"\n", 1)
	}
	for _, number := range []string{"1", "3"} {
		if _, err := c.auth.PublishAlerts(t.Context(), table(number)); err == nil {
			t.Errorf("edition %s was published as the second", number)
		}
	}
	if _, err := c.auth.PublishAlerts(t.Context(), table("2")+"nonsense\n"); !errors.Is(err, alerts.ErrTable) {
		t.Errorf("what does not parse: %v", err)
	}
	if _, err := c.auth.PublishAlerts(t.Context(), table("2")); err != nil {
		t.Fatal(err)
	}
	rule := *entitle.Default()
	today := rule.Day(time.Now())
	publish := func(version uint32, from string) error {
		r := rule
		r.Version = version
		_, err := c.auth.PublishCover(t.Context(), &r, from, nil)
		return err
	}
	for name, err := range map[string]error{
		"a day that is over": publish(2, rule.Day(time.Now().AddDate(0, 0, -2))), "no day": publish(2, "soon"), "a version left out": publish(3, today),
	} {
		if err == nil {
			t.Errorf("published: %s", name)
		}
	}
	if err := errors.Join(publish(2, today), publish(3, rule.Day(time.Now().AddDate(0, 1, 0)))); err != nil {
		t.Fatal(err)
	}
	if err := publish(3, today); !errors.Is(err, authority.ErrEdition) {
		t.Errorf("the third twice: %v", err)
	}
	status, tag, raw := w.list(t, wire.ListCover, "")
	e, err := rules.Cover.Open(c.auth.Trust(), raw)
	if status != http.StatusOK || err != nil || e.Number != 3 || len(e.Rules.Periods()) != 3 || tag != wire.EditionTag(wire.ListCover, 3, raw) {
		t.Fatalf("%d, edition %d, %v", status, e.Number, err)
	}
	if status, _, _ := w.list(t, wire.ListCover, tag); status != http.StatusNotModified {
		t.Errorf("the newest again: %d", status)
	}
	status, _, raw = w.list(t, wire.ListAlerts, "")
	if table, err := rules.Alerts.Open(c.auth.Trust(), raw); status != http.StatusOK || err != nil || table.Number != 2 {
		t.Errorf("%d, edition %d, %v", status, table.Number, err)
	}
	all, err := c.auth.CoverRules(t.Context())
	tables, err2 := c.auth.AlertRules(t.Context())
	if errors.Join(err, err2) != nil || len(all) != 3 || len(tables) != 2 || all[0].Number != 1 || all[2].Number != 3 {
		t.Errorf("%d and %d editions, %v, %v", len(all), len(tables), err, err2)
	}
}
