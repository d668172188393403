package terms

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/record/ucum"
)

func TestMaps(t *testing.T) {
	for _, c := range []struct {
		code Code
		to   func(Code) []string
		want []string
	}{
		{Code{RxNorm, "313782"}, ToATC, []string{"N02BE01"}},
		{Code{RxNorm, "562251"}, ToATC, []string{"J01CR02", "J01CA04"}},
		{Code{RxNorm, "1049221"}, ToATC, []string{"N02AJ17", "N02AA05", "N02BE01"}},
		{Code{ATC, "J01CR02"}, ToATC, []string{"J01CR02", "J01CA04"}},
		{Code{ATC, "N02BE01"}, ToATC, []string{"N02BE01"}},
		{Code{SNOMED, "91936005"}, ToATC, []string{"J01C"}},
		{Code{SNOMED, "91936005"}, ToICD10, []string{"Z88.0"}},
		{Code{ICD10, "Z88.0"}, ToATC, []string{"J01C"}},
		{Code{SNOMED, "44054006"}, ToICD10, []string{"E11.9"}},
		{Code{ICD10, "E11"}, ToICD10, []string{"E11"}},
		{Code{RxNorm, "1"}, ToATC, nil},
		{Code{Text, "E11"}, ToICD10, nil},
	} {
		if got := c.to(c.code); !slices.Equal(got, c.want) {
			t.Errorf("%s stands for %v, want %v", c.code, got, c.want)
		}
	}
}

// TestFactsFit holds the facts to the rows: what a row stands for is of the
// system of its slot, and a substance can be converted from its row's unit.
func TestFactsFit(t *testing.T) {
	base := Base()
	for m, list := range base.facts.maps {
		if m.to != ICD10 && m.to != ATC {
			t.Errorf("%s is mapped to %s", m.from, m.to)
		}
		for _, c := range list {
			if m.to == ATC && (len(c.Value) < 4 || len(c.Value) > 7) || m.to == ICD10 && (len(c.Value) < 3 || len(c.Value) > 5) {
				t.Errorf("%s stands for %s", m.from, c)
			}
		}
	}
	for c := range base.facts.masses {
		if s, n, _, ok := base.Find(c); !ok || s != Observations || base.Row(s, n).Unit == "" && c.Value != "25428-4" && c.Value != "2349-9" {
			t.Errorf("the mass of %s, which has no unit", c)
		}
	}
	for n := range base.Len(Observations) {
		if row := base.Row(Observations, uint32(n)); !ucum.Valid(row.Unit) {
			t.Errorf("%s is measured in %q, which is no unit", row.Code, row.Unit)
		}
	}
	rx := 0
	for n := range base.Len(Medicines) {
		if row := base.Row(Medicines, uint32(n)); row.Code.System == RxNorm && len(ToATC(row.Code)) > 0 {
			rx++
		} else if row.Code.System == RxNorm {
			t.Errorf("%s has no code of ATC", row.Code)
		}
	}
	if rx < 10 {
		t.Errorf("%d rows of RxNorm", rx)
	}
}

// TestSensitiveRows holds the marks of the rows to the classes: a row says of
// itself what the classes say of it.
func TestSensitiveRows(t *testing.T) {
	base, marked := Base(), 0
	for s := range NumSlots {
		for n := range base.Len(s) {
			row := base.Row(s, uint32(n))
			if Sensitive(row.Code) != row.Sensitive {
				t.Errorf("%s, %s: marked %v", row.Code, row.Display[English], row.Sensitive)
			}
			if row.Sensitive {
				marked++
			}
		}
	}
	if marked < 100 {
		t.Errorf("%d sensitive rows", marked)
	}
	for _, c := range []Code{
		{ICD10, "A54.9"},
		{ICD10, "O04"},
		{ICD10, "X61"},
		{ICD10, "B18.2"},
		{ATC, "N05BA01"},
		{ATC, "G03AD01"},
		{ATC, "J05AX08"},
		{ATC, "N02AA05"},
		{RxNorm, "748879"},
		{RxNorm, "328670"},
		{SNOMED, "35999006"},
		{SNOMED, "76272004"},
		{LOINC, "5195-3"},
	} {
		if !Sensitive(c) {
			t.Errorf("%s is not sensitive", c)
		}
	}
	for _, c := range []Code{
		{ICD10, "G40"},
		{ICD10, "A15"},
		{ICD10, "Z34"},
		{ICD10, "B15"},
		{ATC, "J07BC01"},
		{ATC, "N03AF01"},
		{ATC, "N02BE01"},
		{ATC, "N01AX03"},
		{RxNorm, "313782"},
		{SNOMED, "44054006"},
		{LOINC, "2106-3"},
		{Text, "N05A"},
		{LOINC, "F"},
	} {
		if Sensitive(c) {
			t.Errorf("%s is sensitive", c)
		}
	}
}

