package record

import (
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// TestMarkSensitive marks referrals and overrides by what they are about.
func TestMarkSensitive(t *testing.T) {
	icd := func(v string) Code { return Code{System: terms.ICD10, Value: v} }
	atc := func(v string) Code { return Code{System: terms.ATC, Value: v} }
	e := &Entry{
		Start:         time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC),
		Prescriptions: []Prescription{{Medicine: atc("N06AB03"), Reasons: []Code{icd("F32.1")}}, {Medicine: atc("J01CA04")}},
		Referrals:     []Referral{{To: icd("Z01"), Reasons: []Code{icd("F20")}}, {To: icd("Z01"), Reasons: []Code{icd("I10")}}},
		Overrides: []Override{
			{Rule: "a", About: []Code{atc("J01CA04"), atc("N06AB03")}},
			{Rule: "b", About: []Code{atc("J01CA04")}},
			{Rule: "c", About: []Code{icd("B20")}},
		},
	}
	e.MarkSensitive()
	for i, want := range []bool{true, false} {
		if e.Referrals[i].Sensitive != want {
			t.Errorf("referral %d: sensitive is %v", i, !want)
		}
	}
	for i, want := range []bool{true, false, true} {
		if e.Overrides[i].Sensitive != want {
			t.Errorf("override %d: sensitive is %v", i, !want)
		}
	}
	sections, err := e.Sections()
	if err != nil {
		t.Fatal(err)
	}
	sections[SectionSensitive] = nil
	d, err := Decode(e.Meta(), sections)
	if err != nil || len(d.Overrides) != 1 || d.Overrides[0].Rule != "b" || len(d.Referrals) != 1 {
		t.Errorf("without the sensitive section: %+v, %v", d, err)
	}
}
