package record

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// full is an entry with every field of every item set.
func full() *Entry {
	start := time.Date(2026, 2, 28, 8, 15, 0, 0, time.UTC)
	code := func(v string) Code { return Code{System: terms.ICD10, Value: v} }
	a, b := code("A09"), code("M54.5")
	yes, share := true, Decimal{Mantissa: 250, Scale: 2}
	day, month, year := Day(2025, 12, 31), Moment{Time: time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), Precision: ToMonth},
		Moment{Time: time.Date(1987, 1, 1, 0, 0, 0, 0, time.UTC), Precision: ToYear}
	later := At(start.Add(7 * time.Minute))
	id := EntryID{1, 2, 3}
	e := &Entry{
		Person: 3, Start: start, Minutes: 42, Class: ClassHome, Facility: 70000, Practitioner: 12, Part: 2, Amends: &id,
		EnteredInError: true, Type: &a, Reasons: []Code{a, b},
		Cost: &Cost{Total: Decimal{Mantissa: 1999, Scale: 2}, Patient: &share, Currency: "USD", Service: ServiceDental},
		Allergies: []Allergy{{
			Code: a, Kind: KindIntolerance, Group: AllergyFood, Criticality: CriticalityLow, Severity: SeverityMild,
			Reactions: []Code{b}, Status: ConditionInactive, Certainty: Refuted, At: later, Onset: year, Note: "n",
		}},
		Prescriptions: []Prescription{{
			Medicine: a, Status: MedicationStopped, At: day, Dose: NewQuantity(5, -1, "mL"), Route: RouteRectal,
			Frequency: Frequency{Times: 2, Period: 8, Unit: PeriodHour}, AsNeeded: true, Days: 300, Ongoing: true,
			Quantity: NewQuantity(20, 0, "strip"), Refills: 3, Reasons: []Code{b}, Directions: "slowly\nwith water", Statement: true,
		}, {Medicine: b, Sensitive: true}},
		Observations: []Observation{
			{Code: a, Value: Value{Quantity: NewQuantity(-5, -9, "mg/dL")}, At: later, Interpretation: InterpretationLow, Status: ObservationAmended, Note: "n"},
			{Code: a, Category: CategoryVitalSigns, Components: []Component{{Code: b, Value: Value{Bool: &yes}, Interpretation: InterpretationHigh}}},
			{Code: a, Category: CategorySurvey, Value: Value{Text: "often"}},
			{Code: a, Category: CategoryActivity, Value: Value{Code: &b}},
			{Code: a, Category: CategoryOther, Value: Value{Quantity: NewQuantity(math.MaxInt32, 0, "")}},
			{Code: b, Sensitive: true, Value: Value{Bool: new(bool)}},
		},
		Panels: []Panel{
			{
				Code: a, At: later, Status: ObservationPreliminary, Conclusion: "good",
				Observations: []Observation{{Code: a, Value: Value{Text: "x"}}, {Code: b, Category: CategoryExam}},
			},
			{Code: b, Sensitive: true, Observations: []Observation{{Code: a, Sensitive: true}}},
		},
		Diagnoses: []Diagnosis{
			{Code: a, Status: ConditionResolved, Certainty: Differential, Severity: SeveritySevere, Chronic: true, At: later, Onset: month, End: day, Note: "n"},
			{Code: b, Sensitive: true},
		},
		Procedures: []Procedure{
			{Code: a, Status: ProcedureStopped, At: later, Minutes: 90, Reasons: []Code{a}, BodySite: &b, Note: "n"},
			{Code: b, Sensitive: true},
		},
		Immunisations: []Immunisation{{Vaccine: a, Status: ImmunisationNotDone, At: day, Dose: 2, Lot: "L", Route: RouteIntramuscular, Site: &b}},
		CarePlans: []CarePlan{
			{
				Code: a, Status: PlanRevoked, Intent: IntentOrder, At: day, End: month, Reasons: []Code{b}, Goals: []string{"walk"},
				Activities: []Activity{{Code: a, Status: ActivityStopped}, {Code: b}},
			},
			{Code: b, Sensitive: true},
		},
		Notes:   []Note{{Text: "سڵاو", At: later}, {Text: "مخفي", Kind: NoteCorrection, Sensitive: true}},
		Imaging: []Imaging{{Study: "1.2.3", Modality: "US", At: later, BodySite: &a, Series: 3, Instances: 400, Title: "t"}},
		Referrals: []Referral{
			{To: a, Facility: 4711, Urgency: UrgencyStat, Status: ReferralOnHold, At: later, Reasons: []Code{b}, Note: "n"},
			{To: b, Sensitive: true, Reasons: []Code{a, b}},
		},
		Overrides: []Override{
			{Rule: "penicillin-cross-1", Kind: AlertAllergy, About: []Code{a, b}, Reason: OverrideTolerated, Note: "n"},
			{Rule: "x", About: []Code{b}, Sensitive: true},
		},
		Extensions: []Extension{{Section: SectionClinical, Key: 32, Data: []byte{0xff}}, {Section: SectionSensitive, Key: 40, Data: []byte{}}},
	}
	return e
}