func TestConvert(t *testing.T) {
	for _, c := range []struct {
		loinc, from, to string
		value, want     float64
	}{
		{"2345-7", "mg/dL", "mmol/L", 100, 5.551},
		{"2345-7", "mmol/L", "mg/dL", 5.551, 100},
		{"2093-3", "mg/dL", "mmol/L", 200, 5.173},
		{"2571-8", "mmol/L", "mg/dL", 1.7, 150.6},
		{"2160-0", "mg/dL", "umol/L", 1, 88.4},
		{"3094-0", "mg/dL", "mmol/L", 14, 5.0},
		{"3091-6", "mg/dL", "mmol/L", 30, 5.0},
		{"17861-6", "mg/dL", "meq/L", 10, 4.99},
		{"2823-3", "meq/L", "mmol/L", 4.2, 4.2},
		{"718-7", "g/dL", "mmol/L", 15, 9.308},
		{"1975-2", "mg/dL", "umol/L", 1, 17.1},
		{"1989-3", "ng/mL", "nmol/L", 30, 74.88},
		{"4548-4", "%", "mmol/mol", 7, 53},
		{"59261-8", "mmol/mol", "%", 53, 7},
		{"20448-7", "u[IU]/mL", "pmol/L", 10, 60},
		{"14959-1", "mg/g", "mg/mmol", 30, 3.39},
		{"29463-7", "kg", "[lb_av]", 70, 154.3},
	} {
		got, err := Convert(Code{LOINC, c.loinc}, c.value, c.from, c.to)
		if err != nil || math.Abs(got-c.want) > 2e-3*c.want {
			t.Errorf("%s: %v %s is %v %s (%v), want %v", c.loinc, c.value, c.from, got, c.to, err, c.want)
		}
	}
	if _, err := Convert(Code{LOINC, "1988-5"}, 1, "mg/L", "mmol/L"); !errors.Is(err, ucum.ErrCommensurable) {
		t.Error(err)
	}
	if _, err := Convert(Code{LOINC, "4548-4"}, 1, "%", "x"); !errors.Is(err, ucum.ErrUnit) {
		t.Error(err)
	}
}

// TestOtherWords finds a code by what it is also called: in the first edition,
// and as a later one has it, which takes the place of what was said before.
func TestOtherWords(t *testing.T) {
	for c := range base.facts.also {
		if _, _, _, ok := base.Find(c); !ok {
			t.Errorf("other words for %s, which has no row", c)
		}
	}
	next, err := base.Extend("also\ticd10\tR17\tjohn yellow; زەردوویی پێست\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"john yel", "زەردوویی پێست", "jaundice"} {
		if found := next.Search(q, 1); len(found) != 1 || found[0].Code != (Code{ICD10, "R17"}) || found[0].Display[English] != "Jaundice" {
			t.Errorf("%q finds %v", q, found)
		}
	}
	if found := next.Search("icterus", 1); len(found) != 0 {
		t.Errorf("a name that was taken away finds %v", found)
	}
	if found := base.Search("icterus", 1); len(found) != 1 {
		t.Error("the edition before has lost a name")
	}
}

func TestExtendFacts(t *testing.T) {
	base := Base()
	next, err := base.Extend("map\trxnorm\t99\tatc\tN02BE01 R06AA02\nmap\trxnorm\t313782\tatc\tN02BE51\nmass\tloinc\t1988-5\t23000\t0\nline\tloinc\t1988-5\tmg/L\t{score}\t2\t-1\n")
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string][]string{"99": {"N02BE01", "R06AA02"}, "313782": {"N02BE51"}} {
		if got := next.to(Code{RxNorm, value}, ATC); !slices.Equal(got, want) {
			t.Errorf("%s stands for %v", value, got)
		}
	}
	if got := base.to(Code{RxNorm, "313782"}, ATC); !slices.Equal(got, []string{"N02BE01"}) {
		t.Errorf("the edition before says %v", got)
	}
	for _, text := range []string{
		"map\trxnorm\t99\tatc\t\n", "map\trxnorm\t99\tnosuch\tA\n", "map\ttext\ta\tatc\tA\n", "map\trxnorm\t99\tatc\tA  B\n",
		"map\tatc\tA\tatc\tA\n", "map\trxnorm\t99\tatc\t" + strings.Repeat("A ", maxMapped) + "A\n",
		"mass\tloinc\t1-8\tx\t0\n", "mass\tloinc\t1-8\t-1\t0\n", "mass\tloinc\t1-8\t1\t16\n", "mass\tloinc\t1-8\t1e3\t1\n",
		"line\tloinc\t1-8\tmg\tx\t1\t0\n", "line\tloinc\t1-8\tmg\tmg\t1\t0\n", "line\tloinc\t1-8\tmg\tg\t0\t0\n", "line\tloinc\t1-8\tmg\tg\t1\n",
		"map\n",
	} {
		if _, err := base.Extend(text); !errors.Is(err, ErrTable) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
