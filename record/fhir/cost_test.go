package fhir

import (
	"strings"
	"testing"
)

// TestCosts reads claims and explanations of one visit, and looks at its cost
// and at how many are refused.
func TestCosts(t *testing.T) {
	const visit = `{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"period":{"start":"2026-01-01T08:00:00Z"}}`
	claim := func(more, total string) string {
		return `{"resourceType":"Claim",` + more + `"item":[{"encounter":[{"reference":"Encounter/e"}]}],"total":` + total + `}`
	}
	explanation := func(more, total string) string {
		return `{"resourceType":"ExplanationOfBenefit",` + more + `"item":[{"encounter":[{"reference":"Encounter/e"}]}],"total":[{"category":{"coding":[{"code":"submitted"}]},"amount":` + total + `}]}`
	}
	for name, c := range map[string]struct {
		resources []string
		cost      string // total and currency
		refused   int
	}{
		"one":                      {[]string{claim("", `{"value":5,"currency":"IQD"}`)}, "5 ", 0},
		"two":                      {[]string{claim("", `{"value":5,"currency":"USD"}`), claim("", `{"value":0.25,"currency":"USD"}`)}, "5.25 USD", 0},
		"small letters":            {[]string{claim("", `{"value":5,"currency":"usd"}`)}, "5 USD", 0},
		"no currency":              {[]string{claim("", `{"value":5,"currency":"dollars"}`)}, "", 1},
		"cancelled":                {[]string{claim(`"status":"cancelled","use":"claim",`, `{"value":5,"currency":"IQD"}`)}, "", 1},
		"entered in error":         {[]string{claim(`"status":"entered-in-error",`, `{"value":5,"currency":"IQD"}`)}, "", 1},
		"asked beforehand":         {[]string{claim(`"status":"active","use":"preauthorization",`, `{"value":5,"currency":"IQD"}`)}, "", 1},
		"a share without room":     {[]string{claim("", `{"value":900000000000000,"extension":[{"url":"`+extCost+`","valueDecimal":0.000000001}]}`)}, "", 1},
		"two without room":         {[]string{claim("", `{"value":900000000000000}`), claim("", `{"value":0.000000001}`)}, "900000000000000 ", 1},
		"explained":                {[]string{explanation("", `{"value":5,"currency":"IQD"}`)}, "5 ", 0},
		"explained and claimed":    {[]string{explanation("", `{"value":7,"currency":"IQD"}`), claim("", `{"value":5,"currency":"IQD"}`)}, "5 ", 1},
		"explained, cancelled":     {[]string{explanation(`"status":"cancelled",`, `{"value":5,"currency":"IQD"}`)}, "", 1},
		"explained in no currency": {[]string{explanation("", `{"value":5,"currency":"dinars"}`)}, "", 1},
	} {
		b, report, err := Import(strings.NewReader(bundle(append([]string{visit}, c.resources...)...)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cost := ""
		if x := b.Entries[0].Cost; x != nil {
			cost = x.Total.String() + " " + x.Currency
		}
		if refused, _ := report.Lost(); cost != c.cost || refused != c.refused {
			t.Errorf("%s: %q, %d refused", name, cost, refused)
		}
	}
}
