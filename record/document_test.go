package record

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
)

var update = flag.Bool("update", false, "write the lists and vectors into the document")

const document = "../docs/formats/content.md"

// between is the part of the document from a mark to the next heading.
func between(t *testing.T, doc, mark string) string {
	t.Helper()
	_, rest, ok := strings.Cut(doc, "<!-- "+mark+" -->\n")
	if !ok {
		t.Fatalf("document has no mark %q", mark)
	}
	if i := strings.Index(rest, "\n#"); i >= 0 && mark != "vectors" {
		rest = rest[:i+1]
	}
	return rest
}

func fenced(s string) string {
	_, s, _ = strings.Cut(s, "```\n")
	s, _, _ = strings.Cut(s, "```")
	return s
}

func unitsText() string {
	var b strings.Builder
	for i, u := range units {
		name := u.code
		if name == "" {
			name = "(none)"
		}
		fmt.Fprintf(&b, "%d %s %d\n", i, name, u.scale)
	}
	return b.String()
}

func choicesText() string {
	var b strings.Builder
	row := func(name string, values []string) {
		values = slices.Clone(values)
		for i, v := range values {
			if v == "" {
				values[i] = "—"
			}
		}
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(values, " "))
	}
	row("class", classNames{}.names())
	row("status of a diagnosis or allergy", conditionNames{}.names())
	row("certainty", certaintyNames{}.names())
	row("severity", severityNames{}.names())
	row("status of a prescription", medicationNames{}.names())
	row("route", routeNames{}.names())
	row("category", categoryNames{}.names())
	row("interpretation", interpretationNames{}.names())
	row("status of an observation or panel", observationNames{}.names())
	row("status of a procedure", procedureNames{}.names())
	row("status of an immunisation", immunisationNames{}.names())
	row("kind of an allergy", allergyKindNames{}.names())
	row("group of an allergy", allergyGroupNames{}.names())
	row("criticality", criticalityNames{}.names())
	row("status of a care plan", planNames{}.names())
	row("intent", intentNames{}.names())
	row("status of an activity", activityNames{}.names())
	row("urgency", urgencyNames{}.names())
	row("status of a referral", referralNames{}.names())
	row("kind of an alert", alertNames{}.names())
	row("reason of an override", overrideNames{}.names())
	row("service", serviceNames{}.names())
	row("kind of a note", noteNames{}.names())
	row("sex", sexNames{}.names())
	row("relation", relationNames{}.names())
	row("blood group", bloodNames{}.names())
	return b.String()
}

func limitsText() string {
	var b strings.Builder
	b.WriteString("| limit | value |\n|---|---|\n")
	for _, x := range []struct {
		name  string
		value int
	}{
		{"content of an entry on a card, all sections, bytes", MaxContent},
		{"content of one section, bytes", maxSection},
		{"items of one kind in an entry", maxItems},
		{"reasons; reactions", maxReasons},
		{"components of an observation; activities of a care plan", maxComponents},
		{"goals of a care plan; extensions of a section", maxGoals},
		{"counters of a cover", maxCounters},
		{"codes that an override is about", maxAbout},
		{"free text, bytes", maxNote},
		{"a line of text, bytes", maxShort},
		{"a code's value, bytes", terms.MaxValue},
		{"the name of an alert's rule, bytes", maxRule},
		{"a unit, a lot, a telephone or member number, bytes", maxUnit},
		{"an extension, bytes", maxExtension},
		{"identity, bytes", MaxIdentity},
		{"cover, bytes", MaxCover},
		{"summary, bytes", MaxSummary},
	} {
		fmt.Fprintf(&b, "| %s | %d |\n", x.name, x.value)
	}
	return b.String()
}

func digestText() string { return fmt.Sprintf("%x\n", terms.Base().Digest) }

type vector struct {
	name string
	e    *Entry
}

