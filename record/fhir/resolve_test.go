package fhir

import (
	"strings"
	"testing"
)

// TestOtherPerson demands that what is about somebody else, or is changed in
// its meaning, stays out of a record, in whichever way it refers to people.
func TestOtherPerson(t *testing.T) {
	const two = `{"resourceType":"Bundle","type":"collection","entry":[` +
		`{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"p","identifier":[{"system":"s","value":"7"}],"name":[{"family":"X"}]}},` +
		`{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Patient","id":"q","name":[{"family":"Y"}]}},` +
		`{"fullUrl":"urn:uuid:3","resource":{"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"Patient/q"},"code":{"text":"c"},"valueString":"s"}},` +
		`{"fullUrl":"http://a.example/Encounter/e","resource":{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/q"},"period":{"start":"2026-01-01T08:00:00Z"}}},` +
		`{"resource":RESOURCE}]}`
	allergy := func(patient string) string {
		return `{"resourceType":"AllergyIntolerance","recordedDate":"2026-01-01","code":{"text":"nuts"},"patient":` + patient + `}`
	}
	for name, c := range map[string]struct {
		resource string
		why      string // empty: it is carried
	}{
		"by its address":             {allergy(`{"reference":"urn:uuid:1"}`), ""},
		"by type and id":             {allergy(`{"reference":"Patient/p"}`), ""},
		"of a version":               {allergy(`{"reference":"http://h.example/fhir/Patient/p/_history/2"}`), ""},
		"by a number":                {allergy(`{"reference":"Patient?identifier=s%7C7"}`), ""},
		"by a number alone":          {allergy(`{"identifier":{"system":"s","value":"7"}}`), ""},
		"by words":                   {allergy(`{"display":"him"}`), ""},
		"the other":                  {allergy(`{"reference":"urn:uuid:2"}`), "about another person"},
		"the other by type and id":   {allergy(`{"reference":"Patient/q"}`), "about another person"},
		"somebody who is not here":   {allergy(`{"reference":"Patient/r"}`), "about another person"},
		"another number":             {allergy(`{"reference":"Patient?identifier=s%7C8"}`), "about another person"},
		"a number of another system": {allergy(`{"identifier":{"system":"t","value":"7"}}`), "about another person"},
		"no person":                  {allergy(`{"reference":"urn:uuid:3"}`), "about another person"},
		"in the other's visit": {
			`{"resourceType":"Condition","encounter":{"reference":"Encounter/e"},"code":{"text":"c"}}`,
			"its encounter is not carried",
		},
		"the other's result": {
			`{"resourceType":"DiagnosticReport","effectiveDateTime":"2026","code":{"text":"c"},"result":[{"reference":"urn:uuid:3"}]}`,
			"neither results that can be carried nor a conclusion",
		},
		"turned round": {
			`{"resourceType":"Condition","recordedDate":"2026","modifierExtension":[{"url":"u","valueBoolean":true}],"code":{"text":"c"}}`,
			"changed in its meaning by an extension that is not known",
		},
		"a part turned round": {
			`{"resourceType":"MedicationRequest","authoredOn":"2026","medicationCodeableConcept":{"text":"c"},"dosageInstruction":[{"modifierExtension":[{"url":"u"}]}]}`,
			"changed in its meaning by an extension that is not known",
		},
	} {
		b, report, err := Import(strings.NewReader(strings.Replace(two, "RESOURCE", c.resource, 1)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := report.Items[4].Why; got != c.why || (len(b.Entries) > 0) != (c.why == "") {
			t.Errorf("%s: %q, %d entries", name, got, len(b.Entries))
		}
	}
}

// TestOtherServer demands that an address of another server is another
// resource, and that one which names a resource in its own way finds it.
func TestOtherServer(t *testing.T) {
	const visit = `"resource":{"resourceType":"Encounter"ID,"status":"finished","class":{"code":"AMB"},"period":{"start":"2026-01-01T08:00:00Z"}}}`
	for _, c := range []struct {
		url, id, ref string
		found        bool
	}{
		{`"fullUrl":"http://a.example/fhir/Encounter/e",`, `,"id":"e"`, "Encounter/e", true},
		{`"fullUrl":"http://a.example/fhir/Encounter/e",`, `,"id":"e"`, "http://a.example/fhir/Encounter/e/_history/1", true},
		{`"fullUrl":"http://a.example/fhir/Encounter/e",`, `,"id":"e"`, "http://b.example/fhir/Encounter/e", false},
		{`"fullUrl":"urn:uuid:5",`, `,"id":"e"`, "http://b.example/fhir/Encounter/e", true},
		{`"fullUrl":"urn:uuid:5",`, ``, "Encounter/5", true},
		{``, `,"id":"5"`, "urn:uuid:5", true},
		{``, ``, "Encounter/5", false},
	} {
		text := `{"resourceType":"Bundle","entry":[` + someone + `,{` + c.url + strings.Replace(visit, "ID", c.id, 1) +
			`,{"resource":{"resourceType":"Condition","recordedDate":"2020","encounter":{"reference":"` + c.ref + `"},"code":{"text":"c"}}}]}`
		b, _, err := Import(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if found := len(b.Entries) == 1; found != c.found {
			t.Errorf("%s %s %s: found %v", c.url, c.id, c.ref, found)
		}
	}
}

// TestMaxRefs demands that what a list refers to is not read without end.
func TestMaxRefs(t *testing.T) {
	goals := `{"reference":"Goal/none"}` + strings.Repeat(`,{"reference":"Goal/empty"}`, maxRefs-1) + `,{"reference":"Goal/g"}`
	payors := strings.Repeat(`{"reference":"Organization/none"},`, maxRefs) + `{"display":"p"}` // too late
	b, report, err := Import(strings.NewReader(bundle(
		`{"resourceType":"Goal","id":"empty","lifecycleStatus":"active","description":{"text":" "}}`,
		`{"resourceType":"Goal","id":"g","lifecycleStatus":"active","description":{"text":"walk"}}`,
		`{"resourceType":"CarePlan","status":"active","intent":"plan","title":"t","created":"2026","goal":[`+goals+`]}`,
		`{"resourceType":"CarePlan","status":"active","intent":"plan","title":"u","created":"2026","goal":[{"reference":"Goal/g"}]}`,
		`{"resourceType":"Coverage","status":"active","subscriberId":"m","payor":[`+payors+`]}`,
	)))
	if err != nil {
		t.Fatal(err)
	}
	if plans := b.Entries[0].CarePlans; len(plans) != 2 || len(plans[0].Goals) != 0 || len(plans[1].Goals) != 1 || b.Cover != nil {
		t.Errorf("%+v, %+v", plans, b.Cover)
	}
	if report.Resources["CarePlan"].Elements["goal"] != 1 || report.Resources["Coverage"].Refused != 1 {
		t.Errorf("%+v, %+v", report.Resources["CarePlan"], report.Resources["Coverage"])
	}
}
