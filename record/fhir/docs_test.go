package fhir

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/fhir.md anew")

// changed says how an element that survives is changed on the way.
var changed = map[string]string{
	"AllergyIntolerance.category":         "the first one",
	"AllergyIntolerance.reaction":         "all reactions as one, of the worst severity",
	"CarePlan.addresses":                  "as the codes of the conditions; contained where they stand nowhere else",
	"CarePlan.category":                   "the first one; its title where there is none",
	"CarePlan.created":                    "as period.start",
	"CarePlan.goal":                       "as words of at most 160 bytes; the goal's own status is dropped",
	"Claim.status":                        "active only; another is refused",
	"Claim.use":                           "a claim only; a question beforehand is refused",
	"ExplanationOfBenefit.status":         "active only; another is refused",
	"ExplanationOfBenefit.use":            "a claim only; a question beforehand is refused",
	"ExplanationOfBenefit.total":          "what was submitted, as a claim, where no claim has it",
	"DiagnosticReport.category":           "the laboratory; another is told",
	"DocumentReference.status":            "current; another is told, or refused",
	"DocumentReference.type":              "a note, or why an entry was corrected; another is told",
	"ImagingStudy.status":                 "available; another is told, or refused",
	"MedicationRequest.intent":            "an order; another is told",
	"ServiceRequest.intent":               "an order; another is told",
	"Claim.total":                         "claims of one encounter as one sum",
	"Composition.section.emptyReason":     "nilknown of allergies, problems and medicines as a fact; others say nothing that a record keeps",
	"Coverage.class":                      "the plan's or group's value",
	"Coverage.payor":                      "by name",
	"Coverage.status":                     "active, or cancelled",
	"DiagnosticReport.conclusion":         "at most 600 bytes; without results as an observation",
	"DiagnosticReport.effectivePeriod":    "its start",
	"DocumentReference.securityLabel":     "restricted, or not",
	"DocumentReference.content":           "plain text in the Bundle itself, at most 600 bytes",
	"Encounter.status":                    "finished, entered-in-error; planned and cancelled ones are no visits",
	"ImagingStudy.series":                 "the first one's modality and body site",
	"MedicationRequest.doNotPerform":      "what is not to be taken is refused",
	"ServiceRequest.doNotPerform":         "what is not to be done is refused",
	"MedicationRequest.contained":         "a medicine's code, a condition's code",
	"MedicationRequest.dosageInstruction": "the first one; words together, at most 600 bytes",
	"MedicationRequest.dispenseRequest":   "the supply as the length of the course",
	"Observation.dataAbsentReason":        "that it is unknown",
	"Patient.birthDate":                   "the day",
	"RelatedPerson.birthDate":             "the day",
	"MedicationStatement.dosage":          "the first one; words together, at most 600 bytes",
	"MedicationStatement.effectivePeriod": "its start",
	"Observation.effectivePeriod":         "its start",
	"Observation.valueQuantity":           "numbers with the residue of computing in them are rounded to what their unit commonly has; units as UCUM spells them, told; one with a comparator as words",
	"Observation.valueRange":              "as words",
	"Observation.valueRatio":              "as words",
	"Observation.valueTime":               "as words",
	"Observation.valueDateTime":           "as words",
	"Patient.address":                     "the first one; lines as one",
	"Patient.contact":                     "the first one with a number",
	"Patient.name":                        "one in each script: Arabic, Sorani, Latin",
	"Patient.telecom":                     "the first telephone",
	"Condition.onsetPeriod":               "its start",
	"Procedure.performedPeriod":           "to the minute",
	"RelatedPerson.name":                  "one in each script",
	"ServiceRequest.category":             "of a referral; another request is refused",
}

