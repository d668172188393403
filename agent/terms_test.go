package agent

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// TestWordsArrive writes a code that no edition has yet, and shows its words in
// the open visit once the centre has published them.
func TestWordsArrive(t *testing.T) {
	code := record.Code{System: terms.Own, Value: "frost-clinic"}
	if _, known := terms.Lookup(code); known {
		t.Fatal("the table has the code already")
	}
	n := newCountry(t)
	k := n.clinic(t, "a", cvc.RolePhysician)
	c := k.tap(t)
	k.write(t, c, &record.Entry{Start: time.Now().UTC().Truncate(time.Minute), Minutes: 15, Type: &code})
	k.agent.visits.update(c.visit, func(v *Visit) { v.Ready = true })
	shown := func() string {
		t.Helper()
		k.agent.reshowAll(true)
		v, ok := k.agent.Visit(c.visit)
		if !ok || len(v.Entries) == 0 {
			t.Fatalf("the visit shows nothing: %v", ok)
		}
		return string(must[[]byte](t)(json.Marshal(v.Entries)))
	}
	if s := shown(); !strings.Contains(s, code.Value) || strings.Contains(s, "کلینیکی بەستەڵەک") {
		t.Errorf("before: %s", s)
	}
	e, err := n.auth.PublishTerms(t.Context(), "act\tdhamani\tfrost-clinic\t-\tعيادة الصقيع\tکلینیکی بەستەڵەک\tFrost clinic\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.agent.centre.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"عيادة الصقيع", "کلینیکی بەستەڵەک", "Frost clinic"} {
		if s := shown(); !strings.Contains(s, words) {
			t.Errorf("%q does not show: %s", words, s)
		}
	}
	raw, err := k.agent.cfg.Cache.List(wire.EditionName(wire.ListTerms, e.Number))
	if err != nil || len(raw) == 0 || k.agent.Sync().TermsEdition != uint64(e.Number) {
		t.Errorf("edition %d is not kept: %d bytes, %v, status %+v", e.Number, len(raw), err, k.agent.Sync())
	}
	if terms.Settled() != 1 {
		t.Errorf("rows of a new edition are named by number: %d", terms.Settled())
	}
}
