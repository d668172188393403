package central_test

import (
	"net/http"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record/terms"
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
		if status != http.StatusOK || err != nil || e.Number != number || tag != wire.TermsTag(number, raw) {
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