func TestRoundTrip(t *testing.T) {
	e := full()
	sections, err := e.Sections()
	if err != nil {
		t.Fatal(err)
	}
	if len(sections) != NumSections {
		t.Fatalf("%d sections", len(sections))
	}
	d, err := Decode(e.Meta(), sections)
	if err != nil {
		t.Fatal(err)
	}
	d.Extensions[1].Data = []byte{} // an empty byte string decodes as nil
	if !reflect.DeepEqual(d, e) {
		x, _ := json.MarshalIndent(e, "", " ")
		y, _ := json.MarshalIndent(d, "", " ")
		t.Fatalf("wrote %s\nread %s", x, y)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var again Entry
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&again, e) {
		t.Fatal("the JSON form does not read back to the same entry")
	}
}

// TestDeterministic checks each section against another CBOR implementation.
func TestDeterministic(t *testing.T) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	strict, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	sections, err := full().Sections()
	if err != nil {
		t.Fatal(err)
	}
	for s, b := range sections {
		var again []byte
		for rest := b; len(rest) > 0; {
			var v any
			if rest, err = strict.UnmarshalFirst(rest, &v); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
			item, err := mode.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			again = append(again, item...)
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%s is not core deterministic: %v\n%x\n%x", s, err, b, again)
		}
	}
}

// TestSubsets reads every subset of the sections and finds in it just what lies
// there.
func TestSubsets(t *testing.T) {
	e := full()
	all, err := e.Sections()
	if err != nil {
		t.Fatal(err)
	}
	for mask := range 1 << NumSections {
		given := maps.Clone(all)
		for s := range given {
			if mask&(1<<s) == 0 {
				given[s] = nil
			}
		}
		d, err := Decode(e.Meta(), given)
		if err != nil {
			t.Fatalf("%06b: %v", mask, err)
		}
		if n := NumSections - len(d.Missing); n != popcount(mask) {
			t.Errorf("%06b: %d sections missing", mask, len(d.Missing))
		}
		if known := d.Minutes != 0; known != (mask&1 != 0) {
			t.Errorf("%06b: core known: %v", mask, known)
		}
		if got := len(d.Allergies) > 0; got != (mask&(1<<SectionSummary) != 0) {
			t.Errorf("%06b: allergies: %v", mask, got)
		}
	}
}

func popcount(n int) int {
	c := 0
	for ; n != 0; n &= n - 1 {
		c++
	}
	return c
}

