package fhir

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestUnitsBound demands that a resource cannot have more spellings of units told
// than a person would read.
func TestUnitsBound(t *testing.T) {
	var list strings.Builder
	for i := range maxUnits + 8 {
		fmt.Fprintf(&list, `{"code":{"text":"c"},"valueQuantity":{"value":1,"unit":"m%sg"}},`, strings.Repeat(" ", i+1))
	}
	_, report, err := Import(strings.NewReader(bundle(`{"resourceType":"Observation","status":"final","code":{"text":"c"},"effectiveDateTime":"2026",` +
		`"component":[` + strings.TrimSuffix(list.String(), ",") + `]}`)))
	if err != nil {
		t.Fatal(err)
	}
	told := report.Items[len(report.Items)-1].Units
	if len(told) != maxUnits+1 || told[0] != "m g as mg" || told[maxUnits] != further {
		t.Fatalf("%d: %q", len(told), told)
	}
}

// measurements are a result, a result's component, and a dose, each of an amount.
func measurements(quantity string) string {
	return bundle(
		`{"resourceType":"Observation","id":"r","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2345-7"}]},"effectiveDateTime":"2026","valueQuantity":`+quantity+`}`,
		`{"resourceType":"DiagnosticReport","status":"final","code":{"text":"p"},"effectiveDateTime":"2026","result":[{"reference":"Observation/r"}]}`,
		`{"resourceType":"Observation","status":"final","code":{"text":"c"},"effectiveDateTime":"2026","component":[{"code":{"text":"d"},"valueQuantity":`+quantity+`}]}`,
		`{"resourceType":"MedicationRequest","status":"active","intent":"order","authoredOn":"2026","medicationCodeableConcept":{"text":"m"},"dosageInstruction":[{"doseAndRate":[{"doseQuantity":`+quantity+`}]}]}`,
	)
}

// TestUnits reads units as laboratories and machines write them: the entries
// are those of the same Bundle with UCUM's units, and the report tells of each.
func TestUnits(t *testing.T) {
	const ucumQuantity = `{"value":%s,"unit":"x","system":"http://unitsofmeasure.org","code":%q}`
	for _, c := range []struct {
		quantity string
		unit     string // as it is kept
		told     string
	}{
		{`"unit":"mg/dl"`, "mg/dL", "mg/dl as mg/dL"},
		{`"unit":"mmHg"`, "mm[Hg]", "mmHg as mm[Hg]"},
		{`"unit":"mm Hg"`, "mm[Hg]", "mm Hg as mm[Hg]"},
		{`"unit":"IU/L"`, "[IU]/L", "IU/L as [IU]/L"},
		{`"unit":"U/l"`, "U/L", "U/l as U/L"},
		{`"unit":"x10^3/uL"`, "10*3/uL", "x10^3/uL as 10*3/uL"},
		{`"unit":"×10³/µL"`, "10*3/uL", "×10³/µL as 10*3/uL"},
		{`"unit":"g/dl"`, "g/dL", "g/dl as g/dL"},
		{`"unit":"µmol/L"`, "umol/L", "µmol/L as umol/L"},
		{`"unit":"cells/uL"`, "{cells}/uL", "cells/uL as {cells}/uL"},
		{`"unit":"ｍｇ／ｄＬ"`, "mg/dL", "ｍｇ／ｄＬ as mg/dL"},
		{`"unit":"ملغم/ديسيلتر"`, "mg/dL", "ملغم/ديسيلتر as mg/dL"},
		{`"unit":"وحدة دولية/لتر"`, "[IU]/L", "وحدة دولية/لتر as [IU]/L"},
		{`"unit":"mg\u200e/dl\n"`, "mg/dL", "mg?/dl? as mg/dL"},
		{`"unit":"milligrams","system":"http://unitsofmeasure.org","code":"mg/dl"`, "mg/dL", "mg/dl as mg/dL"},
		{`"unit":"mg/dl","system":"urn:own","code":"7"`, "mg/dL", "mg/dl as mg/dL"},
		{`"unit":"mg per deci","system":"http://unitsofmeasure.org","code":"mg/dL"`, "mg/dL", ""},
		{`"unit":"(score)"`, "(score)", ""},
		{`"unit":"Mg"`, "Mg", ""},
		{`"unit":"ML"`, "ML", ""},
		{`"unit":"G/L"`, "G/L", ""},
		{`"unit":"a spoonful"`, "a spoonful", ""},
	} {
		t.Run(c.told, func(t *testing.T) {
			got, report, err := Import(strings.NewReader(measurements(`{"value":12.30,` + c.quantity + `}`)))
			if err != nil {
				t.Fatal(err)
			}
			want, _, err := Import(strings.NewReader(measurements(fmt.Sprintf(ucumQuantity, "12.30", c.unit))))
			if err != nil {
				t.Fatal(err)
			}
			a, errA := json.Marshal(got.Entries)
			b, errB := json.Marshal(want.Entries)
			if errA != nil || errB != nil || string(a) != string(b) || strings.Count(string(a), `{"value":12.30,"unit":`) != 3 {
				t.Fatalf("%s\n%s", a, b)
			}
			for _, it := range report.Items {
				amount := it.Kind == "Observation" || it.Kind == "MedicationRequest"
				if told := amount && c.told != ""; told != slices.Equal(it.Units, []string{c.told}) || !told && it.Units != nil {
					t.Errorf("%s: %q", it.Kind, it.Units)
				}
			}
			if c.told != "" && (len(report.Units) != 1 || report.Units[c.told] != 3) || c.told == "" && len(report.Units) > 0 {
				t.Errorf("%v", report.Units)
			}
			sum := NewReport()
			sum.Add(report)
			sum.Add(report)
			if c.told != "" && sum.Units[c.told] != 6 {
				t.Errorf("twice: %v", sum.Units)
			}
		})
	}
}
