package ucum

import (
	"maps"
	"strings"
)

// common are the units that Normal recognises in another spelling.
var common = []string{
	"mg/dL", "g/dL", "ug/dL", "ng/dL", "mmol/L", "umol/L", "nmol/L", "pmol/L", "meq/L", "mg/L", "ug/L", "ng/L", "g/L",
	"ng/mL", "pg/mL", "ug/mL", "mg/mL", "U/L", "kU/L", "U/mL", "[IU]/L", "[IU]/mL", "m[IU]/L", "m[IU]/mL", "u[IU]/mL",
	"k[IU]/L", "mm[Hg]", "kPa", "10*3/uL", "10*6/uL", "10*9/L", "10*12/L", "fL", "pg", "mg/g", "mg/mmol", "mmol/mol",
	"mL/min", "mL/min/{1.73_m2}", "kg/m2", "mm/h", "/min", "/[HPF]", "L/min", "mg/kg", "mosm/kg", "mmol/kg",
	"kg", "g", "mg", "ug", "ng", "mL", "L", "cm", "mm", "s", "min", "h", "wk", "[IU]", "%", "{score}",
}

// spellings are what people and machines write for a unit, in lower case.
var spellings = func() map[string]string {
	m := map[string]string{
		"mmhg": "mm[Hg]", "bpm": "/min", "beats/min": "/min", "breaths/min": "/min", "/minute": "/min",
		"°c": "Cel", "celsius": "Cel", "deg c": "Cel", "°f": "[degF]", "deg f": "[degF]", "fahrenheit": "[degF]",
		"k/ul": "10*3/uL", "thou/ul": "10*3/uL", "/hpf": "/[HPF]", "percent": "%", "pct": "%", "cc": "mL", "(score)": "{score}",
		"gm": "g", "gms": "g", "gm/dl": "g/dL", "kgs": "kg", "lb": "[lb_av]", "lbs": "[lb_av]", "in": "[in_i]", "inch": "[in_i]",
		"sec": "s", "hr": "h", "hrs": "h", "iu": "[IU]", "units": "U", "mm/hr": "mm/h",
		"ml/min/1.73m2": "mL/min/{1.73_m2}", "ml/min/1.73 m2": "mL/min/{1.73_m2}", "ml/min/{1.73m2}": "mL/min/{1.73_m2}",
	}
	for _, unit := range common {
		lower := strings.ToLower(unit)
		m[lower] = unit
		m[strings.NewReplacer("[iu]", "iu").Replace(lower)] = unit
		m[strings.NewReplacer("10*", "10^").Replace(lower)] = unit
		m[strings.NewReplacer("10*", "x10^").Replace(lower)] = unit
		m[strings.NewReplacer("10*", "10e").Replace(lower)] = unit
	}
	return m
}()

// likeOther are letters written for others: the two characters that mean micro,
// and raised figures.
var likeOther = strings.NewReplacer("µ", "u", "μ", "u", "mcg", "ug", "²", "2", "³", "3", "⁶", "6", "⁹", "9")

// misread are spellings that the code reads as something that nobody measures:
// kelvins in a volume, atomic masses in one.
var misread = map[string]string{
	"K/uL": "10*3/uL", "u/L": "U/L", "u/l": "U/L", "u/mL": "U/mL", "u/ml": "U/mL", "ku/L": "kU/L", "ku/l": "kU/L",
}

// Normal returns the unit that s means: s itself when Parse reads it, or the
// unit that is commonly written so (mg/dl, mmHg, µmol/L, x10^9/L, °C). False
// when it means none that is known.
func Normal(s string) (string, bool) {
	if len(s) > MaxUnit {
		return "", false
	}
	s = strings.TrimSpace(s)
	if unit, ok := misread[s]; ok {
		return unit, true
	}
	unit, ok := spellings[strings.ToLower(likeOther.Replace(s))]
	u, err := Parse(s)
	if err != nil {
		return unit, ok
	}
	// Case tells some units apart: mg/dl is mg/dL, but Mg is not mg.
	if v, err := Parse(unit); ok && err == nil && u.dims == v.dims && u.factor == v.factor && maps.Equal(u.marks, v.marks) {
		return unit, true
	}
	return s, true
}
