package apitest

import (
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

func code(system terms.System, value string) record.Code {
	return record.Code{System: system, Value: value}
}

func amount(mantissa int64, scale uint8, unit string) *record.Quantity {
	return &record.Quantity{Value: record.Decimal{Mantissa: mantissa, Scale: scale}, Unit: unit}
}

func daily(times uint8) record.Frequency {
	return record.Frequency{Times: times, Period: 1, Unit: record.PeriodDay}
}

// Patient returns a visit of an invented patient with a rich record.
func Patient(now time.Time) agent.Visit {
	summary := &record.Summary{
		AsOf: record.At(now), BloodGroup: 1,
		Allergies: []record.Allergy{
			{Code: code(terms.ATC, "J01CA04"), Group: record.AllergyMedication, Criticality: record.CriticalityHigh, Severity: record.SeveritySevere},
			{Code: code(terms.Text, "فول سوداني"), Group: record.AllergyFood},
		},
		Problems: []record.Problem{
			{Code: code(terms.ICD10, "E11"), Chronic: true, Since: record.Moment{Time: time.Date(2017, 3, 1, 0, 0, 0, 0, time.UTC), Precision: record.ToMonth}},
			{Code: code(terms.ICD10, "I10"), Chronic: true, Since: record.Day(2019, 11, 4)},
			{Code: code(terms.ICD10, "J20"), Since: record.Day(2026, 11, 2)},
		},
		Medicines: []record.Medicine{
			{Code: code(terms.ATC, "A10BA02"), Dose: amount(850, 0, "mg"), Frequency: daily(2), Route: record.RouteOral, Ongoing: true, Since: record.Day(2017, 3, 20)},
			{Code: code(terms.ATC, "C09AA02"), Dose: amount(10, 0, "mg"), Frequency: daily(1), Route: record.RouteOral, Ongoing: true},
			{Code: code(terms.ATC, "R03AC02"), Dose: amount(2, 0, "{puff}"), Frequency: daily(4), Route: record.RouteInhaled, AsNeeded: true},
		},
		Contact: &record.Contact{Name: "سعاد كريم", Phone: "+9647801234567"},
	}
	return agent.Visit{
		ID: "5f0c9a3be2d14f7a8b6c1d2e3f405162", Reader: "Reader 0", Card: card.ID{0x8a, 1, 2, 3, 4, 5, 6, 7},
		Patient: record.PatientID{0x1f, 0x2e, 0x3d, 0x4c, 0x5b, 0x6a, 0x79, 0x88}, Opened: now, Present: true, Ready: true, Role: "physician",
		Identity: &record.Identity{
			Names: record.Names{
				Arabic: &record.Name{Given: []string{"زينب", "حسن", "كاظم"}, Family: "الموسوي"},
				Sorani: &record.Name{Given: []string{"زەینەب", "حەسەن", "کازم"}, Family: "موسەوی"},
				Latin:  &record.Name{Given: []string{"Zainab", "Hasan", "Kadhim"}, Family: "Al-Musawi"},
			},
			Sex: record.SexFemale, Born: record.Day(1968, 4, 17), NationalNumber: "196804170042", Phone: "+9647701112233",
			Family: []record.Member{{
				Person: 1, Relation: record.RelationChild, Sex: record.SexMale, Born: record.Day(2014, 9, 2),
				Names: record.Names{Arabic: &record.Name{Given: []string{"علي"}, Family: "الموسوي"}, Latin: &record.Name{Given: []string{"Ali"}, Family: "Al-Musawi"}},
			}},
		},
		Persons: record.PersonsOf(0, 1),
		Cover: &record.Cover{
			Payer: "هيئة الضمان الصحي", Plan: "A", Member: "DH-0042-7781", Relation: record.RelationSelf,
			From: record.Day(now.Year()-1, 1, 1), Until: record.Day(now.Year(), 12, 31),
			Counters: []record.Counter{{Kind: "visits", Year: uint16(now.Year()), Allowed: 12, Used: 5}, {Kind: "operations", Year: uint16(now.Year()), Allowed: 1}}, // #nosec G115 -- a year
		},
		Summary: summary, Alerts: summary.Alerts(), Entries: history(now),
	}
}

func history(now time.Time) []agent.VisitEntry {
	start := func(days int) time.Time { return now.AddDate(0, 0, -days).UTC().Truncate(time.Minute) }
	reported := &record.Entry{
		Start: start(41), Class: record.ClassAmbulatory,
		Panels: []record.Panel{{Code: code(terms.LOINC, "24331-1"), Observations: []record.Observation{
			{Code: code(terms.LOINC, "2093-3"), Value: record.Value{Quantity: amount(2140, 1, "mg/dL")}, Interpretation: record.InterpretationHigh},
			{Code: code(terms.LOINC, "2571-8"), Value: record.Value{Quantity: amount(1490, 1, "mg/dL")}, Interpretation: record.InterpretationNormal},
		}}},
		Observations: []record.Observation{{
			Code: code(terms.LOINC, "85354-9"), Category: record.CategoryVitalSigns,
			Components: []record.Component{
				{Code: code(terms.LOINC, "8480-6"), Value: record.Value{Quantity: amount(146, 0, "mm[Hg]")}},
				{Code: code(terms.LOINC, "8462-4"), Value: record.Value{Quantity: amount(91, 0, "mm[Hg]")}},
			},
		}},
	}
	visit := &record.Entry{
		Start: start(20), Class: record.ClassAmbulatory, Minutes: 15, Reasons: []record.Code{code(terms.Text, "سعال منذ أسبوع")},
		Diagnoses:     []record.Diagnosis{{Code: code(terms.ICD10, "J20"), Certainty: record.Provisional}},
		Prescriptions: []record.Prescription{{Medicine: code(terms.ATC, "R03AC02"), Dose: amount(2, 0, "{puff}"), Frequency: daily(4), Days: 7, AsNeeded: true}},
		Observations:  []record.Observation{{Code: code(terms.LOINC, "4548-4"), Value: record.Value{Quantity: amount(79, 1, "%")}, Interpretation: record.InterpretationHigh}},
		Notes:         []record.Note{{Text: "تُراجع بعد أسبوعين."}},
		Cost:          &record.Cost{Total: record.Int(20000), Patient: &record.Decimal{Mantissa: 5000}},
	}
	emergency := &record.Entry{
		Start: start(190), Class: record.ClassEmergency, Diagnoses: []record.Diagnosis{{Code: code(terms.ICD10, "R10"), Status: record.ConditionResolved}},
		Procedures: []record.Procedure{{Code: code(terms.Text, "Abdominal ultrasound")}},
	}
	old := &record.Entry{
		Start: start(420), Class: record.ClassAmbulatory,
		Immunisations: []record.Immunisation{{Vaccine: code(terms.CVX, "140"), Lot: "X71-204"}},
	}
	locked := &record.Entry{Start: start(610), Class: record.ClassInpatient}
	card, kept, centre := agent.AtCard, agent.AtCache, agent.AtCentre
	list := []agent.VisitEntry{
		{Author: "د. هيفاء العزاوي", Facility: 1207, Where: []string{card, kept, agent.AtOutbox}, Entry: visit, Correctable: true},
		{Author: "مختبر الرصافة", Facility: 88, Where: []string{card, kept, centre}, Entry: reported},
		{Author: "Dr. Rebwar Aziz", Facility: 3310, Where: []string{card, kept, centre}, Entry: emergency},
		{Author: "Dr. Rebwar Aziz", Facility: 3310, Where: []string{card, kept, centre}, Entry: old},
		{Author: "د. سامر جميل", Facility: 15, Where: []string{card, kept, centre}, Entry: locked, Locked: []string{"sensitive"}},
	}
	for i := range list {
		copy(list[i].ID[:], fmt.Sprintf("entry number %d of the patient", i))
	}
	return list
}
