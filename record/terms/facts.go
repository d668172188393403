package terms

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dhamani-iq/dhamani/record/ucum"
)

// Beside its rows the table has facts about codes, rows or not:
//
//	map   SYSTEM CODE SYSTEM "CODE CODE"      the codes that the first stands for in another system
//	mass  SYSTEM CODE GRAMS CHARGE            of a mole of what is measured; 0 is not known
//	line  SYSTEM CODE UNIT UNIT FACTOR OFFSET the second unit's value is factor times the first's, plus offset
//	also  SYSTEM CODE "WORDS; WORDS"          other words, of any language, by which a search finds the code
//
// Stored records do not depend on them: a later edition may change each.

const (
	maxMapped = 8       // codes that one stands for
	maxFacts  = 1 << 17 // of a kind
	maxAlso   = 16      // other words for one code
)

type mapped struct {
	from Code
	to   System
}

type line struct {
	from, to       string
	factor, offset float64
}

// facts are shared by editions: a list is replaced whole.
type facts struct {
	maps   map[mapped][]Code
	masses map[Code]ucum.Substance
	lines  map[Code]line
	also   map[Code][]string
}

// fact reads a line that is no row, false when it is none of the kinds.
func (t *Table) fact(f []string) (bool, error) {
	var ok bool
	switch {
	case f[0] == "map" && len(f) == 5:
		ok = t.addMap(f[1:])
	case f[0] == "mass" && len(f) == 5:
		ok = t.addMass(f[1:])
	case f[0] == "line" && len(f) == 7:
		ok = t.addLine(f[1:])
	case f[0] == "also" && len(f) == 4:
		ok = t.addAlso(f[1:])
	default:
		return false, nil
	}
	if !ok {
		return true, fmt.Errorf("malformed fact: %w", ErrTable)
	}
	return true, nil
}

func coded(system, value string) (Code, bool) {
	s, ok := SystemByName(system)
	c := Code{System: s, Value: value}
	return c, ok && s.Valid() && s != Text && c.Validate() == nil
}

func (t *Table) addMap(f []string) bool {
	from, ok := coded(f[0], f[1])
	target, known := SystemByName(f[2])
	list := strings.Split(f[3], " ")
	if !ok || !known || len(list) > maxMapped || len(t.facts.maps) >= maxFacts {
		return false
	}
	out := make([]Code, 0, len(list))
	for _, v := range list {
		c, ok := coded(f[2], v)
		if !ok || c == from {
			return false
		}
		out = append(out, c)
	}
	t.facts.maps[mapped{from, target}] = out
	return true
}

func (t *Table) addMass(f []string) bool {
	c, ok := coded(f[0], f[1])
	mass, good := number(f[2])
	charge, err := strconv.ParseUint(f[3], 10, 4)
	if !ok || !good || mass < 0 || err != nil || len(t.facts.masses) >= maxFacts {
		return false
	}
	t.facts.masses[c] = ucum.Substance{Mass: mass, Charge: int(charge)} // #nosec G115 -- at most 15
	return true
}

func (t *Table) addLine(f []string) bool {
	c, ok := coded(f[0], f[1])
	factor, good := number(f[4])
	offset, fine := number(f[5])
	if !ok || !good || !fine || factor <= 0 || !ucum.Valid(f[2]) || !ucum.Valid(f[3]) || f[2] == f[3] || len(t.facts.lines) >= maxFacts {
		return false
	}
	t.facts.lines[c] = line{f[2], f[3], factor, offset}
	return true
}

func (t *Table) addAlso(f []string) bool {
	c, ok := coded(f[0], f[1])
	list := strings.Split(f[2], "; ")
	if !ok || len(list) > maxAlso || len(t.facts.also) >= maxFacts {
		return false
	}
	for _, words := range list {
		if len(words) > MaxText || !clean(words) || Fold(words) == "" {
			return false
		}
	}
	t.facts.also[c] = list
	return true
}

// number reads a decimal of at most 16 characters.
func number(s string) (float64, bool) {
	if s == "" || len(s) > 16 || strings.Trim(s, "0123456789.-") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && math.Abs(v) < 1e9
}

// ToATC returns the ATC codes that a code stands for in the edition in use:
// those of a product or substance, and of each combination also those of its
// ingredients; a code of ATC is its own first. None when it is not known.
func ToATC(c Code) []string { return Current().to(c, ATC) }

// ToICD10 returns the ICD-10 codes that a code stands for, as ToATC does.
func ToICD10(c Code) []string { return Current().to(c, ICD10) }

func (t *Table) to(c Code, target System) []string {
	var out []string
	add := func(c Code) {
		if c.System == target && !slices.Contains(out, c.Value) {
			out = append(out, c.Value)
		}
	}
	add(c)
	for _, m := range t.facts.maps[mapped{c, target}] {
		add(m)
	}
	if c.System != target {
		for _, m := range t.facts.maps[mapped{c, target}] {
			for _, part := range t.facts.maps[mapped{m, target}] {
				add(part)
			}
		}
	}
	return out
}

// Convert returns a measured value of a code in another unit, in the edition in
// use: by the units alone where they are commensurable, else by the molar mass
// and the charge of what is measured (mg/dL and mmol/L), or by the line through
// two scales (HbA1c). It owes ucum.ErrUnit and ucum.ErrCommensurable.
func Convert(c Code, value float64, from, to string) (float64, error) {
	t := Current()
	if l, ok := t.facts.lines[c]; ok {
		switch {
		case l.from == from && l.to == to:
			return value*l.factor + l.offset, nil
		case l.from == to && l.to == from:
			return (value - l.offset) / l.factor, nil
		}
	}
	return t.facts.masses[c].Convert(value, from, to)
}
