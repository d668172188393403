package alerts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/record/ucum"
)

// parser reads lines "kind TAB field …" into a table; see the document for
// the kinds.
type parser struct{ t *Table }

// kinds of lines, with the number of their fields, the kind itself left out.
var kinds = map[string]struct {
	fields int
	read   func(*parser, []string) bool
}{
	"edition": {1, (*parser).edition},
	"source":  {2, (*parser).source},
	"phrase":  {4, (*parser).phrase},
	"class":   {5, (*parser).class},
	"means":   {3, (*parser).means},
	"parts":   {2, (*parser).parts},
	"same":    {2, (*parser).same},
	"word":    {3, (*parser).word},
	"not":     {1, (*parser).not},
	"turn":    {1, (*parser).turn},
	"cross":   {6, (*parser).cross},
	"twice":   {6, (*parser).twice},
	"usual":   {2, (*parser).usual},
	"pair":    {7, (*parser).pair},
	"caution": {7, (*parser).caution},
	"dose":    {8, (*parser).dose},
	"value":   {7, (*parser).value},
	"unit":    {2, (*parser).unit},
}

func (p *parser) text(text string) error {
	if !utf8.ValidString(text) || !strings.HasSuffix(text, "\n") {
		return fmt.Errorf("no text in lines: %w", ErrTable)
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		kind, ok := kinds[f[0]]
		ok = ok && len(f) == 1+kind.fields && !slices.ContainsFunc(f, func(s string) bool {
			return s == "" || len(s) > maxField || s != strings.TrimSpace(s)
		})
		if !ok || p.t.Edition == 0 && f[0] != "edition" || !kind.read(p, f[1:]) {
			return fmt.Errorf("line %d: %w", n, ErrTable)
		}
	}
	if p.t.Edition == 0 {
		return fmt.Errorf("no edition: %w", ErrTable)
	}
	for _, key := range templates {
		if _, ok := p.t.phrases[key]; !ok {
			return fmt.Errorf("no phrase %q: %w", key, ErrTable)
		}
	}
	return nil
}

func (p *parser) edition(f []string) bool {
	n, err := strconv.ParseUint(f[0], 10, 31)
	if err != nil || n == 0 || p.t.Edition != 0 {
		return false
	}
	p.t.Edition = uint32(n)
	return true
}

func (p *parser) source(f []string) bool {
	_, dup := p.t.sources[f[0]]
	p.t.sources[f[0]] = f[1]
	return !dup && len(p.t.sources) <= maxRows
}

func (p *parser) phrase(f []string) bool {
	_, dup := p.t.phrases[f[0]]
	p.t.phrases[f[0]] = words(f[1:])
	return !dup && len(p.t.phrases) <= maxRows
}

// class reads "name patterns ar ckb en". A pattern is an ATC code or the
// beginning of one, @name for all of another class, system:code, or one of
// these after ! for what is left out.
func (p *parser) class(f []string) bool {
	if _, dup := p.t.index[f[0]]; dup || len(p.t.classes) == maxClasses {
		return false
	}
	c := class{name: f[0]}
	for i, w := range f[2:] {
		if w != "-" {
			c.says[i] = w
		}
	}
	for pattern := range strings.SplitSeq(f[1], " ") {
		name, other := strings.CutPrefix(pattern, "@")
		if !other {
			c.patterns = append(c.patterns, pattern)
			continue
		}
		n, ok := p.t.index[name]
		if !ok {
			return false
		}
		c.patterns = append(c.patterns, p.t.classes[n].patterns...)
	}
	if len(c.patterns) > maxRows {
		return false
	}
	n := len(p.t.classes)
	for _, pattern := range c.patterns {
		value, not := strings.CutPrefix(pattern, "!")
		code, ok := readCode(value)
		if !ok {
			return false
		}
		to := p.t.within
		if not {
			to = p.t.without
		}
		s := to[code]
		s.add(n)
		to[code] = s
	}
	p.t.index[f[0]], p.t.classes = n, append(p.t.classes, c)
	return true
}

