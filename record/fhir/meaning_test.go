package fhir

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func observed(value string) string {
	return `{"resourceType":"Observation","status":"final","code":{"text":"c"},"effectiveDateTime":"2026",` + value + `}`
}

func ordered(dosage string) string {
	return `{"resourceType":"MedicationRequest","status":"active","intent":"order","authoredOn":"2026",` +
		`"medicationCodeableConcept":{"text":"c"},"dosageInstruction":[{` + dosage + `}]}`
}

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
		"a titre beyond what was measured": {
			observed(`"valueRatio":{"numerator":{"value":1},"denominator":{"comparator":">","value":128}}`),
			`"text":"1 : \u003e128"`, "valueRatio (as words)", "",
		},
		"a bound": {observed(`"valueQuantity":{"comparator":"<","value":5,"unit":"mg"}`), `"text":"\u003c5 mg"`, "valueQuantity.comparator (as words)", ""},
		"a unit that is too long": {
			observed(`"valueQuantity":{"value":5,"unit":"milligrams per deciliter of whole blood"}`),
			`"text":"5 milligrams per deciliter of whole blood"`, "valueQuantity (as words),valueQuantity.unit (too long)", "",
		},
		"less than can be kept": {
			observed(`"valueQuantity":{"value":1.2e-12,"unit":"mg"}`), `"text":"1.2e-12 mg"`, "valueQuantity (as words),valueQuantity (out of range)", "",
		},
		"more than can be kept": {
			observed(`"valueQuantity":{"value":12345678901234567890,"unit":"mg"}`),
			`"text":"12345678901234567890 mg"`, "valueQuantity (as words),valueQuantity (out of range)", "",
		},
		"nothing": {observed(`"valueQuantity":{"value":0.000000000000,"unit":"mg"}`), `"value":{"quantity":{"value":0.000000000,"unit":"mg"}}`, "", ""},
		"every two and a half days": {
			ordered(`"timing":{"repeat":{"frequency":1,"period":2.50,"periodUnit":"d"}}`), `{"medicine":{"system":"text","code":"c"},"at":"2026"}`, "dosageInstruction.timing.repeat", "",
		},
		"every two days": {
			ordered(`"timing":{"repeat":{"frequency":1,"period":2.00,"periodUnit":"d"}}`), `"period":2,"unit":"d"`, "", "",
		},
		"a dose below": {
			ordered(`"doseAndRate":[{"doseQuantity":{"comparator":"<","value":2,"unit":"mg"}}]`), `{"medicine":{"system":"text","code":"c"},"at":"2026"}`, "dosageInstruction.doseAndRate", "",
		},
		"a dose of a long unit": {
			ordered(`"doseAndRate":[{"doseQuantity":{"value":2,"unit":"milligrams of what is in a tablet"}}]`),
			`{"medicine":{"system":"text","code":"c"},"at":"2026"}`, "dosageInstruction.doseAndRate.unit (too long)", "",
		},
		"more than two days": {
			ordered(`"timing":{"repeat":{"boundsDuration":{"comparator":">","value":2,"code":"d"}}}`),
			`{"medicine":{"system":"text","code":"c"},"at":"2026"}`, "dosageInstruction.timing.repeat.boundsDuration", "",
		},
		"a lot of a long name": {
			`{"resourceType":"Immunization","status":"completed","occurrenceDateTime":"2026","vaccineCode":{"text":"c"},"lotNumber":"0123456789-0123456789-0123456789"}`,
			`"immunisations":[{"vaccine":{"system":"text","code":"c"},"at":"2026"}]`, "lotNumber (too long)", "",
		},
		"another encoding": {
			"{\"resourceType\":\"Condition\",\"code\":{\"text\":\"Beh\xe7et\"},\"recordedDate\":\"2026\"}",
			`"code":"Behet"`, "code (characters that are none)", "",
		},
		"a result that is not known": {
			observed(`"dataAbsentReason":{"coding":[{"system":"` + uriDataAbsent + `","code":"unknown"}]}`), `"observations":[{"code":`, "", "",
		},
		"a result that was not performed": {
			observed(`"dataAbsentReason":{"coding":[{"system":"` + uriDataAbsent + `","code":"not-performed"}]}`), "", "", "no value",
		},
		"a label of why it is sensitive": {
			`{"resourceType":"Condition","meta":{"security":[{"system":"` + uriActCode + `","code":"SDV"}]},"code":{"text":"c"},"recordedDate":"2026"}`,
			`"sensitive":true`, "", "",
		},
		"a label that nobody knows": {
			`{"resourceType":"Condition","meta":{"security":[{"system":"urn:x","code":"X"},{"system":"` + uriConf + `","code":"N"}]},"code":{"text":"c"},"recordedDate":"2026"}`,
			`"code":"c"`, "meta.security", "",
		},
		"a label of a person": {
			`{"resourceType":"RelatedPerson","meta":{"security":[{"code":"R"}]},"name":[{"family":"c"}]}`, "", "meta.security", "",
		},
		"a note of a restricted document": {
			`{"resourceType":"DocumentReference","status":"current","date":"2026","type":{"coding":[{"code":"34109-9"}]},` +
				`"securityLabel":[{"coding":[{"system":"` + uriConf + `","code":"V"}]}],"content":[{"attachment":{"contentType":"text/plain","data":"SElW"}}]}`,
			`"notes":[{"text":"HIV","at":"2026","sensitive":true}]`, "", "",
		},
		"a note in another encoding": {
			`{"resourceType":"DocumentReference","status":"current","date":"2026","type":{"coding":[{"code":"34109-9"}]},` +
				`"content":[{"attachment":{"contentType":"text/plain; charset=windows-1256","data":"YSDH4w=="}}]}`,
			"", "", "not one plain text in the bundle itself",
		},
		"a note by mistake": {
			`{"resourceType":"DocumentReference","status":"entered-in-error","date":"2026","content":[{"attachment":{"contentType":"text/plain","data":"SElW"}}]}`,
			"", "", "entered in error",
		},
		"pictures by mistake": {
			`{"resourceType":"ImagingStudy","status":"entered-in-error","started":"2026","identifier":[{"value":"urn:oid:1.2"}],"modality":[{"code":"CT"}]}`,
			"", "", "entered in error",
		},
		"a cover by mistake": {`{"resourceType":"Coverage","status":"entered-in-error","payor":[{"display":"c"}]}`, "", "", "entered in error"},
		"an outline by mistake": {
			`{"resourceType":"Composition","status":"entered-in-error","date":"2026","section":[{"code":{"coding":[{"code":"48765-2"}]},"emptyReason":{"coding":[{"code":"nilknown"}]}}]}`,
			"", "", "entered in error",
		},
		"a goal by mistake": {
			`{"resourceType":"Goal","lifecycleStatus":"entered-in-error","description":{"text":"c"}}`, "", "", "in no care plan that is carried",
		},
		"words beside a code": {
			`{"resourceType":"Condition","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"Z88.0"}],"text":"penicillin: shock in 2012"},"recordedDate":"2026"}`,
			`"code":"Z88.0"`, "code.text", "",
		},
		"words of the code": {
			`{"resourceType":"Condition","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"Z88.0","display":"Allergy to Penicillin"}],"text":"allergy to penicillin"},"recordedDate":"2026"}`,
			`"code":"Z88.0"`, "", "",
		},
		"two reactions": {
			`{"resourceType":"AllergyIntolerance","code":{"text":"c"},"recordedDate":"2026","reaction":[{"manifestation":[{"text":"a"}],"severity":"mild"},{"manifestation":[{"text":"b"}],"severity":"severe"}]}`,
			`"severity":"severe"`, "reaction (several as one)", "",
		},
		"a visit by number": {
			`{"resourceType":"Condition","code":{"text":"c"},"recordedDate":"2026","encounter":{"identifier":{"value":"7"}}}`, `"class":"record"`, "encounter", "",
		},
		"somebody else's cover": {
			`{"resourceType":"Coverage","status":"active","payor":[{"display":"c"}],"policyHolder":{"display":"Ministry"},"subscriber":{"reference":"RelatedPerson/9"}}`,
			"", "policyHolder,subscriber", "",
		},
		"wife and cousin": {
			`{"resourceType":"RelatedPerson","active":false,"name":[{"family":"c"}],"relationship":[{"coding":[{"code":"WIFE"}]},{"coding":[{"code":"SIB"}]}]}`,
			"", "active,relationship", "",
		},
		"instructions by a code": {
			ordered(`"additionalInstruction":[{"coding":[{"system":"http://snomed.info/sct","code":"311504000"}]}],"doseAndRate":[{"type":{"coding":[{"code":"calculated"}]}}]`),
			`"medicine"`, "dosageInstruction.additionalInstruction,dosageInstruction.doseAndRate.type", "",
		},
		"a section of a text": {
			`{"resourceType":"Composition","section":[{"code":{"coding":[{"code":"48765-2"}]},"text":{"status":"generated","div":"<div>nuts</div>"}}]}`,
			"", "section.text", "",
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
		slices.Sort(report.Items[i].Left)
		if x := report.Items[i]; !strings.Contains(string(text), c.holds) || strings.Join(x.Left, ",") != c.left || x.Why != c.refused {
			t.Errorf("%s: left %v, refused %q:\n%s", name, x.Left, x.Why, text)
		}
	}
}

// TestCalledBy demands that a nickname does not take the place of a name, and
// that what of a name is left out is told.
func TestCalledBy(t *testing.T) {
	b, report, err := Import(strings.NewReader(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","name":[` +
		`{"use":"nickname","text":"Abu X","extension":[{"url":"urn:x","valueString":"y"}]},{"use":"official","family":"B","given":["1","2","3","4","5","6","7","8","9"],"text":"1 2 3 4 5 6 7 8 9 B, Sheikh"}]}},` +
		`{"resource":{"resourceType":"Condition","code":{"text":"a"}},"resource":{"resourceType":"Device"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if b.Identity.Names.Latin.Family != "B" {
		t.Errorf("%+v", b.Identity.Names)
	}
	for kind, want := range map[string]string{
		"Patient": "name (further, or empty),name.extension,name.given (beyond eight),name.text,name.use", "Bundle": "entry.resource (again)",
	} {
		i := slices.IndexFunc(report.Items, func(x Item) bool { return x.Kind == kind })
		if got := slices.Sorted(slices.Values(report.Items[i].Left)); strings.Join(got, ",") != want {
			t.Errorf("%s: %q", kind, got)
		}
	}
}
