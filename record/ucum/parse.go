package ucum

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
)

// ErrUnit is returned for what is no unit that the package knows.
var ErrUnit = errors.New("unknown unit")

// Bounds of what is read.
const (
	MaxUnit     = 64 // bytes
	maxDepth    = 4
	maxExponent = 40
)

// Unit is a unit in base units. Units with equal dimensions and marks are
// commensurable.
type Unit struct {
	factor float64
	offset float64 // of a unit with a zero of its own, else 0
	dims   dims
	marks  map[string]int8 // exponents of units of their own
}

// Parse reads a unit; empty text is the unit 1. It owes ErrUnit.
//
//	unit      = ["/"] component *(("." / "/") component)
//	component = annotation / ("(" unit ")" / symbol [exponent] / factor) [annotation]
func Parse(s string) (Unit, error) {
	if s == "" {
		return Unit{factor: 1}, nil
	}
	if x, ok := special[s]; ok {
		return Unit{factor: x.factor, offset: x.offset, dims: base(kelvin)}, nil
	}
	p := parser{s: s}
	if len(s) <= MaxUnit {
		if u, ok := p.term(0); ok && p.s == "" && u.factor > 0 && !math.IsInf(u.factor, 0) {
			return u, nil
		}
	}
	return Unit{}, fmt.Errorf("unit of %d characters: %w", len(s), ErrUnit)
}

// Valid reports whether s is a unit that Parse reads.
func Valid(s string) bool {
	_, err := Parse(s)
	return err == nil
}

type parser struct{ s string } // what is left

func (p *parser) take(prefix string) bool {
	rest, ok := strings.CutPrefix(p.s, prefix)
	if ok {
		p.s = rest
	}
	return ok
}

func (p *parser) term(depth int) (Unit, bool) {
	out := Unit{factor: 1}
	sign := 1
	if p.take("/") {
		sign = -1
	}
	for {
		u, ok := p.component(depth)
		if !ok || !out.multiply(u, sign) {
			return out, false
		}
		switch {
		case p.take("."):
			sign = 1
		case p.take("/"):
			sign = -1
		default:
			return out, true
		}
	}
}

func (p *parser) component(depth int) (Unit, bool) {
	if depth > maxDepth {
		return Unit{}, false
	}
	if mark, ok := p.annotation(); ok {
		if counted[mark] {
			return Unit{factor: 1}, true
		}
		return Unit{factor: 1, marks: map[string]int8{mark: 1}}, true
	}
	var u Unit
	ok := false
	if p.take("(") {
		u, ok = p.term(depth + 1)
		ok = ok && p.take(")")
	} else {
		u, ok = p.symbol()
	}
	if ok {
		p.annotation() // says what is measured, changes nothing
	}
	return u, ok
}

// annotation takes {text}, printable ASCII without braces.
func (p *parser) annotation() (string, bool) {
	end := strings.IndexByte(p.s, '}')
	if !strings.HasPrefix(p.s, "{") || end < 2 {
		return "", false
	}
	text := p.s[:end+1]
	if strings.ContainsFunc(text[1:end], func(r rune) bool { return r <= ' ' || r > '~' || r == '{' }) {
		return "", false
	}
	p.s = p.s[end+1:]
	return text, true
}

// symbol takes a factor, or a unit symbol with its exponent.
func (p *parser) symbol() (Unit, bool) {
	end, inside := 0, false
	for ; end < len(p.s) && (inside || !strings.ContainsRune("./(){}", rune(p.s[end]))); end++ {
		switch p.s[end] {
		case '[':
			inside = true
		case ']':
			inside = false
		}
	}
	text := p.s[:end]
	p.s = p.s[end:]
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return Unit{factor: float64(n)}, n > 0
	}
	name := strings.TrimRight(text, "0123456789")
	if strings.HasSuffix(name, "+") || strings.HasSuffix(name, "-") {
		name = name[:len(name)-1]
	}
	exponent := 1
	if digits := text[len(name):]; digits != "" {
		n, err := strconv.Atoi(digits)
		if err != nil || n == 0 || n > maxExponent || n < -maxExponent {
			return Unit{}, false
		}
		exponent = n
	}
	u, ok := lookup(name)
	out := Unit{factor: 1}
	return out, ok && out.multiply(u, exponent)
}

// lookup finds a symbol, or a prefix and a metric symbol.
func lookup(name string) (Unit, bool) {
	if a, ok := atoms[name]; ok {
		return a.unit(name, 1), true
	}
	for n := 1; n <= 2 && n < len(name); n++ {
		factor, ok := prefixes[name[:n]]
		if a, known := atoms[name[n:]]; ok && known && a.metric {
			return a.unit(name[n:], factor), true
		}
	}
	return Unit{}, false
}

func (a atom) unit(name string, prefix float64) Unit {
	if a.factor > 0 {
		return Unit{factor: a.factor * prefix, dims: a.dims}
	}
	if name == "[iU]" {
		name = "[IU]"
	}
	return Unit{factor: prefix, marks: map[string]int8{name: 1}}
}

// multiply makes u into u * v^n; false when an exponent is too great.
func (u *Unit) multiply(v Unit, n int) bool {
	u.factor *= math.Pow(v.factor, float64(n))
	for i := range u.dims {
		sum := int(u.dims[i]) + int(v.dims[i])*n
		if sum > maxExponent || sum < -maxExponent {
			return false
		}
		u.dims[i] = int8(sum) // #nosec G115 -- bounded above
	}
	if len(v.marks) == 0 {
		return true
	}
	u.marks = maps.Clone(u.marks)
	if u.marks == nil {
		u.marks = make(map[string]int8, len(v.marks))
	}
	for name, k := range v.marks {
		sum := int(u.marks[name]) + int(k)*n
		if sum > maxExponent || sum < -maxExponent {
			return false
		}
		if u.marks[name] = int8(sum); sum == 0 { // #nosec G115 -- bounded above
			delete(u.marks, name)
		}
	}
	return true
}