// readCode reads system:value, or the beginning of an ATC code.
func readCode(s string) (terms.Code, bool) {
	name, value, ok := strings.Cut(s, ":")
	if !ok {
		name, value = "atc", s
	}
	system, ok := terms.SystemByName(name)
	c := terms.Code{System: system, Value: value}
	return c, ok && system != terms.Newer && c.Validate() == nil
}

func readATC(list string) ([]string, bool) {
	out := strings.Split(list, " ")
	for _, v := range out {
		if v == "" || len(v) > 7 || v[0] < 'A' || v[0] > 'Z' || strings.Trim(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			return nil, false
		}
	}
	return out, len(out) <= 8
}

func (p *parser) means(f []string) bool {
	c, ok := readCode(f[0] + ":" + f[1])
	list, listed := readATC(f[2])
	_, dup := p.t.means[c]
	p.t.means[c] = list
	return ok && listed && !dup && len(p.t.means) <= maxRows
}

func (p *parser) parts(f []string) bool {
	list, ok := readATC(f[1])
	_, dup := p.t.parts[f[0]]
	p.t.parts[f[0]] = list
	_, whole := readATC(f[0])
	return ok && whole && !dup && len(p.t.parts) <= maxRows
}

func (p *parser) same(f []string) bool {
	_, dup := p.t.same[f[0]]
	p.t.same[f[0]] = f[1]
	_, ok := readATC(f[0] + " " + f[1])
	return ok && !dup && len(p.t.same) <= maxRows
}

// word reads "words system code": the words stand in lower case between bars,
// in any language.
func (p *parser) word(f []string) bool {
	c, ok := readCode(f[1] + ":" + f[2])
	for w := range strings.SplitSeq(f[0], "|") {
		folded := terms.Fold(w)
		if known, dup := p.t.spoken[folded]; dup && known != c || folded == "" {
			return false
		}
		p.t.spoken[folded] = c
	}
	return ok && len(p.t.spoken) <= maxRows
}

func (p *parser) not(f []string) bool { return heard(p.t.negative, f[0]) }

func (p *parser) turn(f []string) bool { return heard(p.t.turning, f[0]) }

// heard adds words between bars.
func heard(to map[string]bool, list string) bool {
	for w := range strings.SplitSeq(list, "|") {
		to[terms.Fold(w)] = true
	}
	return len(to) <= maxRows
}

// rule takes the name of a rule, which nobody else may have.
func (p *parser) rule(name string) bool {
	if len(name) > maxRule || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || p.t.rules[name] {
		return false
	}
	p.t.rules[name] = true
	return len(p.t.rules) <= maxRows
}

// loud reads a severity, phrases and a source.
func (p *parser) loud(severity string, source string, phrases ...string) (Severity, string, bool) {
	var s Severity
	err := s.UnmarshalText([]byte(severity))
	title, ok := p.t.sources[source]
	for _, key := range phrases {
		_, known := p.t.phrases[key]
		ok = ok && known
	}
	return s, title, ok && err == nil
}

func (p *parser) classNamed(name string) (int, bool) {
	n, ok := p.t.index[name]
	return n, ok
}

// named reports whether a class has a name for people.
func (p *parser) named(class int) bool { return !slices.Contains(p.t.classes[class].says[:], "") }

// cross reads "rule allergen given severity evidence source".
func (p *parser) cross(f []string) bool {
	a, ok := p.classNamed(f[1])
	b, known := p.classNamed(f[2])
	s, title, loud := p.loud(f[3], f[5], f[4])
	p.t.crosses = append(p.t.crosses, cross{f[0], a, b, s, f[4], title})
	return ok && known && loud && p.named(b) && p.rule(f[0])
}

// twice reads "rule class severity effect advice source".
func (p *parser) twice(f []string) bool {
	c, ok := p.classNamed(f[1])
	s, title, loud := p.loud(f[2], f[5], f[3], f[4])
	p.t.twices = append(p.t.twices, twice{f[0], c, s, f[3], f[4], title})
	return ok && loud && p.named(c) && p.rule(f[0])
}

