package record

import "github.com/dhamani-iq/dhamani/record/terms"

// measure is how a row of the first edition's observations shortens what
// stands behind its code. The first edition never changes, so neither does
// what a stored number means.
type measure struct {
	code     Code
	unit     string
	scale    uint8
	category Category
	members  []uint32 // rows of the components or of a panel's observations
	sign     int8     // place among the members of vitals, -1 when it is none of them
}

// measures has one for each row; a row without a unit is a plain number.
var measures = mustMeasures(terms.Base())

// vitals is the panel of vital signs, by whose members they are written when
// they came without a panel.
var vitals = func() *measure {
	v := &measures[rowOf(Code{System: terms.LOINC, Value: "85353-1"})]
	for i, row := range v.members {
		measures[row].sign = int8(i) // #nosec G115 -- below maxMembers
	}
	return v
}()

// none is the measure of a plain number, behind a code that has no row.
var none measure

// orNone returns m, or none where there is no row.
func (m *measure) orNone() *measure {
	if m == nil {
		return &none
	}
	return m
}

func rowOf(c Code) uint32 {
	_, number, _, ok := terms.Base().Find(c)
	if !ok {
		panic("record: internal error: no row of " + c.String())
	}
	return number
}

func mustMeasures(t *terms.Table) []measure {
	out := make([]measure, t.Len(terms.Observations))
	for i := range out {
		row := t.Row(terms.Observations, uint32(i)) // #nosec G115 -- bounded by the table
		m := measure{code: row.Code, unit: row.Unit, sign: -1}
		scale, ok := UnitScale(row.Unit)
		if m.scale = scale; row.Scale >= 0 {
			m.scale = uint8(row.Scale) // #nosec G115 -- one digit
		}
		if row.Category != "" {
			m.category, _ = ParseEnum[categoryNames](row.Category)
			ok = ok && m.category != CategoryLaboratory
		}
		for _, c := range row.Members {
			slot, number, _, found := t.Find(c)
			ok = ok && found && slot == terms.Observations
			m.members = append(m.members, number)
		}
		if !ok {
			panic("record: internal error: the code table's measure of " + row.Code.String())
		}
		out[i] = m
	}
	return out
}

// measureOf returns how a code shortens an observation, nil when it does not.
func measureOf(c Code) *measure {
	if slot, number, edition, ok := terms.Base().Find(c); ok && slot == terms.Observations && edition == 1 {
		return &measures[number]
	}
	return nil
}

// CodeScale returns the number of decimals that measurements of an observation
// in its usual unit commonly have; false when the code table has none for the
// code, or another unit.
func CodeScale(c Code, unit string) (uint8, bool) {
	if m := measureOf(c); m != nil && m.unit != "" && m.unit == unit {
		return m.scale, true
	}
	return 0, false
}

// implied is the category of an observation of which nothing is said.
func (m *measure) implied() Category {
	if m == nil {
		return CategoryLaboratory
	}
	return m.category
}

// memberNear returns the place of a code among the row's members, -1 when it
// has none. It looks at i first, where lists in order have the next one.
func (m *measure) memberNear(c *Code, i int) int {
	if i < len(m.members) && measures[m.members[i]].code == *c {
		return i
	}
	return m.memberAt(c, 0)
}

// strays reports whether the code is that of a member which is not among those
// seen.
func (m *measure) strays(c Code, seen uint64) bool {
	k := m.memberAt(&c, 0)
	return k >= 0 && seen&(1<<k) == 0
}

// memberAt returns the first place from i on in the row's members that the
// code has, -1 when there is none.
func (m *measure) memberAt(c *Code, i int) int {
	for ; i < len(m.members); i++ {
		if measures[m.members[i]].code == *c {
			return i
		}
	}
	return -1
}
