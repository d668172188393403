package fhir

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// statuses returns what a Bundle says of its resources: type, status, and for a
// transaction how it is sent, of kinds that have a status.
func statuses(t *testing.T, raw []byte) (out []string) {
	t.Helper()
	var b struct {
		Entry []struct {
			Resource struct {
				ResourceType, Status               string
				ClinicalStatus, VerificationStatus *concept
			}
			Request *request
		}
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		t.Fatal(err)
	}
	for _, e := range b.Entry {
		r := e.Resource
		if r.Status == "" && r.VerificationStatus == nil {
			continue
		}
		line := fmt.Sprint(r.ResourceType, " ", r.Status, r.ClinicalStatus.token(), "/", r.VerificationStatus.token())
		if e.Request != nil {
			url, _, _ := strings.Cut(e.Request.URL, "=")
			line += " " + e.Request.Method + " " + url
		}
		out = append(out, line)
	}
	return out
}

// TestVoid demands that nobody takes what was corrected for true: what an
// amending entry replaces says so in each of its resources, and replaces what a
// server has of it; and that it reads back as it was.
func TestVoid(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	code := record.Code{System: terms.Text, Value: "x"}
	wrong := &record.Entry{
		ID: record.EntryID{1}, Start: start, Allergies: []record.Allergy{{Code: code}, {Code: code, Status: record.ConditionInactive}},
		Prescriptions: []record.Prescription{{Medicine: code, Status: record.MedicationIntended}},
		Notes:         []record.Note{{Text: "n"}},
	}
	id := wrong.ID
	right := &record.Entry{ID: record.EntryID{2}, Start: start, Amends: &id, Diagnoses: []record.Diagnosis{{Code: code}}}
	mistake := &record.Entry{ID: record.EntryID{3}, Start: start, EnteredInError: true, Diagnoses: []record.Diagnosis{{Code: code, Certainty: record.Refuted}}}
	b := &Bundle{Identity: &record.Identity{Names: record.Names{Latin: &record.Name{Family: "X"}}}, Entries: []*record.Entry{wrong, right, mistake}}
	for _, e := range b.Entries {
		e.Normalise()
	}
	c, report, raw := written(t, b, Options{Form: Transaction})
	want := []string{
		"Encounter entered-in-error/ PUT Encounter?identifier", "AllergyIntolerance /entered-in-error PUT AllergyIntolerance?identifier",
		"AllergyIntolerance /entered-in-error PUT AllergyIntolerance?identifier",
		"MedicationRequest entered-in-error/ PUT MedicationRequest?identifier",
		"DocumentReference entered-in-error/ PUT DocumentReference?identifier",
		"Encounter finished/ POST Encounter", "Condition active/confirmed POST Condition",
		"Encounter entered-in-error/ PUT Encounter?identifier", "Condition /entered-in-error PUT Condition?identifier",
	}
	if got := statuses(t, raw); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	b.Summary = c.Summary
	same(t, b, c)
	if len(record.Standing(c.Entries)) != 1 || len(c.Summary.Allergies) > 0 {
		t.Errorf("what was corrected counts again: %+v", c.Summary)
	}
	if refused, partly := report.Lost(); refused+partly > 0 {
		t.Errorf("%+v", report.Items)
	}
}

// TestStates exports items in each of their states: the standard's rules on
// them are kept (con-4, con-5, ait-1, ait-2, its value sets), and they read back.
func TestStates(t *testing.T) {
	e := &record.Entry{Start: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)}
	for status := record.ConditionActive; status <= record.ConditionResolved; status++ {
		for certainty := record.Confirmed; certainty <= record.EnteredInError; certainty++ {
			for _, end := range []record.Moment{{}, record.Day(2026, 1, 1)} {
				code := record.Code{System: terms.Text, Value: fmt.Sprint(status, certainty, end, ".")}
				e.Diagnoses = append(e.Diagnoses, record.Diagnosis{Code: code, Status: status, Certainty: certainty, End: end})
			}
			e.Allergies = append(e.Allergies, record.Allergy{Code: record.Code{System: terms.Text, Value: fmt.Sprint(status, certainty)}, Status: status, Certainty: certainty})
		}
	}
	e.Normalise()
	b := &Bundle{Identity: &record.Identity{Names: record.Names{Latin: &record.Name{Family: "X"}}}, Entries: []*record.Entry{e}}
	c, _, raw := written(t, b, Options{})
	b.Summary = c.Summary
	same(t, b, c)
	var doc struct {
		Entry []struct{ Resource condition }
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	over := []string{"inactive", "remission", "resolved"}
	for _, x := range doc.Entry {
		status, certainty := x.Resource.Clinical.token(), x.Resource.Verification.token()
		var ok bool
		switch x.Resource.ResourceType {
		case "Condition":
			ok = x.Resource.Abatement == "" || status == "" || slices.Contains(over, status)
		case "AllergyIntolerance":
			ok = slices.Contains([]string{"", "active", "inactive", "resolved"}, status) &&
				slices.Contains([]string{"unconfirmed", "confirmed", "refuted", inError}, certainty)
		default:
			continue
		}
		if !ok || (status == "") != (certainty == inError) {
			t.Errorf("%s: %q, %q, %q", x.Resource.ResourceType, status, certainty, x.Resource.Abatement)
		}
	}
}

// TestAlike demands that two people of whom nothing but the name is known, and
// it is the same, are two to a server; and that one is the same again.
func TestAlike(t *testing.T) {
	b := &Bundle{Identity: &record.Identity{Names: record.Names{Latin: &record.Name{Family: "X"}}}}
	names := make(map[string]string)
	for name, o := range map[string]Options{
		"the holder": {Patient: record.PatientID{1}}, "one twin": {Patient: record.PatientID{1}, Person: 1},
		"the other": {Patient: record.PatientID{1}, Person: 2}, "on another card": {Patient: record.PatientID{2}, Person: 1},
	} {
		for _, o.Form = range []Form{Transaction, Transaction, Collection} {
			_, _, raw := written(t, b, o)
			var doc outBundle
			if err := json.Unmarshal(raw, &doc); err != nil {
				t.Fatal(err)
			}
			url := doc.Entry[0].FullURL
			if r := doc.Entry[0].Request; r != nil {
				url += " " + r.IfNoneExist
			}
			if was := names[url]; was != "" && was != name {
				t.Errorf("%s has the name of %s: %s", name, was, url)
			}
			names[url] = name
		}
	}
	if len(names) != 8 {
		t.Errorf("%v", names)
	}
}
