package localapi_test

import (
	"testing"

	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
	"github.com/dhamani-iq/dhamani/record/terms"
)

func TestTerms(t *testing.T) {
	s := start(t, apitest.New(), localapi.Config{})
	for _, c := range []struct {
		query, lang string
		slots       []terms.Slot
		want        localapi.FoundTerm // of the first
	}{
		{"metfromin", "ckb", []terms.Slot{terms.Medicines}, localapi.FoundTerm{System: "atc", Code: "A10BA02", Slot: "medicine", Words: "میتفۆرمین"}},
		{"ديازيبام", "ar", nil, localapi.FoundTerm{System: "atc", Code: "N05BA01", Slot: "medicine", Words: "ديازيبام", Sensitive: true}},
		{"E11", "en", nil, localapi.FoundTerm{System: "icd10", Code: "E11", Slot: "finding", Words: "Type 2 diabetes", Chronic: true}},
		{"2160-0", "en", nil, localapi.FoundTerm{System: "loinc", Code: "2160-0", Slot: "observation", Words: "Creatinine", Unit: "mg/dL", Category: "laboratory"}},
		{"ضغط الدم", "en", []terms.Slot{terms.Observations}, localapi.FoundTerm{System: "loinc", Code: "85354-9", Slot: "observation", Words: "Blood pressure", Category: "vital-signs"}},
	} {
		got, err := s.client.Terms(t.Context(), c.query, c.lang, 5, c.slots...)
		if err != nil || len(got.Terms) == 0 || len(got.Terms) > 5 || got.Edition == 0 {
			t.Errorf("%q: %+v, %v", c.query, got, err)
			continue
		}
		first := got.Terms[0]
		if len(first.Displays) != 3 || first.Displays[c.lang] != c.want.Words {
			t.Errorf("%q: words %v", c.query, first.Displays)
		}
		if first.Displays = nil; first.System+first.Code+first.Slot+first.Words+first.Unit+first.Category !=
			c.want.System+c.want.Code+c.want.Slot+c.want.Words+c.want.Unit+c.want.Category ||
			first.Chronic != c.want.Chronic || first.Sensitive != c.want.Sensitive {
			t.Errorf("%q finds %+v", c.query, first)
		}
	}
	if got, err := s.client.Terms(t.Context(), "xyzzy", "en", 5); err != nil || got.Terms == nil || len(got.Terms) != 0 {
		t.Errorf("nothing to find: %+v, %v", got, err)
	}
}