func TestCodes(t *testing.T) {
	for _, c := range []struct {
		at      terms.Slot
		system  terms.System
		value   string
		content string
	}{
		{terms.Findings, terms.ICD10, "I10", "00"},
		{terms.Findings, terms.SNOMED, "38341003", "1864"},
		{terms.Observations, terms.LOINC, "85354-9", "00"},
		{terms.Acts, terms.LOINC, "85354-9", "821200"},                                                         // a row of another slot
		{terms.Observations, terms.LOINC, "99999-5", "3a000186b7"},                                             // not in the table
		{terms.Observations, terms.LOINC, "8480-5", "820366383438302d35"},                                      // wrong check digit
		{terms.Observations, terms.LOINC, "08480-6", "82036730383438302d36"},                                   // leading zero
		{terms.Observations, terms.LOINC, "LA6576-8", "8203684c41363537362d38"},                                // answer code
		{terms.Findings, terms.LOINC, "99999-5", "82031a0001869f"},                                             // of another system than the slot's
		{terms.Findings, terms.SNOMED, "428191000124101999", "3b05f13d722a6a9587"},                             // a long one
		{terms.Findings, terms.SNOMED, "0123", "82046430313233"},                                               // leading zero
		{terms.Acts, terms.SNOMED, "9999999999999999999", "820473" + "39393939393939393939393939393939393939"}, // too long a number
		{terms.Vaccines, terms.CVX, "09", "3821"},
		{terms.Vaccines, terms.CVX, "8", "82066138"},
		{terms.Vaccines, terms.CVX, "999", "3903ff"},
		{terms.Medicines, terms.RxNorm, "999", "3903ff"},
		{terms.Findings, terms.ICD10, "E11.9", "8201654531312e39"},
		{terms.Medicines, terms.ATC, "A10BA99", "82026741313042413939"},
		{terms.Acts, terms.Text, "a stroll", "820068612073747 26f6c6c"},
		{terms.Findings, terms.Newer, "3.0.600", "190258"},
	} {
		w := newWriter(Epoch)
		w.code(c.at, Code{System: c.system, Value: c.value})
		if got := hex.EncodeToString(w.b); got != strings.ReplaceAll(c.content, " ", "") {
			t.Errorf("%s %s: %s, want %s", c.system, c.value, got, c.content)
		}
		r := newReader(w.b, Epoch)
		r.edition = w.edition
		if got := r.code(c.at); r.end() != nil || got.Value != c.value || got.System != c.system {
			t.Errorf("%s %s reads back as %v, %v", c.system, c.value, got, r.err)
		}
	}
}

// TestEditions writes with a later table and reads with an earlier one, and
// the other way round.
func TestEditions(t *testing.T) {
	first := terms.Current()
	second, err := first.Extend("act\tdhamani\tfirst-aid\t-\tإسعاف\tفریاگوزاری\tFirst aid\n")
	if err != nil {
		t.Fatal(err)
	}
	aid := Code{System: terms.Own, Value: "first-aid"}
	e := &Entry{Start: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Minutes: defaultMinutes, Type: &aid}
	with := func(table *terms.Table) []byte {
		w := newWriter(e.Start)
		w.table, w.limit = table, table.Edition
		w.section(e, SectionClinical, true)
		return w.b
	}
	old, young := with(first), with(second)
	row := uint64(first.Len(terms.Acts))
	if want := []byte{keyEdition, 2, keyType, 24, byte(row)}; !bytes.Equal(young, want) {
		t.Errorf("%x, want %x", young, want)
	}
	d, err := Decode(e.Meta(), map[Section][]byte{SectionClinical: young})
	if err != nil {
		t.Fatal(err)
	}
	if want := terms.NewerCode(2, terms.Acts, uint32(row)); *d.Type != want {
		t.Errorf("the older table reads %v, want %v", *d.Type, want)
	}
	if again, err := d.Sections(); err != nil || !bytes.Equal(again[SectionClinical], young) {
		t.Errorf("what the older table read is written as %x, %v", again, err)
	}
	for _, b := range [][]byte{old, young} {
		r := newReader(b, e.Start)
		r.table = second
		got := readEntry{Entry: Entry{Start: e.Start}}
		if _, err := r.section(&got, SectionClinical, true); err != nil || got.Type == nil || *got.Type != aid {
			t.Errorf("the later table reads %x as %v, %v", b, got.Type, err)
		}
		w := newWriter(e.Start)
		w.table, w.limit = second, r.edition
		if w.section(&got.Entry, SectionClinical, true); !bytes.Equal(w.b, b) {
			t.Errorf("the later table writes %x again as %x", b, w.b)
		}
	}
}

func TestDecimals(t *testing.T) {
	for _, c := range []struct {
		in, out string
		exact   bool
	}{
		{"7", "7", true},
		{"7.0", "7.0", true},
		{"-0.05", "-0.05", true},
		{"0", "0", true},
		{"1e3", "1000", true},
		{"1.5E-3", "0.0015", true},
		{"12.34567890123", "12.345678901", false},
		{"0.9999999996", "1.000000000", false},
		{"123456789012345.6", "123456789012346", false},
		{"1.0000000000", "1.000000000", true},
	} {
		d, exact, err := ParseDecimal(c.in)
		if err != nil || d.String() != c.out || exact != c.exact {
			t.Errorf("%s: %s %v %v", c.in, d, exact, err)
		}
	}
	for _, in := range []string{"", "-", "+1", ".5", "1e99", "0x1", "1 ", "NaN", "9999999999999999999", strings.Repeat("1", 65)} {
		if d, _, err := ParseDecimal(in); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q reads as %s, %v", in, d, err)
		}
	}
	if q := NewQuantity(15, 2, "kg"); q.Value.String() != "1500" {
		t.Error(q)
	}
}

