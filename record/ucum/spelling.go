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
	"mL/min", "mL/min/{1.73_m2}", "kg/m2", "mm/h", "/min", "/[HPF]", "L/min", "mg/kg", "mosm/kg", "mmol/kg", "/uL",
	"kg", "g", "mg", "ug", "ng", "mL", "L", "cm", "mm", "s", "min", "h", "wk", "[IU]", "%", "{score}",
}

// spellings are what people and machines write for a unit, as plainly returns
// it.
var spellings = func() map[string]string {
	m := make(map[string]string)
	for unit, list := range map[string]string{
		"mm[Hg]": "mmhg mmofhg", "/min": "bpm beats/min beat/min beats/minute breaths/min breaths/minute /minute", "%": "percent pct",
		"Cel": "°c degc celsius ℃", "[degF]": "°f degf fahrenheit ℉", "mL": "cc millilitre milliliter", "g": "gm gms gram grams", "mg": "mgs",
		"kg": "kgs", "g/dL": "gm/dl g/100ml gm/100ml", "mg/dL": "mg/100ml", "[lb_av]": "lb lbs", "[in_i]": "in inch", "s": "sec secs second seconds",
		"min": "minute minutes mins", "h": "hr hrs hour hours", "d": "day days", "wk": "week weeks", "[IU]": "iu", "U": "units",
		"10*3/uL":    "k/ul thou/ul thousand/ul k/mm3 10*3/mm3 10^3/mm3 x10^3/mm3 10^3/cumm x10^3/cumm",
		"10*6/uL":    "million/ul mill/ul 10*6/mm3 10^6/mm3 x10^6/mm3 10^6/cumm x10^6/cumm",
		"/[HPF]":     "/hpf perhpf",
		"{score}":    "(score)",
		"/uL":        "/mm3 /cumm /cmm",
		"mm/h":       "mm/hr mm/hour mm/1h mm/1hr mm/1sthr mm/1sthour",
		"{tbl}":      "tablet tablets tab tabs",
		"{puff}":     "puff puffs",
		"[drp]":      "drop drops gtt",
		"mg/(24.h)":  "mg/24h mg/24hr mg/24hrs mg/day",
		"{cells}/uL": "cells/ul cell/ul cells/mm3 cell/mm3 cells/cumm cells/cmm", "{capsule}": "capsule capsules cap caps",
		"mL/min/{1.73_m2}": "ml/min/1.73m2 ml/min/{1.73m2} ml/min/1.73sqm",
	} {
		for s := range strings.FieldsSeq(list) {
			m[s] = unit
		}
	}
	for _, unit := range common {
		lower := strings.ToLower(unit)
		m[lower] = unit
		m[strings.ReplaceAll(lower, "[iu]", "iu")] = unit
		if _, count, ok := strings.Cut(lower, "10*"); ok {
			power, per, _ := strings.Cut(count, "/")
			for _, ten := range []string{"10*", "10**", "10^", "10e", "10("} {
				end := strings.Repeat(")", strings.Count(ten, "("))
				m[ten+power+end+"/"+per], m["x"+ten+power+end+"/"+per] = unit, unit
			}
		}
	}
	return m
}()

// misread are spellings that the code reads as something that nobody measures:
// kelvins in a volume, atomic masses in one, gigametres in one, electric charges.
var misread = map[string]string{
	"K/uL": "10*3/uL", "u/L": "U/L", "u/l": "U/L", "u/mL": "U/mL", "u/ml": "U/mL", "ku/L": "kU/L", "ku/l": "kU/L",
	"Gm": "g", "Gm/dL": "g/dL", "Gm/dl": "g/dL", "C": "Cel",
}

// unclear are spellings that mean one thing here and another there: who writes
// G/L in French counts thousand millions.
var unclear = map[string]bool{"G/L": true, "G/l": true}

// Normal returns the unit that s means: s itself when Parse reads it, or the
// unit that is commonly written so (mg/dl, mmHg, µmol/L, x10^9/L, °C, ملغم/دل).
// False when it means none that is known.
func Normal(s string) (string, bool) {
	if len(s) > MaxUnit {
		return "", false
	}
	s = strings.TrimSpace(s)
	if unit, ok := misread[s]; ok {
		return unit, true
	}
	if unclear[s] {
		return "", false
	}
	key, micro := plainly(s)
	unit, ok := spellings[key]
	if micro && !strings.Contains(unit, "u") {
		unit, ok = "", false // a micro of nothing
	}
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
