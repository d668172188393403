package fhir

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestMeaning reads resources of which a careless reader would make something
// else, and looks at what stands in the record, and what is told.
func TestMeaning(t *testing.T) {
	for name, c := range map[string]struct {
		resource string
		holds    string // in the entries' JSON
		left     string // elements, comma separated
		refused  string
	}{
		"ruled out in words": {
			`{"resourceType":"Condition","code":{"text":"c"},"recordedDate":"2026","verificationStatus":{"text":"Refuted"},"clinicalStatus":{"text":"resolved"}}`,
			`"status":"resolved","certainty":"refuted"`, "", "",
		},
		"ruled out by the second coding": {
			`{"resourceType":"Condition","code":{"text":"c"},"recordedDate":"2026","verificationStatus":{"coding":[{"system":"local","code":"X"},{"code":"refuted"}]}}`,
			`"certainty":"refuted"`, "", "",
		},
		"a certainty that nobody knows": {
			`{"resourceType":"AllergyIntolerance","code":{"text":"c"},"recordedDate":"2026","verificationStatus":{"coding":[{"code":"presumed"}]},"clinicalStatus":{"text":"gone"}}`,
			`"certainty":"unconfirmed"`, "clinicalStatus,verificationStatus", "",
		},
		"a medicine not to be taken": {
			`{"resourceType":"MedicationRequest","status":"active","intent":"order","authoredOn":"2026","medicationCodeableConcept":{"text":"c"},"doNotPerform":true}`,
			"", "", "asks that something be not done",
		},
		"a medicine to be taken": {
			`{"resourceType":"MedicationRequest","status":"active","intent":"order","authoredOn":"2026","medicationCodeableConcept":{"text":"c"},"doNotPerform":false}`,
			`"medicine"`, "", "",
		},
		"a referral not to be made": {
			`{"resourceType":"ServiceRequest","status":"active","intent":"order","authoredOn":"2026","category":[{"coding":[{"code":"3457005"}]}],"code":{"text":"c"},"doNotPerform":true}`,
			"", "", "asks that something be not done",
		},
	} {
		b, report, err := Import(strings.NewReader(bundle(c.resource)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := json.Marshal(b.Entries)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(report.Items, func(x Item) bool { return x.Entry == 2 })
		if x := report.Items[i]; !strings.Contains(string(text), c.holds) || strings.Join(x.Left, ",") != c.left || x.Why != c.refused {
			t.Errorf("%s: left %v, refused %q:\n%s", name, x.Left, x.Why, text)
		}
	}
}
