package terms

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	m, err := parse(table)
	if err != nil {
		t.Fatal(err)
	}
	for c, term := range m {
		for i, d := range term.Display {
			if d == "" || d != strings.TrimSpace(d) {
				t.Errorf("%s has no clean display in %s", c, languageTags[i])
			}
		}
	}
	if len(m) < 300 {
		t.Errorf("%d terms", len(m))
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{
		"icd10\tE11\n", "nosuch\tE11\t-\ta\tb\tc\n", "icd10\tE11\tx\ta\tb\tc\n", "icd10\tE11\t-\ta\tb\t\n",
		"icd10\tE11\t-\ta\tb\tc\nicd10\tE11\t-\ta\tb\tc\n",
	} {
		if _, err := parse(s); err == nil {
			t.Errorf("%q was read", s)
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
