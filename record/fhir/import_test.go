package fhir

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

const someone = `{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"p","name":[{"family":"X"}]}}`

// bundle wraps resources into a Bundle with a patient.
func bundle(resources ...string) string {
	all := []string{someone}
	for _, r := range resources {
		all = append(all, `{"resource":`+r+`}`)
	}
	return `{"resourceType":"Bundle","type":"collection","timestamp":"2026-03-01T10:00:00Z","entry":[` + strings.Join(all, ",") + `]}`
}

func TestImportRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", ErrBundle},
		{"no JSON", "hello", ErrBundle},
		{"cut short", bundle()[:40], ErrBundle},
		{"a list", "[]", ErrBundle},
		{"another resource", `{"resourceType":"Patient"}`, ErrBundle},
		{"trailing data", bundle() + "{}", ErrBundle},
		{"entry is no list", `{"resourceType":"Bundle","entry":{}}`, ErrBundle},
		{"UTF-16", "\xff\xfe{\x00", ErrBundle},
		{"gzip", "\x1f\x8b\x08", ErrBundle},
		{"a mark in the middle", bundle() + "\ufeff", ErrBundle},
		{"no patient", `{"resourceType":"Bundle","entry":[]}`, ErrNoPatient},
		{"nameless patient", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]}`, ErrNoPatient},
		{"too many entries", `{"resourceType":"Bundle","entry":[` + strings.Repeat("{},", MaxEntries) + `{}]}`, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := Import(strings.NewReader(c.text)); !errors.Is(err, c.want) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// endless is a Bundle whose end never comes.
type endless struct{ begun bool }

func (e *endless) Read(p []byte) (int, error) {
	if !e.begun {
		e.begun = true
		return copy(p, `{"resourceType":"Bundle","text":"`), nil
	}
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestImportMark(t *testing.T) {
	if _, _, err := Import(strings.NewReader("\ufeff" + bundle())); err != nil {
		t.Error(err)
	}
}

func TestImportBound(t *testing.T) {
	if _, _, err := Import(new(endless)); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("got %v", err)
	}
	if err := Export(&Bundle{}, io.Discard); !errors.Is(err, ErrNoPatient) {
		t.Fatalf("got %v", err)
	}
}