// leftOut says why elements are left out that the test data have.
var leftOut = map[string]string{
	"AllergyIntolerance.identifier":         "a record's items have names of their own",
	"Composition.attester":                  "a document's outline is made anew",
	"Composition.confidentiality":           "a document's outline is made anew",
	"Composition.custodian":                 "a document's outline is made anew",
	"Composition.event":                     "a document's outline is made anew",
	"Composition.identifier":                "a document's outline is made anew",
	"Composition.relatesTo":                 "a document's outline is made anew",
	"Composition.section":                   "what only a text tells is in no resource",
	"Composition.title":                     "a document's outline is made anew",
	"CarePlan.activity":                     "times, places and reasons of an activity have no place",
	"CarePlan.basedOn":                      "plans do not refer to plans",
	"CarePlan.description":                  "the category is the plan's name",
	"CarePlan.partOf":                       "plans do not refer to plans",
	"CarePlan.replaces":                     "plans do not refer to plans",
	"CarePlan.text":                         "a text that is more than the elements say",
	"Bundle.meta":                           "labels of a whole Bundle are about none of its resources",
	"Claim.billablePeriod":                  "the encounter has it",
	"Claim.diagnosis":                       "the encounter has it",
	"Claim.insurance":                       "the cover has it",
	"Claim.item":                            "only the encounter's total is kept",
	"Claim.prescription":                    "the encounter has it",
	"Claim.priority":                        "always normal",
	"Claim.procedure":                       "the encounter has it",
	"Claim.provider":                        "the facility is who signs",
	"Claim.supportingInfo":                  "the encounter has it",
	"Claim.type":                            "always institutional",
	"Condition.asserter":                    "the author is who signs",
	"Condition.category":                    "problem-list-item and encounter-diagnosis only",
	"Condition.extension":                   "extensions of others",
	"AllergyIntolerance.extension":          "extensions of others",
	"Condition.identifier":                  "a record's items have names of their own",
	"Condition.severity":                    "mild, moderate and severe only",
	"DiagnosticReport.issued":               "the time of the effect is kept",
	"Encounter.identifier":                  "numbers other than the sealed entry's",
	"Encounter.hospitalization":             "no place for it",
	"Encounter.participant":                 "the author is who signs",
	"Encounter.serviceProvider":             "the facility is who signs",
	"Goal.achievementStatus":                "a goal is kept as words",
	"Goal.lifecycleStatus":                  "a goal is kept as words",
	"ImagingStudy.series":                   "where the pictures are has the rest",
	"Immunization.expirationDate":           "the lot has it",
	"Immunization.performer":                "the author is who signs",
	"Immunization.protocolApplied":          "the number of the dose is kept",
	"Immunization.route":                    "of a code that is not known",
	"MedicationRequest.requester":           "the author is who signs",
	"MedicationStatement.dosage":            "a number of repeats, parts of a period",
	"MedicationStatement.identifier":        "a record's items have names of their own",
	"MedicationStatement.informationSource": "no place for it",
	"MedicationStatement.route":             "of a code that is not known",
	"Observation.issued":                    "the time of the effect is kept",
	"Observation.performer":                 "the author is who signs",
	"Observation.referenceRange":            "the interpretation is kept",
	"Patient.address":                       "use, type and place on the map",
	"Patient.communication":                 "languages other than Arabic, Kurdish and English",
	"Patient.contact":                       "relation, address, further numbers",
	"Patient.extension":                     "no place for it",
	"Patient.identifier":                    "numbers other than the national one",
	"Patient.maritalStatus":                 "no place for it",
	"Patient.multipleBirthBoolean":          "no place for it",
	"Patient.multipleBirthInteger":          "no place for it",
	"Patient.name":                          "prefix, suffix, further names",
	"Patient.telecom":                       "its use",
}

// dropped are elements that are read and not kept: what they say is known
// anyway, or taken for granted.
var dropped = map[string]string{
	"Claim.created":                    "the encounter has it",
	"Composition.author":               "a document's outline is made anew",
	"Composition.date":                 "a document's outline is made anew; the time of what its sections say",
	"Composition.status":               "a document's outline is made anew; one entered in error is refused",
	"Composition.type":                 "a document's outline is made anew",
	"Coverage.policyHolder":            "one who is not the holder is told",
	"Coverage.subscriber":              "one who is not the holder is told",
	"Coverage.type":                    "no place for it",
	"DetectedIssue.identifiedDateTime": "the encounter has it",
	"DetectedIssue.status":             "one that was cancelled, or entered in error, is refused",
	"ExplanationOfBenefit.created":     "the encounter has it",
	"ExplanationOfBenefit.outcome":     "only the cost is kept",
	"Immunization.primarySource":       "a record is its own source; another is told",
	"Medication.status":                "one that is not active is told",
	"Patient._birthDate":               "that the day is not known, as an export says",
	"Patient.active":                   "one that is not active is told",
	"RelatedPerson.active":             "one that is not active is told",
}

// fateTable is the table of docs/fhir.md: what becomes of every element.
func fateTable() string {
	rows := make(map[string][2]string) // by kind.element
	for kind, paths := range elements {
		for path := range paths {
			top, _, _ := strings.Cut(path, ".")
			name := kind + "." + top
			if row := rows[name]; row[0] == "" {
				rows[name] = [2]string{"survives", ""}
			}
			for _, key := range []string{name, kind + "." + path} {
				if how := changed[key]; how != "" {
					rows[name] = [2]string{"survives, changed", how}
				}
			}
		}
	}
	for name, why := range leftOut {
		if row := rows[name]; row[0] != "" {
			rows[name] = [2]string{"survives in part", strings.TrimPrefix(row[1]+"; left out: "+why, "; ")}
		} else {
			rows[name] = [2]string{"left out", why}
		}
	}
	for name, why := range dropped {
		rows[name] = [2]string{"left out", why}
	}
	var b strings.Builder
	b.WriteString("| element | what becomes of it | how, or why |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		b.WriteString("| " + name + " | " + rows[name][0] + " | " + rows[name][1] + " |\n")
	}
	return b.String()
}

// TestDocs holds the table of docs/fhir.md against what is read; with -update
// it writes it.
func TestDocs(t *testing.T) {
	const begin, end = "<!-- what becomes of every element: written by TestDocs -->\n", "<!-- end -->\n"
	path := filepath.Join("..", "..", "docs", "fhir.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), begin)
	old, foot, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/fhir.md has no place for the table")
	}
	want := fateTable()
	if *update {
		if err := os.WriteFile(path, []byte(head+begin+want+end+foot), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != want {
		t.Error("the table of docs/fhir.md is not what becomes of the elements: run this test with -update")
	}
}