// usual reads "same groups" or "group groups": ATC groups of which two with
// one substance, or two of one group, are usual.
func (p *parser) usual(f []string) bool {
	to := &p.t.usualSame
	switch f[0] {
	case "same":
	case "group":
		to = &p.t.usualGroup
	default:
		return false
	}
	*to = append(*to, strings.Split(f[1], " ")...)
	return len(*to) <= maxRows
}

// pair reads "rule a b severity effect advice source".
func (p *parser) pair(f []string) bool {
	a, ok := p.classNamed(f[1])
	b, known := p.classNamed(f[2])
	s, title, loud := p.loud(f[3], f[6], f[4], f[5])
	p.t.pairs = append(p.t.pairs, pair{f[0], a, b, s, f[4], f[5], title})
	return ok && known && loud && p.rule(f[0])
}

// caution reads "rule class state severity effect advice source".
func (p *parser) caution(f []string) bool {
	c, ok := p.classNamed(f[1])
	st, known := p.state(f[2])
	s, title, loud := p.loud(f[3], f[6], f[4], f[5])
	p.t.cautions = append(p.t.cautions, caution{f[0], c, st, s, f[4], f[5], title})
	return ok && known && loud && p.rule(f[0])
}

// number reads a plain positive decimal, or a dash for none.
func number(s string) (float64, bool) {
	if s == "-" {
		return 0, true
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && v >= 0 && v <= 1e9 && !strings.ContainsAny(s, "xXpPeE_+")
}

func numbers(f []string, to ...*float64) bool {
	for i, s := range f {
		v, ok := number(s)
		if !ok {
			return false
		}
		*to[i] = v
	}
	return true
}

// dose reads "atc unit least most day child-day time source"; time is day or
// week.
func (p *parser) dose(f []string) bool {
	d := dose{atc: f[0], unit: f[1], weekly: f[6] == "week"}
	title, ok := p.t.sources[f[7]]
	d.source = title
	ok = ok && len(d.atc) == 7 && ucum.Valid(d.unit) && (d.weekly || f[6] == "day") &&
		numbers(f[2:6], &d.least, &d.most, &d.day, &d.childDay) && d.least <= d.most
	_, dup := p.t.doses[d.atc]
	p.t.doses[d.atc] = d
	return ok && !dup && p.rule("dose-"+strings.ToLower(d.atc))
}

// value reads "loinc,… unit low high usual-low usual-high source".
func (p *parser) value(f []string) bool {
	title, ok := p.t.sources[f[6]]
	var v valueRange
	if !ok || !numbers(f[2:6], &v.low, &v.high, &v.usualLow, &v.usualHigh) ||
		v.low > v.usualLow || v.usualLow >= v.usualHigh || v.usualHigh > v.high {
		return false
	}
	v.unit, v.source = f[1], title
	if !ucum.Valid(v.unit) {
		return false
	}
	for code := range strings.SplitSeq(f[0], " ") {
		v.code = terms.Code{System: terms.LOINC, Value: code}
		v.rule = "value-" + code
		if _, dup := p.t.values[v.code]; dup || v.code.Validate() != nil || !p.rule(v.rule) {
			return false
		}
		p.t.values[v.code] = len(p.t.ranges)
		p.t.ranges = append(p.t.ranges, v)
	}
	return true
}

// unit reads "loinc,… unit" for values that stand above.
func (p *parser) unit(f []string) bool {
	for code := range strings.SplitSeq(f[0], " ") {
		i, ok := p.t.values[terms.Code{System: terms.LOINC, Value: code}]
		if !ok || len(p.t.ranges[i].others) == 8 {
			return false
		}
		p.t.ranges[i].others = append(slices.Clip(p.t.ranges[i].others), f[1])
	}
	return ucum.Valid(f[1])
}
