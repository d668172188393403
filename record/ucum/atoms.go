package ucum

import "math"

// The dimensions.
const (
	metre = iota
	gram
	second
	mole
	kelvin
	candela
	coulomb
	radian
	equivalent
	osmole
	numDims
)

type dims [numDims]int8

// atom is a unit symbol: 1 of it is factor of the dimensions' base units, or,
// without factor, one of a unit of its own. Metric ones take prefixes.
type atom struct {
	factor float64
	dims   dims
	metric bool
}

func base(d int) dims {
	var out dims
	out[d] = 1
	return out
}

const (
	minute   = 60.0
	day      = 86400.0
	avogadro = 6.02214076e23
)

// The derived dimensions: mass over length and time squared is a pressure.
var (
	area      = dims{metre: 2}
	volume    = dims{metre: 3}
	pressure  = dims{gram: 1, metre: -1, second: -2}
	force     = dims{gram: 1, metre: 1, second: -2}
	energy    = dims{gram: 1, metre: 2, second: -2}
	power     = dims{gram: 1, metre: 2, second: -3}
	rate      = dims{second: -1}
	catalysis = dims{mole: 1, second: -1}
)

// atoms are the unit symbols, as in table 1 to 7 of the code.
var atoms = map[string]atom{
	"m": {1, base(metre), true}, "g": {1, base(gram), true}, "s": {1, base(second), true},
	"mol": {1, base(mole), true}, "K": {1, base(kelvin), true}, "cd": {1, base(candela), true},
	"C": {1, base(coulomb), true}, "rad": {1, base(radian), true},
	"eq": {1, base(equivalent), true}, "osm": {1, base(osmole), true},

	"L": {1e-3, volume, true}, "l": {1e-3, volume, true}, "ar": {100, area, true},
	"Hz": {1, rate, true}, "Bq": {1, rate, true},
	"N": {1e3, force, true}, "dyn": {1e-2, force, true},
	"Pa": {1e3, pressure, true}, "bar": {1e8, pressure, true},
	"m[Hg]": {133.322e6, pressure, true}, "m[H2O]": {9.80665e6, pressure, true}, "atm": {101325e3, pressure, false},
	"J": {1e3, energy, true}, "cal": {4184, energy, true}, "[Cal]": {4184e3, energy, false}, "W": {1e3, power, true},
	"A": {1, dims{coulomb: 1, second: -1}, true}, "V": {1e3, dims{gram: 1, metre: 2, second: -2, coulomb: -1}, true},
	"Ohm": {1e3, dims{gram: 1, metre: 2, second: -1, coulomb: -2}, true},
	"Gy":  {1, dims{metre: 2, second: -2}, true}, "Sv": {1, dims{metre: 2, second: -2}, true},
	"t": {1e6, base(gram), true}, "u": {1 / avogadro, base(gram), true},
	"kat": {1, catalysis, true}, "U": {1e-6 / minute, catalysis, true},

	"min": {minute, base(second), false}, "h": {60 * minute, base(second), false}, "d": {day, base(second), false},
	"wk": {7 * day, base(second), false}, "mo": {30.4375 * day, base(second), false}, "a": {365.25 * day, base(second), false},
	"deg": {math.Pi / 180, base(radian), false},

	"[in_i]": {0.0254, base(metre), false}, "[ft_i]": {0.3048, base(metre), false},
	"[lb_av]": {453.59237, base(gram), false}, "[oz_av]": {453.59237 / 16, base(gram), false}, "[gr]": {0.06479891, base(gram), false},
	"[drp]": {5e-8, volume, false}, "[tsp_us]": {4.92892159375e-6, volume, false},
	"[tbs_us]": {14.78676478125e-6, volume, false}, "[foz_us]": {29.5735295625e-6, volume, false},

	"10*": {10, dims{}, false}, "10^": {10, dims{}, false}, "%": {1e-2, dims{}, false}, "[pi]": {math.Pi, dims{}, false},
	"[ppth]": {1e-3, dims{}, false}, "[ppm]": {1e-6, dims{}, false}, "[ppb]": {1e-9, dims{}, false},
	"g%": {1e4, dims{gram: 1, metre: -3}, true}, // a gram in 100 mL

	// Units of their own: what one of them is depends on the procedure.
	"[IU]": {0, dims{}, true}, "[iU]": {0, dims{}, true}, "[arb'U]": {0, dims{}, false}, "[USP'U]": {0, dims{}, false},
	"[GPL'U]": {0, dims{}, false}, "[MPL'U]": {0, dims{}, false}, "[CFU]": {0, dims{}, false}, "[PFU]": {0, dims{}, false},
	"[ELU]": {0, dims{}, false}, "[FFU]": {0, dims{}, false}, "[TCID_50]": {0, dims{}, false},
	"[pH]": {0, dims{}, false}, "[HPF]": {0, dims{}, false}, "[LPF]": {0, dims{}, false}, "[APL'U]": {0, dims{}, false},
}

// special units have a zero of their own: kelvins = (value + offset) * factor.
var special = map[string]struct{ factor, offset float64 }{
	"Cel": {1, 273.15}, "[degF]": {5.0 / 9, 459.67},
}

// prefixes of metric units.
var prefixes = map[string]float64{
	"Y": 1e24, "Z": 1e21, "E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 10,
	"d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18, "z": 1e-21, "y": 1e-24,
}

// counted are the annotations that say what is counted and nothing else.
var counted = map[string]bool{
	"{count}": true, "{#}": true, "{cells}": true, "{cell}": true, "{WBC}": true, "{RBC}": true, "{copies}": true,
	"{beats}": true, "{breaths}": true,
}
