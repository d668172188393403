package ucum

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestValid(t *testing.T) {
	for _, s := range []string{
		"", "mg/dL", "mg/dl", "mmol/L", "mm[Hg]", "{score}", "kg/m2", "10*3/uL", "10*-6", "mL/min/{1.73_m2}", "m[IU]/L", "u[iU]/mL",
		"/min", "/[HPF]", "%", "%{vol}", "Cel", "[degF]", "mg/(24.h)", "[pH]", "[in_i]", "[lb_av]", "mosm/kg", "cm[H2O]", "J/(s.m2)",
		"s-1", "m+2", "10^9/L", "umol/(min.L)", "mg{creat}/g", "dam", "2.mg", "g%", "ng{FEU}/mL", "{a}.{b}",
	} {
		if !Valid(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{
		"x", "mg/", "mg//dL", "/", "(mg", "mg)", "((((((mg))))))", "mg/dL ", " mg", "{", "{}", "{a b}", "{ä}", "m41", "m-41", "m0",
		"kmin", "mCel", "Cel/min", "0", "0.mg", "(score)", "mg{a", "mgdL", "µg", "10*309", "m2.m39", "[in_i", "(score", "()", "mg()",
		strings.Repeat("m.", 32) + "m", "{a}{b}", "1/0", "99999999999.m", "m--2",
	} {
		if _, err := Parse(s); !errors.Is(err, ErrUnit) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestConvert(t *testing.T) {
	glucose := Substance{Mass: 180.156}
	for _, c := range []struct {
		substance Substance
		value     float64
		from, to  string
		want      float64
	}{
		{Substance{}, 1, "g/dL", "g/L", 10},
		{Substance{}, 5, "10*3/uL", "10*9/L", 5},
		{Substance{}, 4.5, "10*6/uL", "10*12/L", 4.5},
		{Substance{}, 7, "10*3/uL", "{cells}/uL", 7000},
		{Substance{}, 37, "Cel", "[degF]", 98.6},
		{Substance{}, 98.6, "[degF]", "Cel", 37},
		{Substance{}, 37, "Cel", "K", 310.15},
		{Substance{}, 760, "mm[Hg]", "kPa", 101.32472},
		{Substance{}, 1, "[lb_av]", "kg", 0.45359237},
		{Substance{}, 2, "u[IU]/mL", "m[IU]/L", 2},
		{Substance{}, 100, "U/L", "ukat/L", 1.6666667},
		{Substance{}, 1, "wk", "d", 7},
		{Substance{}, 50, "%", "[ppth]", 500},
		{Substance{}, 20, "mg/(24.h)", "g/d", 0.02},
		{Substance{}, 5, "{score}", "{score}", 5},
		{Substance{}, 5, "nonsense", "nonsense", 5},
		{glucose, 90, "mg/dL", "mmol/L", 4.99567},
		{glucose, 5.5, "mmol/L", "mg/dL", 99.0858},
		{Substance{Mass: 40.078, Charge: 2}, 4.8, "meq/L", "mmol/L", 2.4},
		{Substance{Mass: 40.078, Charge: 2}, 2.4, "mmol/L", "meq/L", 4.8},
		{Substance{Mass: 40.078, Charge: 2}, 5, "meq/L", "mg/dL", 10.0195},
		{Substance{Mass: 113.12}, 30, "mg/g", "mg/mmol", 3.3936},
	} {
		got, err := c.substance.Convert(c.value, c.from, c.to)
		if err != nil || math.Abs(got-c.want) > 1e-4*math.Abs(c.want) {
			t.Errorf("%v %s is %v %s (%v), want %v", c.value, c.from, got, c.to, err, c.want)
		}
	}
	for _, c := range [][2]string{
		{"mg/dL", "mmol/L"},
		{"meq/L", "mmol/L"},
		{"mosm/kg", "mmol/kg"},
		{"[IU]/L", "U/L"},
		{"{score}", "{ratio}"},
		{"{score}", ""},
		{"mL/min", "mL/min/{1.73_m2}"},
		{"kg", "cm"},
		{"[pH]", ""},
		{"[IU]", "mg"},
	} {
		if _, err := Convert(1, c[0], c[1]); !errors.Is(err, ErrCommensurable) {
			t.Errorf("%s to %s: %v", c[0], c[1], err)
		}
	}
	for _, c := range [][2]string{{"x", "mg"}, {"mg", "x"}} {
		if _, err := Convert(1, c[0], c[1]); !errors.Is(err, ErrUnit) {
			t.Errorf("%s to %s: %v", c[0], c[1], err)
		}
	}
}

func TestNormal(t *testing.T) {
	for in, want := range map[string]string{
		"mg/dl": "mg/dL", "MG/DL": "mg/dL", "mmHg": "mm[Hg]", "mm[Hg]": "mm[Hg]", "µmol/L": "umol/L", "μg": "ug", "mcg": "ug", "x10^9/L": "10*9/L",
		"10^3/uL": "10*3/uL", "10e3/uL": "10*3/uL", "K/uL": "10*3/uL", "mIU/L": "m[IU]/L", "IU/mL": "[IU]/mL", "uIU/ml": "u[IU]/mL", "°C": "Cel",
		"bpm": "/min", "ml/min/1.73m²": "mL/min/{1.73_m2}", "kg/m²": "kg/m2", " mg ": "mg", "(score)": "{score}", "Pa": "Pa", "MPa": "MPa",
		"U/L": "U/L", "u/l": "U/L", "Mg": "Mg", "cd": "cd", "Hz": "Hz", "": "", "mosm/kg": "mosm/kg", "L/min": "L/min", "M": "",
		"mm Hg": "mm[Hg]", "IU/l": "[IU]/L", "g/100 mL": "g/dL", "Gm/dl": "g/dL", "mg%": "mg%", "mg/24 hrs": "mg/(24.h)", "tabs": "{tbl}", "C": "Cel",
		"x 10^9/L": "10*9/L", "×10⁹/L": "10*9/L", "10¹²/l": "10*12/L", "X10E3/µL": "10*3/uL", "x10(3)/uL": "10*3/uL", "10*3/mm3": "10*3/uL", "x10^3/mm3": "10*3/uL",
		"cells/uL": "{cells}/uL", "cells/µL": "{cells}/uL", "cells/cumm": "{cells}/uL", "/cumm": "/uL", "/ul": "/uL", "million/uL": "10*6/uL",
		"ｍｇ／ｄＬ": "mg/dL", "mmol／L": "mmol/L", "kg/m^2": "kg/m2", "ml/min/1.73 m^2": "mL/min/{1.73_m2}", "º C": "Cel", "mm/1st hr": "mm/h",
		"ملغ/دل": "mg/dL", "ملغم / ديسيلتر": "mg/dL", "غم/دل": "g/dL", "مليمول/لتر": "mmol/L", "وحدة دولية/لتر": "[IU]/L", "ملم زئبق": "mm[Hg]", "نبضة/دقيقة": "/min",
		"كغم": "kg", "کگم": "kg", "سم": "cm", "مل": "mL", "مكغ": "ug", "٪": "%", "١٠^٩/L": "10*9/L", "حبة": "{tbl}", "خلية/µL": "{cells}/uL", "م°": "Cel",
		// What is not clear stays as it is.
		"µ/L": "", "G/L": "", "ML": "ML", "T/L": "", "109/L": "109/L", "lakh/cumm": "", "م": "", "µ": "", "mg/": "", "x10": "", "دل": "",
	} {
		got, ok := Normal(in)
		if ok != (want != "" || in == "") || ok && got != want {
			t.Errorf("%q is %q, %v, want %q", in, got, ok, want)
		}
	}
	for s, unit := range spellings {
		if !Valid(unit) {
			t.Errorf("%q stands for %q, which is no unit", s, unit)
		}
		if key, _ := plainly(s); key != s {
			t.Errorf("%q is looked for as %q", s, key)
		}
	}
	for _, unit := range common {
		if got, ok := Normal(unit); !ok || got != unit || !Valid(unit) {
			t.Errorf("%q became %q, %v", unit, got, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"mg/dL", "10*-6.{a}/(24.h)", "m[IU]2/{1.73_m2}", "((m2))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := Parse(s)
		if err != nil {
			return
		}
		if !(u.factor > 0) || math.IsInf(u.factor, 0) || len(s) > MaxUnit {
			t.Fatalf("%q has the factor %v", s, u.factor)
		}
		if n, ok := Normal(s); !ok || !Valid(n) {
			t.Fatalf("%q became %q, which is no unit", s, n)
		} else if again, ok := Normal(n); !ok || again != n {
			t.Fatalf("%q became %q, and that %q", s, n, again)
		}
		if again, err := Parse("1.(" + s + ")"); s != "" && s[0] != '/' && u.offset == 0 && err == nil && again.dims != u.dims {
			t.Fatalf("%q in parentheses is another unit", s)
		}
	})
}

func BenchmarkConvert(b *testing.B) {
	glucose := Substance{Mass: 180.156}
	for b.Loop() {
		if _, err := glucose.Convert(90, "mg/dL", "mmol/L"); err != nil {
			b.Fatal(err)
		}
	}
}