// TestResources reads one resource at a time and looks at the account of it.
func TestResources(t *testing.T) {
	for _, c := range []struct {
		name, text string
		refused    string // reason; else it is carried
		left       string // elements, comma separated; empty: whole
	}{
		{"a device", `{"resourceType":"Device"}`, "this kind has no place in a record", ""},
		{"no type", `{"id":"x"}`, "no resource type", ""},
		{"malformed", `{"resourceType":"Condition","code":7}`, "malformed", ""},
		{"no code", `{"resourceType":"Condition"}`, "no code and no words", ""},
		{"nothing known", `{"resourceType":"AllergyIntolerance","code":{"coding":[{"system":"http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips","code":"no-allergy-info"}]}}`, "says only that nothing is known", ""},
		{"none known", `{"resourceType":"AllergyIntolerance","code":{"coding":[{"system":"http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips","code":"no-known-allergies"}]},"recordedDate":"2026-01-01"}`, "", ""},
		{"a vaccine that nobody knows of", `{"resourceType":"Immunization","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips","code":"no-known-immunizations"}]}}`, "says only that nothing is known", ""},
		{"an order", `{"resourceType":"ServiceRequest","status":"active","intent":"order","code":{"text":"x"}}`, "no referral", ""},
		{"an issue", `{"resourceType":"DetectedIssue","status":"final"}`, "no alert that somebody set aside", ""},
		{"an issue of no rule", `{"resourceType":"DetectedIssue","identifier":[{"system":"https://dhamani.iq/fhir/sid/alert-rule","value":"A B"}],"status":"final","identifiedDateTime":"2026","evidence":[{"code":[{"text":"x"}]}],"mitigation":[{}]}`, "overrides.rule: not 1 to 32 of a-z, 0-9 and hyphen: invalid record", ""},
		{"an outline", `{"resourceType":"Composition","section":[{"code":{"coding":[{"code":"48765-2"}]},"emptyReason":{"coding":[{"code":"unavailable"}]}}]}`, "a document's outline is made anew on export", ""},
		{"planned visit", `{"resourceType":"Encounter","status":"planned"}`, "planned or cancelled: no visit", ""},
		{"no start", `{"resourceType":"Encounter","status":"finished"}`, "no start", ""},
		{"a second patient", `{"resourceType":"Patient","name":[{"family":"Y"}]}`, "a record holds one patient", ""},
		{"restricted vaccine", `{"resourceType":"Immunization","meta":{"security":[{"code":"R"}]},"vaccineCode":{"text":"x"}}`, "labelled restricted, and this kind has no sensitive form", ""},
		{"no value", `{"resourceType":"Observation","status":"final","code":{"text":"x"}}`, "no value", ""},
		{"sampled data", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueSampledData":{}}`, "value of a kind that cannot be carried", ""},
		{"a condition", `{"resourceType":"Condition","code":{"text":"sore toe"},"recordedDate":"2026-01-01"}`, "", ""},
		{"an onset as words", `{"resourceType":"Condition","code":{"text":"x"},"onsetString":"long ago","recordedDate":"2026-01-01"}`, "", "onsetString"},
		{"a lost visit", `{"resourceType":"Condition","code":{"text":"x"},"recordedDate":"2026-01-01","encounter":{"reference":"Encounter/9"}}`, "", "encounter"},
		{"no date", `{"resourceType":"Condition","code":{"text":"x"}}`, "", "date (missing: the bundle's is taken)"},
		{"a date that stands for none", `{"resourceType":"Condition","code":{"text":"x"},"recordedDate":"1800-01-01"}`, "start: missing or out of range: invalid record", ""},
		{"a bad date", `{"resourceType":"Condition","code":{"text":"x"},"recordedDate":"2026-99-01"}`, "", "date (missing: the bundle's is taken),recordedDate (malformed)"},
		{"an extension on a primitive", `{"resourceType":"Condition","code":{"text":"x"},"recordedDate":"2026-01-01","_recordedDate":{}}`, "", "_recordedDate"},
		{"noise", `{"resourceType":"Observation","status":"final","category":[{"coding":[{"code":"laboratory"}]}],"code":{"text":"x"},"effectiveDateTime":"2026","valueQuantity":{"value":5.0123456789012,"system":"http://unitsofmeasure.org","code":"mg/dL"}}`, "", "valueQuantity (rounded)"},
		{"a bound", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"effectiveDateTime":"2026","valueQuantity":{"value":5,"comparator":"<","unit":"mg"}}`, "", "valueQuantity.comparator (as words)"},
		{"two regimens", `{"resourceType":"MedicationRequest","status":"active","intent":"order","authoredOn":"2026-01-01","medicationCodeableConcept":{"text":"x"},"dosageInstruction":[{},{}]}`, "", "dosageInstruction (further)"},
		{"a half day", `{"resourceType":"MedicationRequest","status":"active","intent":"order","authoredOn":"2026-01-01","medicationCodeableConcept":{"text":"x"},"dosageInstruction":[{"timing":{"repeat":{"frequency":1,"period":0.5,"periodUnit":"d"}}}]}`, "", "dosageInstruction.timing.repeat"},
		{"a contained medicine", `{"resourceType":"MedicationRequest","status":"active","intent":"order","authoredOn":"2026-01-01","contained":[{"resourceType":"Medication","id":"m","code":{"text":"x"}}],"medicationReference":{"reference":"#m"}}`, "", ""},
		{"a scan elsewhere", `{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"contentType":"application/pdf","url":"http://x"}}]}`, "not one plain text in the bundle itself", ""},
		{"a report without results", `{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},"effectiveDateTime":"2026"}`, "neither results that can be carried nor a conclusion", ""},
		{"a conclusion", `{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},"effectiveDateTime":"2026","conclusion":"good"}`, "", "conclusion (as an observation)"},
		{"a claim for nothing", `{"resourceType":"Claim","total":{"value":5,"currency":"IQD"}}`, "of no encounter that is carried", ""},
		{"a goal alone", `{"resourceType":"Goal","description":{"text":"x"}}`, "in no care plan that is carried", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, report, err := Import(strings.NewReader(bundle(c.text)))
			if err != nil {
				t.Fatal(err)
			}
			kind, _ := kindOf([]byte(c.text))
			n := report.Resources[cmp.Or(kind, "(none)")]
			if c.refused != "" {
				if n.Refused != 1 || n.Reasons[c.refused] != 1 {
					t.Fatalf("%+v", *n)
				}
				return
			}
			var left []string
			for e := range strings.SplitSeq(c.left, ",") {
				if e != "" {
					left = append(left, e)
				}
			}
			if n.Refused > 0 || len(left) != len(n.Elements) {
				t.Fatalf("%+v", *n)
			}
			for _, e := range left {
				if n.Elements[e] != 1 {
					t.Errorf("%s not told: %v", e, n.Elements)
				}
			}
		})
	}
}

// TestLabels checks that a label makes an item sensitive, and that what hangs
// on a sensitive reason becomes so.
func TestLabels(t *testing.T) {
	b, _, err := Import(strings.NewReader(bundle(
		`{"resourceType":"Condition","meta":{"security":[{"code":"V"}]},"code":{"text":"x"},"recordedDate":"2026-01-01"}`,
		`{"resourceType":"Condition","id":"hiv","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"B20"}]},"recordedDate":"2026-01-01"}`,
		`{"resourceType":"MedicationRequest","status":"active","intent":"order","authoredOn":"2026-01-01","medicationCodeableConcept":{"text":"x"},"reasonReference":[{"reference":"Condition/hiv"}]}`,
		`{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"75622-1"}]},"effectiveDateTime":"2026-01-01","valueString":"reactive"}`,
		`{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},"effectiveDateTime":"2026-01-01","result":[{"reference":"Observation/o"}]}`,
	)))
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Entries) != 1 {
		t.Fatalf("%d entries", len(b.Entries))
	}
	sections, err := b.Entries[0].Sections()
	if err != nil {
		t.Fatal(err)
	}
	if len(sections) != 1 || sections[record.SectionSensitive] == nil {
		t.Errorf("sections: %v", sections)
	}
	if len(b.Summary.Problems)+len(b.Summary.Medicines) > 0 {
		t.Errorf("in the summary: %+v", b.Summary)
	}
}

