package record

// unit is a UCUM code with the number of decimals that measurements in it
// commonly have. Its place in the table stands in stored records: the table
// only ever grows at its end, and a scale never changes.
type unit struct {
	code  string
	scale uint8
}

var units = [...]unit{
	{"", 0},
	{"mg/dL", 1},
	{"mmol/L", 2},
	{"mm[Hg]", 0},
	{"{score}", 0},
	{"cm", 1},
	{"kg", 1},
	{"kg/m2", 1},
	{"fL", 1},
	{"g/dL", 1},
	{"%", 1},
	{"U/L", 0},
	{"10*3/uL", 1},
	{"mL/min/{1.73_m2}", 0},
	{"10*6/uL", 2},
	{"pg", 1},
	{"mg/g", 1},
	{"mL/min", 1},
	{"g/L", 1},
	{"kU/L", 1},
	{"Cel", 1},
	{"ng/mL", 2},
	{"/min", 0},
	{"mg", 0},
	// From here on a unit takes two bytes.
	{"{count}", 0},
	{"(score)", 0},
	{"{T-score}", 1},
	{"pg/mL", 1},
	{"mL", 0},
	{"ug", 0},
	{"g", 0},
	{"[IU]", 0},
	{"m[IU]/L", 2},
	{"ng/L", 1},
	{"ug/L", 1},
	{"ug/dL", 1},
	{"umol/L", 0},
	{"nmol/L", 1},
	{"pmol/L", 1},
	{"meq/L", 1},
	{"mmol/mol", 0},
	{"10*9/L", 1},
	{"10*12/L", 2},
	{"s", 1},
	{"min", 0},
	{"h", 0},
	{"d", 0},
	{"wk", 0},
	{"mo", 0},
	{"a", 0},
	{"m", 2},
	{"mm", 0},
	{"mm/h", 0},
	{"{tbl}", 0},
	{"{capsule}", 0},
	{"{puff}", 0},
	{"[drp]", 0},
	{"mg/mL", 1},
	{"mg/kg", 1},
	{"mg/(24.h)", 0},
	{"u[IU]/mL", 2},
	{"[IU]/L", 0},
	{"%{vol}", 1},
	{"L", 1},
	{"L/min", 1},
	{"{ratio}", 2},
	{"{INR}", 1},
	{"[pH]", 2},
	{"[in_i]", 1},
	{"[lb_av]", 1},
	{"[degF]", 1},
	{"kPa", 1},
	{"mosm/kg", 0},
	{"{#}", 0},
	{"/[HPF]", 0},
	{"10*6/mL", 1},
	{"mg/L", 1},
	{"fg", 1},
	{"eq/L", 1},
	{"ng/dL", 2},
	{"[IU]/mL", 1},
	{"m[IU]/mL", 1},
	{"U/mL", 1},
	{"mmol/kg", 0},
	{"{nominal}", 3},
}

var unitIndex = func() map[string]int {
	m := make(map[string]int, len(units))
	for i, u := range units {
		m[u.code] = i
	}
	return m
}()

// UnitScale returns the number of decimals that measurements in a unit
// commonly have; false when the unit is not in the format's table.
func UnitScale(ucum string) (uint8, bool) {
	i, ok := unitIndex[ucum]
	if !ok {
		return 0, false
	}
	return units[i].scale, true
}
