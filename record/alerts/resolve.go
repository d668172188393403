package alerts

import (
	"slices"
	"strings"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// item is a medicine, vaccine, procedure or allergy and what the table knows
// of it.
type item struct {
	code    terms.Code
	atc     []string // of each ingredient
	base    []string // the same, each under its usual code
	in      set
	fresh   bool // from the draft
	secret  bool // from the sensitive section
	topical bool // does not reach the blood in amounts that count
}

const (
	maxWords  = 24 // of a text that are looked at
	maxATC    = 16 // ingredients of one item
	maxCalled = 3  // of them by which it is called
)

// item finds the ingredients and classes of a code.
func (t *Table) item(c terms.Code) item {
	it := item{code: c, in: t.classesOf(c)}
	t.ingredients(&it, c, 0)
	for _, v := range it.atc {
		it.in.join(t.classesOf(terms.Code{System: terms.ATC, Value: v}))
		usual := v
		if s, ok := t.same[v]; ok {
			usual = s
		}
		it.base = append(it.base, usual)
	}
	it.topical = len(it.atc) > 0 && !slices.ContainsFunc(it.atc, func(v string) bool { return !topical(v) })
	return it
}

// topical reports whether an ATC code is one of skin, eye or ear.
func topical(v string) bool {
	return v[0] == 'D' && !strings.HasPrefix(v, "D10BA") && !strings.HasPrefix(v, "D01B") || v[0] == 'S'
}

func (t *Table) ingredients(it *item, c terms.Code, depth int) {
	add := func(list ...string) {
		for _, v := range list {
			if !slices.Contains(it.atc, v) && len(it.atc) < maxATC {
				it.atc = append(it.atc, v)
			}
		}
	}
	switch {
	case c.System == terms.Text:
		for _, found := range t.listen(c.Value) {
			it.in.join(t.classesOf(found))
			if depth == 0 {
				t.ingredients(it, found, 1)
			}
		}
	case t.means[c] != nil:
		add(t.means[c]...)
	default:
		add(terms.ToATC(c)...)
		if c.System == terms.ATC {
			add(t.parts[c.Value]...)
		}
	}
}

// classesOf returns the classes of a code itself and of the groups that it
// belongs to.
func (t *Table) classesOf(c terms.Code) set {
	in := t.within[c]
	if c.System != terms.ATC && c.System != terms.ICD10 {
		return in
	}
	value := c.Value
	if c.System == terms.ICD10 && len(value) > 3 && value[3] != '.' {
		value = value[:3] + "." + value[3:]
	}
	out := t.without[c]
	for n := 1; n <= len(value) && n <= terms.MaxValue; n++ {
		group := terms.Code{System: c.System, Value: value[:n]}
		in.join(t.within[group])
		out.join(t.without[group])
	}
	in.drop(out)
	return in
}

// names are the words of the terminology table's medicines.
type names struct {
	of    *terms.Table
	codes map[string]terms.Code
}

// listen finds what a text names: words of the table, or of the terminology
// table's medicines. What is denied is not found, up to a word by which it is
// meant after all ("no reactions except ...", "do not give ...").
func (t *Table) listen(text string) []terms.Code {
	list := strings.Fields(terms.Fold(text))
	if len(list) > maxWords {
		list = list[:maxWords]
	}
	known := t.medicines()
	var out []terms.Code
	denied := false
	for i := 0; i < len(list); i++ {
		if denied = (denied || t.negative[list[i]]) && !t.turning[list[i]]; denied {
			continue
		}
		for n := min(4, len(list)-i); n > 0; n-- {
			phrase := strings.Join(list[i:i+n], " ")
			c, ok := t.spoken[phrase]
			if !ok {
				c, ok = known[phrase]
			}
			if ok {
				out = append(out, c)
				i += n - 1
				break
			}
		}
	}
	return out
}

// medicines returns the codes of medicines by their folded words, of the
// terminology table in use.
func (t *Table) medicines() map[string]terms.Code {
	now := terms.Current()
	if n := t.named.Load(); n != nil && n.of == now {
		return n.codes
	}
	n := &names{of: now, codes: make(map[string]terms.Code)}
	for i := range now.Len(terms.Medicines) {
		row := now.Row(terms.Medicines, uint32(i)) // #nosec G115 -- at most MaxRows
		for _, d := range row.Display {
			if folded := terms.Fold(d); folded != "" && n.codes[folded].IsZero() {
				n.codes[folded] = row.Code
			}
		}
	}
	t.named.Store(n)
	return n.codes
}

// called returns the words for an item in a language, those of its ingredients
// when it has none of its own.
func (it *item) called(lang string) string {
	if _, ok := terms.Lookup(it.code); ok || it.code.System == terms.Text {
		return terms.Display(it.code, lang)
	}
	var words []string
	for _, v := range it.base {
		if c := (terms.Code{System: terms.ATC, Value: v}); len(words) < maxCalled {
			if _, ok := terms.Lookup(c); ok && !slices.Contains(words, terms.Display(c, lang)) {
				words = append(words, terms.Display(c, lang))
			}
		}
	}
	if len(words) == 0 {
		return it.code.String()
	}
	return strings.Join(words, " + ")
}

// shares reports whether two items have an ingredient in common.
func (it *item) shares(o *item) bool {
	return slices.ContainsFunc(it.base, func(v string) bool { return len(v) == 7 && slices.Contains(o.base, v) })
}

// denies reports whether an allergy does not count any more.
func denies(a *record.Allergy) bool {
	return a.Status >= record.ConditionInactive || a.Certainty == record.Refuted || a.Certainty == record.EnteredInError ||
		terms.Absent(a.Code)
}
