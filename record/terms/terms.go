package terms

import (
	"slices"
	"strings"
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

// Languages returns the tags of the languages: ar, ckb, en.
func Languages() []string { return slices.Clone(languageTags[:]) }

// Words returns the words in a language (ar, ckb, en), else in English.
func (t *Term) Words(lang string) string {
	for i, tag := range languageTags {
		if tag == lang && t.Display[i] != "" {
			return t.Display[i]
		}
	}
	return t.Display[English]
}

// Lookup finds a code in the edition in use. A diagnosis of ICD-10 or a medicine of ATC
// that the table lacks is described by its group: E11.9 by E11, A10BA02 by A10BA.
func Lookup(c Code) (Term, bool) {
	return Current().Lookup(c)
}

// Lookup finds a code in t, as the function of that name does.
func (t *Table) Lookup(c Code) (Term, bool) {
	if p, ok := t.index.get(c); ok {
		return t.rows[p.slot][p.number].Term, true
	}
	if c.System != ICD10 && c.System != ATC {
		return Term{}, false
	}
	for v := c.Value; len(v) > 3; {
		v = v[:len(v)-1]
		v = strings.TrimSuffix(v, ".")
		if p, ok := t.index.get(Code{c.System, v}); ok {
			found := t.rows[p.slot][p.number].Term
			found.Code = c
			return found, true
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
	return t.Words(lang)
}

// Chronic reports whether the code names a long-lasting condition: as the table
// says, or as it says of the ICD-10 code that a code without a row stands for.
func Chronic(c Code) bool {
	t := Current()
	if found, ok := t.Lookup(c); ok {
		return found.Chronic
	}
	for _, m := range t.facts.maps[mapped{c, ICD10}] {
		if found, _ := t.Lookup(m); found.Chronic {
			return true
		}
	}
	return false
}

// Absent reports whether the code says that there is nothing to tell, such as
// no known allergy.
func Absent(c Code) bool { t, _ := Lookup(c); return t.Absent }