func TestMoments(t *testing.T) {
	for in, out := range map[string]string{
		"": "", "1987": "1987", "2026-02": "2026-02", "2026-02-28": "2026-02-28",
		"2026-02-28T11:15:59.9+03:00": "2026-02-28T08:15:00Z", "1943-07-05T21:51:36Z": "1943-07-05T21:51:00Z",
	} {
		m, err := ParseMoment(in)
		if err != nil || m.String() != out {
			t.Errorf("%s: %s %v", in, m, err)
		}
	}
	for _, in := range []string{"2026-13", "2026-02-30", "yesterday", "0001", "2026-02-28T25:00:00Z", "99999"} {
		if m, err := ParseMoment(in); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s reads as %s, %v", in, m, err)
		}
	}
}

func TestSplit(t *testing.T) {
	e := &Entry{Start: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Minutes: 600, Class: ClassInpatient, Cost: &Cost{Total: Int(5)}}
	for i := range 300 {
		o := Observation{Code: Code{System: terms.LOINC, Value: "718-7"}, Value: Value{Quantity: NewQuantity(int64(i), -1, "g/dL")}}
		e.Observations = append(e.Observations, o)
		if len(e.Panels) == 0 {
			e.Panels = []Panel{{Code: o.Code, Conclusion: "c"}}
		}
		e.Panels[0].Observations = append(e.Panels[0].Observations, o)
		e.Notes = append(e.Notes, Note{Text: strings.Repeat("x", i+1)})
	}
	e.Normalise()
	var back Entry
	parts := Split(e, MaxContent)
	for i, p := range parts {
		n, err := p.Size()
		if err != nil || n > MaxContent {
			t.Fatalf("part %d: %d bytes, %v", i, n, err)
		}
		if int(p.Part) != i || p.Class != e.Class || p.Minutes != e.Minutes || !p.Start.Equal(e.Start) || (p.Cost != nil) != (i == 0) {
			t.Errorf("part %d has another core: %+v", i, p)
		}
		back.Observations = append(back.Observations, p.Observations...)
		back.Notes = append(back.Notes, p.Notes...)
		for _, x := range p.Panels {
			back.Panels = append(back.Panels, Panel{})
			back.Panels[0].Observations = append(back.Panels[0].Observations, x.Observations...)
			if x.Conclusion != "" {
				back.Panels[0].Conclusion += x.Conclusion
			}
		}
	}
	if !reflect.DeepEqual(back.Observations, e.Observations) || !reflect.DeepEqual(back.Notes, e.Notes) ||
		!reflect.DeepEqual(back.Panels[0].Observations, e.Panels[0].Observations) || back.Panels[0].Conclusion != "c" {
		t.Error("items were lost or moved")
	}
	small := full()
	if got := Split(small, MaxContent); len(got) != 1 || got[0] != small {
		t.Error("an entry that fits was split")
	}
}

func TestIdentityRefuses(t *testing.T) {
	id := &Identity{}
	if _, err := id.Encode(); !errors.Is(err, ErrInvalid) {
		t.Error("identity without a name:", err)
	}
	id.Names.Latin = &Name{Given: []string{"A"}}
	for range 15 {
		id.Family = append(id.Family, Member{Names: Names{Latin: &Name{Family: strings.Repeat("x", 160)}}})
	}
	if _, err := id.Encode(); !errors.Is(err, ErrInvalid) {
		t.Error("identity that is too long:", err)
	}
	for _, b := range []string{"", "a0", "a101a0", "a101a10381f6", "a101a1038141", "a101a1038261610a"} {
		raw, _ := hex.DecodeString(b)
		if _, err := DecodeIdentity(raw); !errors.Is(err, ErrFormat) {
			t.Errorf("identity %s: %v", b, err)
		}
		if _, err := DecodeCover(raw); !errors.Is(err, ErrFormat) {
			t.Errorf("cover %s: %v", b, err)
		}
	}
}
