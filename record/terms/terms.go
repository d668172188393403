package terms

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// Language of a display.
type Language uint8

// The languages, in the order of the table's columns.
const (
	Arabic Language = iota
	Sorani
	English
	numLanguages
)

var languageTags = [numLanguages]string{"ar", "ckb", "en"}

// Term is what the table says of a code.
type Term struct {
	Code      Code
	Chronic   bool // a long-lasting condition, kept in the summary until resolved
	Sensitive bool // psychiatric, HIV, abuse: sealed in the sensitive section
	Absent    bool // says that there is nothing: no known allergy
	Display   [numLanguages]string
}

func (t Term) displays() map[string]string {
	m := make(map[string]string, numLanguages)
	for i, d := range t.Display {
		if d != "" {
			m[languageTags[i]] = d
		}
	}
	return m
}

//go:embed terms.tsv
var table string

var load = sync.OnceValues(func() (map[Code]Term, error) { return parse(table) })

// parse reads lines "system TAB code TAB flags TAB ar TAB ckb TAB en"; flags
// are letters: c chronic, s sensitive, n nothing, - none. Lines that begin with # are
// comments.
func parse(s string) (map[Code]Term, error) {
	m := make(map[Code]Term)
	n := 0
	for line := range strings.Lines(s) {
		n++
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			return nil, fmt.Errorf("terms line %d: %d columns", n, len(f))
		}
		sys, ok := SystemByName(f[0])
		t := Term{Code: Code{System: sys, Value: f[1]}, Display: [numLanguages]string{f[3], f[4], f[5]}}
		if err := t.Code.Validate(); !ok || err != nil || f[5] == "" {
			return nil, fmt.Errorf("terms line %d: malformed", n)
		}
		for _, c := range f[2] {
			switch c {
			case 'c':
				t.Chronic = true
			case 's':
				t.Sensitive = true
			case 'n':
				t.Absent = true
			case '-':
			default:
				return nil, fmt.Errorf("terms line %d: flag %q", n, c)
			}
		}
		if _, dup := m[t.Code]; dup {
			return nil, fmt.Errorf("terms line %d: %s again", n, t.Code)
		}
		m[t.Code] = t
	}
	return m, nil
}

// Lookup finds a code in the table. A diagnosis of ICD-10 or a medicine of ATC
// that the table lacks is described by its group: E11.9 by E11, A10BA02 by A10BA.
func Lookup(c Code) (Term, bool) {
	m, err := load()
	if err != nil {
		return Term{}, false
	}
	if t, ok := m[c]; ok {
		return t, true
	}
	if c.System != ICD10 && c.System != ATC {
		return Term{}, false
	}
	for v := c.Value; len(v) > 3; {
		v = v[:len(v)-1]
		v = strings.TrimSuffix(v, ".")
		if t, ok := m[Code{c.System, v}]; ok {
			t.Code = c
			return t, true
		}
	}
	return Term{}, false
}

// Display returns the words for a code in a language (ar, ckb, en), in English
// when the table lacks that language, and else system:value.
func Display(c Code, lang string) string {
	t, ok := Lookup(c)
	if !ok {
		return c.String()
	}
	for i, tag := range languageTags {
		if tag == lang && t.Display[i] != "" {
			return t.Display[i]
		}
	}
	return t.Display[English]
}

// Chronic reports whether the code names a long-lasting condition.
func Chronic(c Code) bool { t, _ := Lookup(c); return t.Chronic }

// Absent reports whether the code says that there is nothing to tell, such as
// no known allergy.
func Absent(c Code) bool { t, _ := Lookup(c); return t.Absent }

// Sensitive reports whether the code alone makes an item sensitive: ICD-10
// mental and behavioural disorders (F00-F99), HIV disease (B20-B24, Z21), and
// the codes so marked in the table.
func Sensitive(c Code) bool {
	if c.System == ICD10 && len(c.Value) >= 3 {
		switch v := c.Value[:3]; {
		case v[0] == 'F', v >= "B20" && v <= "B24", v == "Z21":
			return true
		}
	}
	t, _ := Lookup(c)
	return t.Sensitive
}
