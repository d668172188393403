package fhir

import (
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// TestNoneKnown reads what a document says there is none of, as facts.
func TestNoneKnown(t *testing.T) {
	outline := func(sections ...string) string {
		return `{"resourceType":"Composition","status":"final","date":"2026-02-01","section":[` + strings.Join(sections, ",") + `]}`
	}
	section := func(code, reason string) string {
		return `{"code":{"coding":[{"code":"` + code + `"}]},"emptyReason":{"coding":[{"code":"` + reason + `"}]}}`
	}
	allergy := `{"resourceType":"AllergyIntolerance","code":{"text":"dust"},"recordedDate":"2026-01-01"}`
	for name, c := range map[string]struct {
		resources []string
		want      string // codes in the record
	}{
		"all three":               {[]string{outline(section("48765-2", "nilknown"), section("11450-4", "nilknown"), section("10160-0", "nilknown"))}, "716186003 160245001 787481004"},
		"withheld":                {[]string{outline(section("48765-2", "withheld"), section("11450-4", "unavailable"), section("10160-0", "notasked"))}, ""},
		"another section":         {[]string{outline(section("11369-6", "nilknown"))}, ""},
		"against what is there":   {[]string{outline(section("48765-2", "nilknown")), allergy}, "dust"},
		"by the guide's own code": {[]string{`{"resourceType":"MedicationStatement","status":"unknown","effectiveDateTime":"2026","medicationCodeableConcept":{"coding":[{"system":"http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips","code":"no-known-medications"}]}}`}, "787481004"},
	} {
		t.Run(name, func(t *testing.T) {
			b, _, err := Import(strings.NewReader(bundle(c.resources...)))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range b.Entries {
				for _, x := range e.Allergies {
					got = append(got, x.Code.Value)
				}
				for _, x := range e.Diagnoses {
					got = append(got, x.Code.Value)
				}
				for _, x := range e.Prescriptions {
					got = append(got, x.Medicine.Value)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v", got)
			}
			if len(b.Summary.Allergies) > 1 || len(b.Summary.Medicines)+len(b.Summary.Problems) > 0 {
				t.Errorf("a fact of nothing is in the summary: %+v", b.Summary)
			}
			// In a summary a fact stands in its section, unless there is something.
			sameSummary(t, b, Options{Form: Summary})
			_, _, raw := written(t, b, Options{Form: Summary})
			for code := range strings.FieldsSeq(c.want) {
				if !strings.Contains(string(raw), code) {
					t.Errorf("%s is not in the summary", code)
				}
			}
		})
	}
	for _, code := range knownNone {
		if !terms.Absent(terms.Code{System: terms.SNOMED, Value: code}) {
			t.Errorf("the table does not say that %s is nothing", code)
		}
	}
}
