package fhir

import (
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// TestExtractHides looks for what a summary must not tell in items that are not
// marked, as those written before the table marked their codes.
func TestExtractHides(t *testing.T) {
	icd := func(v string) record.Code { return record.Code{System: terms.ICD10, Value: v} }
	visit := record.Code{System: terms.ICD10, Value: "Z71.4"}
	plain := record.Code{System: terms.ATC, Value: "N03AX12"}
	now := time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)
	e := &record.Entry{
		Start: now.AddDate(0, 0, -3), Type: &visit, Reasons: []record.Code{icd("B24")},
		Prescriptions: []record.Prescription{{Medicine: plain, Reasons: []record.Code{icd("F32")}, Ongoing: true}},
		Procedures:    []record.Procedure{{Code: record.Code{System: terms.SNOMED, Value: "71388002"}, Reasons: []record.Code{icd("O03")}}},
		Observations: []record.Observation{{
			Code: record.Code{System: terms.LOINC, Value: "2339-0"}, Category: record.CategoryLaboratory,
			Value: record.Value{Code: &record.Code{System: terms.ICD10, Value: "B24"}},
		}},
		Panels: []record.Panel{{
			Code: record.Code{System: terms.Text, Value: "blood"},
			Observations: []record.Observation{{
				Code: record.Code{System: terms.LOINC, Value: "2339-0"}, Value: record.Value{Code: &record.Code{System: terms.ICD10, Value: "B24"}},
			}},
		}},
		CarePlans: []record.CarePlan{{Code: record.Code{System: terms.Text, Value: "talk"}, Reasons: []record.Code{icd("F10")}}},
	}
	if !terms.Sensitive(visit) || terms.Sensitive(plain) {
		t.Fatal("the codes are not those that the test is about")
	}
	got, err := extract([]*record.Entry{e}, now, false)
	if err != nil || len(got) != 0 {
		t.Errorf("%v; what is sensitive is told: %+v", err, got)
	}
	got, err = extract([]*record.Entry{e}, now, true)
	if err != nil || len(got) != 1 || !got[0].Panels[0].Sensitive || !got[0].Sensitive {
		t.Errorf("%v; told where it may be, and not marked: %+v", err, got)
	}
	if e.Sensitive || e.Panels[0].Sensitive || e.Panels[0].Observations[0].Sensitive || e.Prescriptions[0].Sensitive {
		t.Error("the record was changed")
	}
}