func vectors() []vector {
	code := func(s terms.System, v string) Code { return Code{System: s, Value: v} }
	visit := code(terms.Own, "visit")
	share := Int(1500)
	id := EntryID{0: 0x9a, 31: 0x01}
	return []vector{
		{"the least", &Entry{Start: time.Date(2026, 2, 28, 8, 15, 0, 0, time.UTC), Minutes: 15}},
		{"a visit", &Entry{
			Start: time.Date(2026, 2, 28, 8, 15, 0, 0, time.UTC), Minutes: 20, Type: &visit,
			Cost:      &Cost{Total: Int(15000), Patient: &share},
			Diagnoses: []Diagnosis{{Code: code(terms.ICD10, "E11.9"), Chronic: true, Onset: Moment{Time: time.Date(2021, 3, 1, 0, 0, 0, 0, time.UTC), Precision: ToMonth}}},
			Prescriptions: []Prescription{{
				Medicine: code(terms.ATC, "A10BA02"), Dose: NewQuantity(500, 0, "mg"), Route: RouteOral, Ongoing: true,
				Frequency: Frequency{Times: 2, Period: 1},
			}},
			Observations: []Observation{
				{Code: code(terms.LOINC, "4548-4"), Value: Value{Quantity: NewQuantity(74, -1, "%")}, Interpretation: InterpretationHigh},
				{Code: code(terms.LOINC, "85354-9"), Category: CategoryVitalSigns, Components: []Component{
					{Code: code(terms.LOINC, "8480-6"), Value: Value{Quantity: NewQuantity(128, 0, "mm[Hg]")}},
					{Code: code(terms.LOINC, "8462-4"), Value: Value{Quantity: NewQuantity(82, 0, "mm[Hg]")}},
				}},
				{Code: code(terms.LOINC, "29463-7"), Category: CategoryVitalSigns, Value: Value{Quantity: NewQuantity(815, -1, "kg")}},
				{Code: code(terms.LOINC, "8867-4"), Category: CategoryVitalSigns, Value: Value{Quantity: NewQuantity(72, 0, "/min")}},
			},
		}},
		{"an emergency before the epoch, with a sensitive part", &Entry{
			Start: time.Date(1999, 12, 31, 23, 30, 0, 0, time.UTC), Minutes: 90, Class: ClassEmergency, Facility: 17,
			Allergies: []Allergy{{
				Code: code(terms.ATC, "J01C"), Group: AllergyMedication, Criticality: CriticalityHigh, Severity: SeveritySevere,
				Reactions: []Code{code(terms.ICD10, "R22")},
			}},
			Diagnoses:     []Diagnosis{{Code: code(terms.ICD10, "F32.1"), Sensitive: true}},
			Immunisations: []Immunisation{{Vaccine: code(terms.CVX, "08"), Dose: 2, Lot: "HB-102"}},
			Notes:         []Note{{Text: "باری باشە", Sensitive: true, At: At(time.Date(2000, 1, 1, 0, 10, 0, 0, time.UTC))}},
			Imaging:       []Imaging{{Study: "2.25.1", Modality: "CR", Instances: 2}},
		}},
		{"a referral, and an alert that was set aside", &Entry{
			Start: time.Date(2026, 3, 2, 7, 30, 0, 0, time.UTC), Minutes: 15, Reasons: []Code{code(terms.ICD10, "J18.9")},
			Prescriptions: []Prescription{{Medicine: code(terms.ATC, "J01CA04"), Dose: NewQuantity(500, 0, "mg"), Frequency: Frequency{Times: 3, Period: 1}, Days: 7}},
			Referrals: []Referral{
				{
					To: code(terms.Text, "طب الصدرية"), Facility: 17, Urgency: UrgencyUrgent, Reasons: []Code{code(terms.ICD10, "J18.9")},
					Note: "X-ray first",
				},
				{To: code(terms.Text, "counselling"), Sensitive: true},
			},
			Overrides: []Override{{
				Rule: "allergy-class", Kind: AlertAllergy, About: []Code{code(terms.ATC, "J01CA04"), code(terms.ATC, "J01C")},
				Reason: OverrideTolerated, Note: "amoxicillin in 2024 without harm",
			}},
		}},
		{"a correction, with a panel and an item of a later version", &Entry{
			Start: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Minutes: 15, Amends: &id, Part: 1,
			Panels: []Panel{{Code: code(terms.LOINC, "57698-3"), Observations: []Observation{
				{Code: code(terms.LOINC, "2093-3"), Value: Value{Quantity: NewQuantity(2043, -1, "mg/dL")}},
				{Code: code(terms.LOINC, "2571-8"), Value: Value{Quantity: NewQuantity(176, 0, "mg/dL")}},
			}}},
			Notes:      []Note{{Text: "نتيجة مريض آخر", Kind: NoteCorrection}},
			Extensions: []Extension{{Section: SectionLaboratory, Key: 40, Data: []byte{1, 2, 3}}},
		}},
	}
}

