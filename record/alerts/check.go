package alerts

import (
	"slices"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// maxItems bounds how many medicines, allergies or findings of a record are
// compared, maxFound how many alerts are looked at, and maxAlerts how many are
// told.
const (
	maxItems  = 400
	maxFound  = 4000
	maxAlerts = 60
)

// Check compares a draft with the patient's record and with itself. Without a
// draft it looks at the record as it stands, as at a tap, and tells only what
// must be seen. What the draft's overrides, or earlier ones in the same
// course, answer has its answer.
func (t *Table) Check(p *Patient, draft *record.Entry) *Report {
	c := &checker{t: t, before: p, p: p, draft: draft}
	if draft != nil {
		if draft.EnteredInError {
			return &Report{Edition: t.Edition, Alerts: []Alert{}, Unchecked: p.Locked}
		}
		c.p = p.with(draft)
	}
	c.gather()
	c.allergic()
	c.duplicates()
	c.interactions()
	c.cautions()
	if draft != nil {
		c.doses()
		c.values()
	}
	c.answer()
	list := fold(c.found)
	return &Report{Edition: t.Edition, Alerts: list[:min(len(list), maxAlerts)], Unchecked: p.Locked}
}

// checker is one run of Check.
type checker struct {
	t         *Table
	before, p *Patient // without and with what the draft finds
	draft     *record.Entry
	medicines []item
	acts      []item // vaccines and procedures of the draft
	allergies []allergen
	found     []Alert
}

type allergen struct {
	item
	mild bool // an intolerance, not known to be dangerous
}

func allergenOf(it item, a *record.Allergy) allergen { return allergen{it, mild(a)} }

func mild(a *record.Allergy) bool {
	return a.Kind == record.KindIntolerance && a.Criticality != record.CriticalityHigh && a.Severity != record.SeveritySevere
}

// gather lists what is compared: what the patient takes, less what the draft
// ends or writes anew, and what the draft brings.
func (c *checker) gather() {
	replaced := make(map[terms.Code]bool)
	brought := make(map[terms.Code]bool) // a draft may stop a medicine and write it anew
	if c.draft != nil {
		for i := range c.draft.Prescriptions {
			x := &c.draft.Prescriptions[i]
			replaced[x.Medicine] = true
			if brought[x.Medicine] || x.Status != record.MedicationActive && x.Status != record.MedicationIntended && x.Status != record.MedicationDraft ||
				len(c.medicines) == maxItems {
				continue
			}
			brought[x.Medicine] = true
			it := c.t.item(x.Medicine)
			it.fresh, it.secret = true, x.Sensitive || c.p.isSecret(x.Medicine)
			c.medicines = append(c.medicines, it)
		}
		c.gatherActs()
	}
	for i := range c.p.current.Medicines {
		if m := &c.p.current.Medicines[i]; !replaced[m.Code] && len(c.medicines) < maxItems {
			c.medicines = append(c.medicines, c.p.medicines[i])
		}
	}
	known := make(map[terms.Code]bool)
	if c.draft != nil {
		for i := range c.draft.Allergies {
			a := &c.draft.Allergies[i]
			known[a.Code] = true
			if !denies(a) && len(c.allergies) < maxItems {
				it := c.t.item(a.Code)
				it.fresh = true
				c.allergies = append(c.allergies, allergenOf(it, a))
			}
		}
	}
	for i := range c.p.current.Allergies {
		if a := &c.p.current.Allergies[i]; !known[a.Code] && !denies(a) && len(c.allergies) < maxItems {
			c.allergies = append(c.allergies, c.p.allergies[i])
		}
	}
	c.sort()
}

// sort puts everything in an order that does not depend on the record's: what
// the draft brings first.
func (c *checker) sort() {
	byCode := func(a, b item) int { return compareCodes(a.code, b.code) }
	slices.SortFunc(c.medicines, func(a, b item) int {
		switch {
		case a.fresh == b.fresh:
			return byCode(a, b)
		case a.fresh:
			return -1
		default:
			return 1
		}
	})
	slices.SortFunc(c.acts, byCode)
	slices.SortFunc(c.allergies, func(a, b allergen) int { return compareCodes(a.code, b.code) })
}

// actProcedure is the pattern by which a class holds every procedure.
var actProcedure = terms.Code{System: terms.Own, Value: "any-procedure"}

func (c *checker) gatherActs() {
	for i := range c.draft.Immunisations {
		if x := &c.draft.Immunisations[i]; x.Status == record.ImmunisationCompleted && len(c.acts) < maxItems {
			it := c.t.item(x.Vaccine)
			it.fresh = true
			c.acts = append(c.acts, it)
		}
	}
	for i := range c.draft.Procedures {
		x := &c.draft.Procedures[i]
		if x.Status < record.ProcedureNotDone && len(c.acts) < maxItems {
			it := c.t.item(x.Code)
			it.in.join(c.t.classesOf(actProcedure))
			it.fresh, it.secret = true, x.Sensitive || c.p.isSecret(x.Code)
			c.acts = append(c.acts, it)
		}
	}
}

// told reports whether an alert about two items is due: at a tap always, for
// a draft when one of them is its own, and never when there are too many.
func (c *checker) told(a, b *item) bool {
	return (c.draft == nil || a.fresh || b.fresh) && len(c.found) < maxFound
}

// add notes an alert. At a tap mere notes are left out.
func (c *checker) add(a Alert, items ...*item) {
	if c.draft == nil && a.Severity == Note {
		return
	}
	for _, it := range items {
		if !slices.Contains(a.About, it.code) {
			a.About = append(a.About, it.code)
		}
		a.Sensitive = a.Sensitive || it.secret
	}
	slices.SortFunc(a.About, compareCodes)
	c.found = append(c.found, a)
}

// answer gives alerts the overrides of the draft, and those of earlier entries
// that still count.
func (c *checker) answer() {
	for i := range c.found {
		a := &c.found[i]
		if c.draft != nil {
			for j := range c.draft.Overrides {
				if o := &c.draft.Overrides[j]; a.AnsweredBy(o) {
					a.Answer = o
				}
			}
		}
		if a.Answer == nil && a.Kind != record.AlertDose && a.Kind != record.AlertValue {
			a.Answer = c.earlier(a)
		}
	}
}

// AnsweredBy reports whether an override is of the alert: of its rule, about
// the same codes.
func (a *Alert) AnsweredBy(o *record.Override) bool {
	if o.Rule != a.Rule || len(o.About) != len(a.About) {
		return false
	}
	for _, code := range a.About {
		if !slices.Contains(o.About, code) {
			return false
		}
	}
	return true
}

// earlier finds the override of an entry that answers an alert. It counts as
// long as every medicine that it is about has been taken without a break
// since, by what the record says, and as long as no intolerance that it is
// about has turned out to be worse.
func (c *checker) earlier(a *Alert) *record.Override {
	for i := len(c.before.overrides) - 1; i >= 0; i-- {
		o := &c.before.overrides[i]
		if !a.AnsweredBy(&o.Override) || slices.ContainsFunc(a.About, func(code terms.Code) bool { return c.worseSince(code, o.at) }) {
			continue
		}
		if !slices.ContainsFunc(a.About, func(code terms.Code) bool { return c.isMedicine(code) && !c.taken(code) }) {
			return &o.Override
		}
	}
	return nil
}

// worseSince reports whether an intolerance has become worse after a time, or
// does so by the draft.
func (c *checker) worseSince(code terms.Code, at time.Time) bool {
	if c.before.worse[code].After(at) {
		return true
	}
	return c.draft != nil && c.before.mild[code] && slices.ContainsFunc(c.draft.Allergies, func(a record.Allergy) bool {
		return a.Code == code && !denies(&a) && !mild(&a)
	})
}

func (c *checker) isMedicine(code terms.Code) bool {
	return slices.ContainsFunc(c.medicines, func(it item) bool { return it.code == code }) ||
		slices.ContainsFunc(c.acts, func(it item) bool { return it.code == code })
}

func (c *checker) taken(code terms.Code) bool {
	return slices.ContainsFunc(c.before.current.Medicines, func(m record.Medicine) bool { return m.Code == code })
}

// templates are the phrases that every table must have.
var templates = []string{
	"allergy-same", "allergy-group", "cross", "duplicate", "duplicate-group", "twice", "pair", "caution", "ask",
	"dose-once", "dose-day", "dose-child", "dose-unit", "dose-weekly", "dose-count", "value", "value-unit",
}

// say fills a phrase in all languages; fields gives the parts by language, each
// behind its name.
func (t *Table) say(key string, fields func(lang int) []string) map[string]string {
	out := make(map[string]string, len(languages))
	for i, lang := range languages {
		out[lang] = filled(t.phrases[key][i], fields(i))
	}
	return out
}

// filled puts fields in the places of their names.
func filled(phrase string, fields []string) string {
	var b strings.Builder
	b.Grow(2 * len(phrase))
next:
	for phrase != "" {
		before, after, _ := strings.Cut(phrase, "{")
		b.WriteString(before)
		if phrase = phrase[len(before):]; phrase == "" {
			break
		}
		for i := 0; i+1 < len(fields); i += 2 {
			if name := fields[i]; strings.HasPrefix(after, name) && strings.HasPrefix(after[len(name):], "}") {
				b.WriteString(fields[i+1])
				phrase = after[len(name)+1:]
				continue next
			}
		}
		b.WriteByte('{')
		phrase = after
	}
	return b.String()
}

// because fills a phrase with an effect and advice, about one item or two.
func (t *Table) because(key, effect, advice string, a, b *item) map[string]string {
	return t.say(key, func(i int) []string {
		about := []string{"a", a.called(languages[i]), "b", ""}
		if b != nil {
			about[3] = b.called(languages[i])
		}
		return append(about, "effect", filled(t.phrases[effect][i], about), "advice", filled(t.phrases[advice][i], about))
	})
}
