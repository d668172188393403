package alerts

import (
	"strconv"
	"strings"
)

// state is who a caution is for.
type state struct {
	is    stateKind
	n     int // months of age, weeks of pregnancy, or mL/min
	class int // of illnesses
}

type stateKind uint8

const (
	statePregnant stateKind = iota // from week n on; when the week is not known, always
	stateFertile                   // a woman who may become, or be, pregnant
	stateNursing
	stateUnder // n months of age
	stateOver
	stateKidney // filtration below n mL/min
	stateIll    // has a problem of the class
)

// Ages between which a woman may be pregnant, in months.
const (
	fertileFrom = 15 * 12
	fertileTo   = 50 * 12
)

// state reads pregnant, pregnant>=N (weeks), fertile, nursing, age<Ny, age<Nm,
// age>=Ny, egfr<N or problem:class.
func (p *parser) state(s string) (state, bool) {
	switch s {
	case "pregnant":
		return state{is: statePregnant}, true
	case "fertile":
		return state{is: stateFertile}, true
	case "nursing":
		return state{is: stateNursing}, true
	}
	if name, ok := strings.CutPrefix(s, "problem:"); ok {
		n, known := p.classNamed(name)
		return state{is: stateIll, class: n}, known
	}
	for _, form := range []struct {
		begin, end string
		is         stateKind
		times      int
	}{
		{"pregnant>=", "", statePregnant, 1},
		{"age<", "y", stateUnder, 12},
		{"age<", "m", stateUnder, 1},
		{"age>=", "y", stateOver, 12},
		{"egfr<", "", stateKidney, 1},
	} {
		rest, ok := strings.CutPrefix(s, form.begin)
		digits, unit := strings.CutSuffix(rest, form.end)
		if !ok || !unit {
			continue
		}
		if n, err := strconv.ParseUint(digits, 10, 8); err == nil && n > 0 {
			return state{is: form.is, n: int(n) * form.times}, true // #nosec G115 -- below 256
		}
	}
	return state{}, false
}

// holds reports whether a person is in the state.
func (s state) holds(p *Patient) bool {
	switch s.is {
	case statePregnant:
		return p.pregnant && (s.n == 0 || p.weeks == 0 || p.weeks >= s.n)
	case stateFertile:
		return p.fertile()
	case stateNursing:
		return p.nursing
	case stateUnder:
		return p.youngest >= 0 && p.youngest < s.n
	case stateOver:
		return p.months >= s.n
	case stateKidney:
		return p.filters > 0 && p.filters < float64(s.n)
	case stateIll:
		return p.ills.has(s.class)
	}
	return false
}