func vectorsText(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, v := range vectors() {
		j, err := json.MarshalIndent(v.e, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		sections, err := v.e.Sections()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n### %s\n\n```json\n%s\n```\n\n```\n", strings.ToUpper(v.name[:1])+v.name[1:], j)
		for _, s := range AllSections() {
			if p, ok := sections[s]; ok {
				fmt.Fprintf(&b, "%s %s\n", s, hex.EncodeToString(p))
			}
		}
		b.WriteString("```\n")
	}
	return b.String()
}

// TestDocument holds the document and the code together.
func TestDocument(t *testing.T) {
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	if *update {
		doc = strings.Replace(doc, "```\n"+fenced(between(t, doc, "units"))+"```", "```\n"+unitsText()+"```", 1)
		part := between(t, doc, "choices")
		doc = strings.Replace(doc, part, strings.Replace(part, "```\n"+fenced(part)+"```", "```\n"+choicesText()+"```", 1), 1)
		part = between(t, doc, "digest")
		doc = strings.Replace(doc, part, strings.Replace(part, "```\n"+fenced(part)+"```", "```\n"+digestText()+"```", 1), 1)
		part = between(t, doc, "limits")
		rows, _, _ := strings.Cut(part, "\n\n")
		doc = strings.Replace(doc, rows+"\n\n", limitsText()+"\n", 1)
		doc = strings.TrimSuffix(doc, between(t, doc, "vectors")) + vectorsText(t)
		if err := os.WriteFile(document, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := fenced(between(t, doc, "units")); got != unitsText() {
		t.Errorf("units in the document:\n%s\nin the code:\n%s", got, unitsText())
	}
	if got := fenced(between(t, doc, "choices")); got != choicesText() {
		t.Errorf("choices in the document:\n%s\nin the code:\n%s", got, choicesText())
	}
	if got := fenced(between(t, doc, "digest")); got != digestText() {
		t.Errorf("digest of the code table in the document %s, in the code %s", got, digestText())
	}
	if !strings.HasPrefix(between(t, doc, "limits"), limitsText()) {
		t.Errorf("limits in the code:\n%s", limitsText())
	}
	for i := range terms.NumSystems {
		if uri := i.URI(); uri != "" && !strings.Contains(doc, fmt.Sprintf("| %d | %s | %s |", uint8(i), i, uri)) {
			t.Errorf("code system %s is not in the document as it is in the code", i)
		}
	}
}

// TestVectors encodes the document's entries and decodes its sections.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for part := range strings.SplitSeq(between(t, string(raw), "vectors"), "\n### ") {
		name, rest, ok := strings.Cut(part, "\n")
		if !ok || name == "" {
			continue
		}
		n++
		t.Run(name, func(t *testing.T) {
			_, rest, _ = strings.Cut(rest, "```json\n")
			text, rest, _ := strings.Cut(rest, "```")
			var e Entry
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Fatal(err)
			}
			e.Normalise()
			want := make(map[Section][]byte)
			for line := range strings.Lines(fenced(rest)) {
				section, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
				b, err := hex.DecodeString(digits)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range AllSections() {
					if s.String() == section {
						want[s] = b
					}
				}
			}
			got, err := e.Sections()
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("encoded:\n%x\nin the document:\n%x", got, want)
			}
			d, err := Decode(e.Meta(), want)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(d, &e) {
				t.Fatalf("decoded:\n%+v\nin the document:\n%+v", d, e)
			}
		})
	}
	if n != len(vectors()) {
		t.Errorf("%d vectors in the document, %d in the code", n, len(vectors()))
	}
}
