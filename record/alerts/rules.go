package alerts

import (
	"slices"
	"strings"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// Names of the rules that are no lines of a table.
const (
	ruleAllergySame  = "allergy-same"
	ruleAllergyGroup = "allergy-group"
	ruleDuplicate    = "duplicate-same"
	ruleGroup        = "duplicate-group"
)

// allergic compares every allergy with every medicine, vaccine and procedure:
// the same substance or a member of the group that is named, then cross
// reactions.
func (c *checker) allergic() {
	for i := range c.allergies {
		a := &c.allergies[i]
		for j := range c.medicines {
			c.allergicTo(a, &c.medicines[j])
		}
		for j := range c.acts {
			c.allergicTo(a, &c.acts[j])
		}
	}
}

func (c *checker) allergicTo(a *allergen, it *item) {
	if !c.told(&a.item, it) {
		return
	}
	if rule := a.covers(it); rule != "" {
		severity := Stop
		if a.mild {
			severity = Warn
		}
		c.add(Alert{
			Rule: rule, Kind: record.AlertAllergy, Severity: severity, Source: c.t.sources["own"],
			Text: c.t.say(rule, func(i int) []string { return []string{"a", a.called(languages[i]), "b", it.called(languages[i])} }),
		}, &a.item, it)
		return
	}
	for i := range c.t.crosses {
		x := &c.t.crosses[i]
		if !a.in.has(x.allergen) || !it.in.has(x.given) {
			continue
		}
		severity := x.severity
		if a.mild && severity > Note {
			severity--
		}
		c.add(Alert{
			Rule: x.rule, Kind: record.AlertAllergy, Severity: severity, Source: x.source,
			Text: c.t.say("cross", func(l int) []string {
				return []string{
					"a", a.called(languages[l]), "b", it.called(languages[l]),
					"class", c.t.classes[x.given].says[l], "effect", c.t.phrases[x.evidence][l],
				}
			}),
		}, &a.item, it)
	}
}

// covers names the rule by which an allergy is one to the medicine itself, or
// to a group that it belongs to.
func (a *allergen) covers(it *item) string {
	if a.code == it.code || a.shares(it) {
		return ruleAllergySame
	}
	for _, group := range a.atc {
		if len(group) < 4 || len(group) == 7 {
			continue
		}
		if slices.ContainsFunc(it.atc, func(v string) bool { return strings.HasPrefix(v, group) }) ||
			slices.ContainsFunc(it.base, func(v string) bool { return strings.HasPrefix(v, group) }) {
			return ruleAllergyGroup
		}
	}
	return ""
}

// duplicates looks for one substance in two medicines, for classes of which
// one is enough, and for two medicines of one group of the fourth level.
func (c *checker) duplicates() {
	for i := range c.medicines {
		if !c.medicines[i].fresh && c.draft != nil {
			break // two that the patient takes already
		}
		for j := i + 1; j < len(c.medicines); j++ {
			if a, b := &c.medicines[i], &c.medicines[j]; c.told(a, b) && !a.topical && !b.topical {
				c.duplicate(a, b)
			}
		}
	}
}

func (c *checker) duplicate(a, b *item) {
	source := c.t.sources["own"]
	if a.shares(b) {
		if isUsual(c.t.usualSame, a, b) {
			return
		}
		c.add(Alert{
			Rule: ruleDuplicate, Kind: record.AlertDuplicate, Severity: Warn, Source: source,
			Text: c.t.say("duplicate", func(i int) []string { return []string{"a", a.called(languages[i]), "b", b.called(languages[i])} }),
		}, a, b)
		return
	}
	for i := range c.t.twices {
		if x := &c.t.twices[i]; a.in.has(x.class) && b.in.has(x.class) {
			name := c.t.classes[x.class].says
			c.add(Alert{
				Rule: x.rule, Kind: record.AlertDuplicate, Severity: x.severity, Source: x.source,
				Text: c.t.say("twice", func(i int) []string {
					return []string{
						"a", a.called(languages[i]), "b", b.called(languages[i]), "class", name[i],
						"effect", c.t.phrases[x.effect][i], "advice", c.t.phrases[x.advice][i],
					}
				}),
			}, a, b)
			return
		}
	}
	if group := commonGroup(a, b); group != "" && !isUsual(c.t.usualGroup, a, b) {
		c.add(Alert{
			Rule: ruleGroup, Kind: record.AlertDuplicate, Severity: Note, Source: source,
			Text: c.t.say("duplicate-group", func(i int) []string {
				return []string{"a", a.called(languages[i]), "b", b.called(languages[i]), "n", group}
			}),
		}, a, b)
	}
}

// commonGroup is the group of the fourth level, five letters, that both are
// in.
func commonGroup(a, b *item) string {
	for _, v := range a.atc {
		if len(v) < 5 {
			continue
		}
		for _, w := range b.atc {
			if strings.HasPrefix(w, v[:5]) {
				return v[:5]
			}
		}
	}
	return ""
}

// isUsual reports whether both are of one of the groups.
func isUsual(groups []string, a, b *item) bool {
	in := func(it *item, group string) bool {
		return slices.ContainsFunc(it.atc, func(v string) bool { return strings.HasPrefix(v, group) })
	}
	return slices.ContainsFunc(groups, func(group string) bool { return in(a, group) && in(b, group) })
}

// interactions compares every two medicines, and every medicine with every
// vaccine and procedure.
func (c *checker) interactions() {
	for i := range c.medicines {
		x := &c.medicines[i]
		if x.topical || !x.fresh && c.draft != nil && len(c.acts) == 0 {
			continue
		}
		due := c.t.pairsOf(x)
		for j := i + 1; j < len(c.medicines); j++ {
			c.interact(x, &c.medicines[j], due)
		}
		for j := range c.acts {
			c.interact(x, &c.acts[j], due)
		}
	}
}

// pairsOf returns the interactions that an item may be part of.
func (t *Table) pairsOf(it *item) []*pair {
	if it.in.empty() {
		return nil
	}
	var out []*pair
	for i := range t.pairs {
		if r := &t.pairs[i]; it.in.has(r.a) || it.in.has(r.b) {
			out = append(out, r)
		}
	}
	return out
}

func (c *checker) interact(x, y *item, due []*pair) {
	if !c.told(x, y) || y.topical || x.code == y.code {
		return
	}
	for _, r := range due {
		a, b := x, y
		switch {
		case x.in.has(r.a) && y.in.has(r.b):
		case y.in.has(r.a) && x.in.has(r.b):
			a, b = y, x
		default:
			continue
		}
		c.add(Alert{
			Rule: r.rule, Kind: record.AlertInteraction, Severity: r.severity, Source: r.source,
			Text: c.t.because("pair", r.effect, r.advice, a, b),
		}, x, y)
	}
}

// cautions looks for what is not for this patient. What the patient takes
// already is told of when the draft changes their state.
func (c *checker) cautions() {
	for i := range c.t.cautions {
		x := &c.t.cautions[i]
		if !x.state.holds(c.p) {
			continue
		}
		changed := c.draft == nil || !x.state.holds(c.before)
		for j := range c.medicines {
			c.caution(x, &c.medicines[j], changed)
		}
		for j := range c.acts {
			c.caution(x, &c.acts[j], changed)
		}
	}
}

func (c *checker) caution(x *caution, it *item, changed bool) {
	if !it.in.has(x.class) || it.topical || !it.fresh && (!changed || x.state.is == stateFertile) {
		return
	}
	template := "caution"
	if x.state.is == stateFertile {
		template = "ask"
	}
	alert := Alert{
		Rule: x.rule, Kind: x.state.kind(), Severity: x.severity, Source: x.source,
		Text: c.t.because(template, x.effect, x.advice, it, nil), Sensitive: c.p.hidden && x.state.kind() != record.AlertAge,
	}
	if x.state.is != stateIll {
		c.add(alert, it)
		return
	}
	if ill, ok := c.illness(x.state.class); ok {
		alert.Text = c.t.because(template, x.effect, x.advice, it, &ill)
		c.add(alert, it, &ill)
	}
}

// illness finds the problem by which the patient is in a class, the first in
// the order of the codes.
func (c *checker) illness(class int) (item, bool) {
	var best terms.Code
	look := func(code terms.Code) {
		if in := c.t.classesOf(code); in.has(class) && (best.IsZero() || compareCodes(code, best) < 0) {
			best = code
		}
	}
	secret := false
	for _, x := range c.p.current.Problems {
		look(x.Code)
	}
	if c.draft != nil {
		for i := range c.draft.Diagnoses {
			if d := &c.draft.Diagnoses[i]; stands(d) {
				look(d.Code)
			}
		}
		for i := range c.draft.Diagnoses {
			secret = secret || c.draft.Diagnoses[i].Code == best && c.draft.Diagnoses[i].Sensitive
		}
	}
	return item{code: best, secret: secret || c.p.isSecret(best)}, !best.IsZero()
}
