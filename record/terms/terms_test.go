package terms

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	base := Base()
	counts := make(map[System]int)
	measured := 0
	for s := range NumSlots {
		if base.Len(s) == 0 {
			t.Errorf("no %s", s)
		}
		for n := range base.Len(s) {
			row := base.Row(s, uint32(n))
			counts[row.Code.System]++
			for i, d := range row.Display {
				if d == "" || d != strings.TrimSpace(d) {
					t.Errorf("%s has no clean display in %s", row.Code, languageTags[i])
				}
			}
			if slot, number, edition, ok := base.Find(row.Code); !ok || slot != s || number != uint32(n) || edition != 1 {
				t.Errorf("%s is not found where it stands", row.Code)
			}
			if s == Observations && row.Category == "" && (row.Unit != "" || len(row.Members) > 0) {
				measured++
			}
			for _, m := range row.Members {
				if slot, _, _, ok := base.Find(m); !ok || slot != Observations {
					t.Errorf("member %s of %s is not in the table", m, row.Code)
				}
			}
		}
	}
	for system, least := range map[System]int{ICD10: 300, ATC: 300, LOINC: 150, CVX: 20} {
		if counts[system] < least {
			t.Errorf("%d terms of %s, fewer than %d", counts[system], system, least)
		}
	}
	if measured < 120 {
		t.Errorf("%d laboratory tests with a unit or members", measured)
	}
	if base.Row(Findings, uint32(base.Len(Findings))) != nil || base.Row(NumSlots, 0) != nil {
		t.Error("a row beyond the end")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		slot Slot
		text string
	}{
		{Findings, "icd10\tE11\n"},
		{Findings, "nosuch\tE11\t-\ta\tb\tc\n"},
		{Findings, "text\tE11\t-\ta\tb\tc\n"},
		{Findings, "icd10\tE11\tx\ta\tb\tc\n"},
		{Findings, "icd10\tE11\t-\ta\tb\t\n"},
		{Findings, "icd10\tE11\t-\ta\tb\tc \n"},
		{Findings, "icd10\tE11\t-\ta\tb\tc\tmg\t-\t-\n"},
		{Findings, "icd10\tE11\t-\ta\tb\tc\nicd10\tE11\t-\ta\tb\tc\n"},
		{Observations, "loinc\t718-7\t-\ta\tb\tc\n"},
		{Observations, "loinc\t718-7\t-\ta\tb\tc\tg/dL x\t-\t-\n"},
		{Observations, "loinc\t718-7\t-\ta\tb\tc\t-\t-\t" + strings.Repeat("1-8 ", 40) + "1-8\n"},
	} {
		table := &Table{Edition: 1}
		if err := table.parse(c.slot, c.text); !errors.Is(err, ErrTable) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

func TestExtend(t *testing.T) {
	base := Base()
	next, err := base.Extend("finding\ticd10\tX59\tc\tأ\tئا\tA new one\nfinding\ticd10\tI10\tc\tأ\tئا\tBetter words\n")
	if err != nil {
		t.Fatal(err)
	}
	slot, number, edition, ok := next.Find(Code{ICD10, "X59"})
	if !ok || slot != Findings || int(number) != base.Len(Findings) || edition != 2 || next.Edition != 2 {
		t.Errorf("the new row stands in %s at %d since %d, %v", slot, number, edition, ok)
	}
	if _, number, edition, _ := next.Find(Code{ICD10, "I10"}); number != 0 || edition != 1 {
		t.Errorf("the changed row went to %d of %d", number, edition)
	}
	for table, words := range map[*Table]string{base: "High blood pressure", next: "Better words"} {
		if row, _ := table.Lookup(Code{ICD10, "I10"}); row.Display[English] != words {
			t.Errorf("edition %d says %q", table.Edition, row.Display[English])
		}
	}
	if next.Digest == base.Digest {
		t.Error("two editions with one digest")
	}
	for _, text := range []string{
		"finding\ticd10\tX59\tc\tأ\tئا\tA new one", "finding\ticd10\tX59\tc\tأ\tئا\n", "\n", "x\n",
		"act\ticd10\tI10\tc\tأ\tئا\tanother slot\n", "nosuch\ticd10\tX59\tc\tأ\tئا\tx\n",
		"finding\ticd10\tX59\tc\tأ\tئا\t\xff\n", strings.Repeat("x", MaxUpdate+1),
	} {
		if _, err := base.Extend(text); !errors.Is(err, ErrTable) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func FuzzExtend(f *testing.F) {
	f.Add("finding\ticd10\tX59\tc\tأ\tئا\tA new one\n")
	f.Fuzz(func(t *testing.T, text string) {
		next, err := Base().Extend(text)
		if err != nil {
			return
		}
		for s := range NumSlots {
			if next.Len(s) < base.Len(s) {
				t.Fatalf("%s lost rows", s)
			}
			for n := range base.Len(s) {
				if next.Row(s, uint32(n)).Code != base.Row(s, uint32(n)).Code {
					t.Fatalf("row %d of %s has another code", n, s)
				}
			}
		}
	})
}

func TestNewer(t *testing.T) {
	c := NewerCode(3, Acts, 700)
	if c.Validate() != nil || c.Value != "3.4.700" {
		t.Error(c)
	}
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back Code
	if err := json.Unmarshal(raw, &back); err != nil || back != c {
		t.Errorf("%s reads back as %v, %v", raw, back, err)
	}
	for _, v := range []string{"", "1.4.700", "3.5.700", "3.4.65536", "03.4.700", "3.4", "3.4.7 ", "+3.4.7"} {
		if err := (Code{System: Newer, Value: v}).Validate(); !errors.Is(err, ErrCode) {
			t.Errorf("%q: %v", v, err)
		}
	}
}

func TestDisplay(t *testing.T) {
	for _, c := range []struct {
		code Code
		lang string
		want string
	}{
		{Code{ICD10, "E11"}, "en", "Type 2 diabetes"},
		{Code{ICD10, "E11.65"}, "en", "Type 2 diabetes"},
		{Code{ICD10, "E11"}, "ckb", "شەکرەی جۆری دوو"},
		{Code{ICD10, "E11"}, "xx", "Type 2 diabetes"},
		{Code{ATC, "J01CA99"}, "en", "Penicillins"},
		{Code{LOINC, "1-8"}, "en", "loinc:1-8"},
		{Code{Text, "a sore toe"}, "ar", "a sore toe"},
	} {
		if got := Display(c.code, c.lang); got != c.want {
			t.Errorf("%v in %s: %s", c.code, c.lang, got)
		}
	}
}

func TestMarks(t *testing.T) {
	for _, v := range []string{"F10.2", "B20", "B24", "Z21"} {
		if !Sensitive(Code{ICD10, v}) {
			t.Errorf("%s is not sensitive", v)
		}
	}
	for _, v := range []string{"B25", "E11", "Z22", "f", ""} {
		if Sensitive(Code{ICD10, v}) {
			t.Errorf("%s is sensitive", v)
		}
	}
	if !Sensitive(Code{SNOMED, "86406008"}) || Sensitive(Code{Text, "F10"}) {
		t.Error("by table or by text")
	}
	if !Chronic(Code{ICD10, "I10"}) || Chronic(Code{ICD10, "J00"}) || !Absent(Code{SNOMED, "716186003"}) {
		t.Error("chronic or absent")
	}
}

func TestCodeJSON(t *testing.T) {
	raw, err := json.Marshal(Code{ICD10, "E11"})
	if err != nil || !strings.Contains(string(raw), `"display":"Type 2 diabetes"`) {
		t.Errorf("%s, %v", raw, err)
	}
	var c Code
	if err := json.Unmarshal([]byte(`{"system":"atc","code":"A10BA02","display":"nonsense"}`), &c); err != nil || c != (Code{ATC, "A10BA02"}) {
		t.Errorf("%v, %v", c, err)
	}
	for _, s := range []string{`{"system":"nosuch","code":"1"}`, `{"system":"atc","code":""}`, `{"system":"atc","code":"a\nb"}`} {
		if err := json.Unmarshal([]byte(s), &c); !errors.Is(err, ErrCode) {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestSystems(t *testing.T) {
	for s := range NumSystems {
		if got, ok := SystemByName(s.String()); !ok || got != s {
			t.Errorf("%s by name: %v", s, got)
		}
		if got, ok := SystemByURI(s.URI()); s != Text && (!ok || got != s) {
			t.Errorf("%s by address: %v", s, got)
		}
	}
	if _, ok := SystemByURI(""); ok {
		t.Error("a system without an address was found")
	}
}