func TestIPS(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dataDir(t, "ips"), "Bundle-*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no IPS examples found")
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			raw, err := os.Open(f)
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close() //nolint:errcheck // only read
			b, report, err := Import(raw)
			if err != nil {
				t.Fatal(err)
			}
			for _, kind := range []string{"Condition", "MedicationStatement", "Immunization", "Procedure", "CarePlan", "Medication"} {
				if c := report.Resources[kind]; c != nil && c.Refused > c.Reasons[errAbsent.Error()] {
					t.Errorf("%s: %+v", kind, *c)
				}
			}
			c, _ := again(t, b)
			same(t, b, c)
			for _, e := range b.Entries {
				roundTrip(t, e)
			}
		})
	}
}

// whole is a bundle of one entry with everything that FHIR has a place for.
func whole() *Bundle {
	code := func(v string) record.Code { return record.Code{System: terms.SNOMED, Value: v} }
	site, share, id := code("18944008"), record.Int(10), record.EntryID{7}
	yes := true
	e := &record.Entry{
		Start: time.Date(1987, 2, 3, 4, 5, 0, 0, time.UTC), Minutes: 7, Class: record.ClassVirtual, Facility: 9, Practitioner: 8,
		Part: 2, Amends: &id, EnteredInError: true, Cost: &record.Cost{Total: record.Int(100), Patient: &share, Currency: "EUR", Service: record.ServiceDental},
		Allergies: []record.Allergy{{Code: code("1"), Kind: record.KindNotSaid, Onset: record.Day(1980, 1, 1), Reactions: []record.Code{code("2")}}, {Code: code("20"), Severity: record.SeveritySevere}},
		Prescriptions: []record.Prescription{
			{
				Medicine: code("3"), Dose: record.NewQuantity(5, -1, "strip"), Quantity: record.NewQuantity(1, 0, ""), Refills: 2, Days: 9,
				Frequency: record.Frequency{Times: 2, Period: 3, Unit: record.PeriodWeek}, AsNeeded: true, Reasons: []record.Code{code("4")},
				Route: record.RouteOtic, Directions: "a\nb", At: record.Day(1987, 2, 4),
			},
			{Medicine: code("3"), Statement: true, Status: record.MedicationNotTaken},
			{Medicine: code("3"), Statement: true, Ongoing: true, Refills: 3, Quantity: record.NewQuantity(25, -1, "mL")},
			{Medicine: code("3"), Status: record.MedicationIntended},
			{Medicine: code("3"), Statement: true, Status: record.MedicationDraft},
		},
		Observations: []record.Observation{
			{Code: code("5"), Value: record.Value{Bool: &yes}, Category: record.CategoryOther, Note: "n", Status: record.ObservationCorrected},
			{Code: code("5"), Status: record.ObservationRegistered},
			{Code: code("5"), Components: []record.Component{{Code: code("6")}, {Code: code("7"), Value: record.Value{Bool: &yes}}}},
			{Code: code("5"), Components: []record.Component{{Code: code("6")}}},
			{Code: code("5"), Value: record.Value{Code: &site}, Category: record.CategoryTherapy, Interpretation: record.InterpretationCriticalLow},
		},
		Panels: []record.Panel{{
			Code: code("6"), Conclusion: "c", Sensitive: true,
			Observations: []record.Observation{{Code: code("7"), Value: record.Value{Text: "t"}, Sensitive: true, Category: record.CategoryExam}},
		}},
		Diagnoses:     []record.Diagnosis{{Code: code("8"), Severity: record.SeverityMild, Chronic: true, Certainty: record.Provisional, Status: record.ConditionRemission, Note: "n"}},
		Procedures:    []record.Procedure{{Code: code("9"), Minutes: 3, BodySite: &site, Note: "n", Status: record.ProcedureNotDone, At: record.At(time.Date(1987, 2, 3, 4, 6, 0, 0, time.UTC))}},
		Immunisations: []record.Immunisation{{Vaccine: code("10"), Site: &site, Route: record.RouteIntramuscular, Lot: "l", Dose: 3, Status: record.ImmunisationNotDone}},
		CarePlans: []record.CarePlan{{
			Code: code("11"), Goals: []string{"g"}, Reasons: []record.Code{code("8"), code("12")}, End: record.Day(1988, 1, 1),
			Activities: []record.Activity{{Code: code("13"), Status: record.ActivityOnHold}, {Code: code("14")}}, Status: record.PlanOnHold, Intent: record.IntentOption,
		}},
		Notes: []record.Note{{Text: "typed wrong", Kind: record.NoteCorrection}, {Text: "a\nb", Sensitive: true}},
		Referrals: []record.Referral{
			{To: code("15"), Facility: 4, Urgency: record.UrgencyStat, Status: record.ReferralCompleted, Reasons: []record.Code{code("4")}, Note: "n", At: record.Day(1987, 2, 5)},
			{To: code("15"), Sensitive: true},
		},
		Overrides: []record.Override{
			{Rule: "twice", Kind: record.AlertDuplicate, About: []record.Code{code("3"), code("16")}, Reason: record.OverrideTolerated, Note: "n"},
			{Rule: "dose", About: []record.Code{code("3")}, Sensitive: true},
		},
		Imaging:    []record.Imaging{{Study: "1.2.3" + strings.Repeat("4", 59), Modality: "MR", BodySite: &site, Series: 2, Instances: 99, Title: "t"}},
		Extensions: []record.Extension{{Section: record.SectionClinical, Key: 50, Data: []byte("x")}, {Section: record.SectionClinical, Key: 51}},
	}
	e.Normalise()
	b := &Bundle{
		Identity: &record.Identity{Names: record.Names{Sorani: &record.Name{Given: []string{"ئارام"}}}, Died: record.Day(2001, 1, 1)},
		Cover: &record.Cover{
			Payer: "p", Copay: 2, Chronic: record.PersonsOf(0, 3), Without: record.PersonsOf(15),
			Counters: []record.Counter{{Kind: record.CounterDental, Person: 3, Year: 2026, Allowed: 125000, Used: 7}},
		},
		Entries: []*record.Entry{e},
	}
	b.Summary = record.Summarise(nil, b.Entries, e.Start)
	return b
}

func TestWhole(t *testing.T) {
	b := whole()
	roundTrip(t, b.Entries[0])
	c, report := again(t, b)
	same(t, b, c)
	for kind, n := range report.Resources {
		if n.Refused > 0 {
			t.Errorf("%s: %+v", kind, *n)
		}
	}
	var one, two bytes.Buffer
	if err := errors.Join(Export(b, &one), Export(b, &two)); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("exporting twice does not give the same:", err)
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(bundle()))
	f.Add([]byte(bundle(`{"resourceType":"Encounter","id":"e","status":"finished","period":{"start":"2026-01-01T08:00:00Z"}}`,
		`{"resourceType":"Observation","status":"final","encounter":{"reference":"Encounter/e"},"code":{"text":"x"},"valueQuantity":{"value":1e2}}`,
		`{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"text":"x"},"encounter":{"reference":"Encounter/e"}}`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, _, err := Import(bytes.NewReader(raw))
		if err != nil {
			if !errors.Is(err, ErrBundle) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrNoPatient) {
				t.Fatal(err)
			}
			return
		}
		c, _ := again(t, b)
		same(t, b, c)
	})
}
