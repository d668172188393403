package fhir

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// narrative is the text of a resource for people, in XHTML.
type narrative struct {
	Status string `json:"status"`
	Div    string `json:"div"`
}

// div writes lines as a list in the document's language. Everything in them is
// text: nothing of a record becomes markup.
func (x *exporter) div(lines ...string) *narrative {
	var b strings.Builder
	b.WriteString(`<div xmlns="http://www.w3.org/1999/xhtml" lang="` + x.Language + `" xml:lang="` + x.Language + `"`)
	if x.Language != "en" {
		b.WriteString(` dir="rtl"`)
	}
	b.WriteString("><ul>")
	for _, l := range lines {
		b.WriteString("<li>" + html.EscapeString(strings.Map(printable, l)) + "</li>")
	}
	b.WriteString("</ul></div>")
	return &narrative{Status: "generated", Div: b.String()}
}

// printable drops what no XML may hold (XML 1.0, 2.2), and breaks of lines.
func printable(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return ' '
	case r < ' ', r == utf8.RuneError, r == 0xFFFE, r == 0xFFFF:
		return -1
	default:
		return r
	}
}

// opening tells whose summary it is, of when, and what is not in it.
func (x *exporter) opening(id *record.Identity) *narrative {
	lines := []string{
		id.DisplayName(x.Language),
		say(x.Language, "as of") + " " + x.doc.now.Format("2006-01-02 15:04 UTC"),
		say(x.Language, "source"),
	}
	if !x.Sensitive || x.doc.locked[record.SectionSensitive] {
		lines = append(lines, say(x.Language, "without sensitive"))
	}
	var locked []string
	for _, s := range record.AllSections() {
		// That there is something sensitive is not told.
		if x.doc.locked[s] && s != record.SectionSensitive {
			locked = append(locked, say(x.Language, s.String()))
		}
	}
	if len(locked) > 0 {
		lines = append(lines, say(x.Language, "locked parts")+" "+strings.Join(locked, ", "))
	}
	return x.div(lines...)
}

// join puts the parts of a line together, without those that are empty.
func join(parts ...string) string {
	out := parts[:0]
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ", ")
}

func (x *exporter) word(c record.Code) string { return terms.Display(c, x.Language) }

// day is the day of an item, or of its encounter.
func day(m record.Moment, e *record.Entry) string {
	s := when(m, e)
	return s[:min(len(s), len("2006-01-02"))]
}

func (x *exporter) problemLine(d *record.Diagnosis, e *record.Entry) string {
	since := day(first(d.Onset, d.At), e)
	if !d.End.IsZero() {
		since += " – " + day(d.End, e)
	}
	return join(x.word(d.Code), say(x.Language, d.Severity.String()), since, d.Note)
}

func (x *exporter) allergyLine(a *record.Allergy) string {
	parts := []string{x.word(a.Code), say(x.Language, a.Severity.String())}
	for _, c := range a.Reactions {
		parts = append(parts, x.word(c))
	}
	return join(append(parts, a.Note)...)
}

func (x *exporter) medicineLine(p *record.Prescription, e *record.Entry) string {
	often := ""
	if f := p.Frequency; f.Times > 0 {
		often = strconv.Itoa(int(f.Times)) + " × / " + strconv.Itoa(int(f.Period)) + " " + f.Unit.String()
	}
	return join(x.word(p.Medicine), amount(p.Dose), often, p.Directions, day(p.At, e))
}

func amount(q *record.Quantity) string {
	if q == nil {
		return ""
	}
	return strings.TrimSpace(q.Value.String() + " " + q.Unit)
}

func (x *exporter) value(v *record.Value) string {
	switch {
	case v.Quantity != nil:
		return amount(v.Quantity)
	case v.Code != nil:
		return x.word(*v.Code)
	case v.Bool != nil && *v.Bool:
		return say(x.Language, "yes")
	case v.Bool != nil:
		return say(x.Language, "no")
	default:
		return v.Text
	}
}

func (x *exporter) resultLine(o *record.Observation, e *record.Entry) string {
	parts := []string{strings.TrimSpace(x.word(o.Code) + " " + x.value(&o.Value))}
	for i := range o.Components {
		c := &o.Components[i]
		parts = append(parts, x.word(c.Code)+" "+x.value(&c.Value))
	}
	return join(append(parts, o.Interpretation.String(), o.Note, day(o.At, e))...)
}

func (x *exporter) panelLine(p *record.Panel, e *record.Entry) string {
	parts := []string{x.word(p.Code)}
	for i := range p.Observations {
		o := &p.Observations[i]
		parts = append(parts, strings.TrimSpace(x.word(o.Code)+" "+x.value(&o.Value)+" "+o.Interpretation.String()))
	}
	return join(append(parts, p.Conclusion, day(p.At, e))...)
}

func (x *exporter) procedureLine(p *record.Procedure, e *record.Entry) string {
	return join(x.word(p.Code), p.Note, day(p.At, e))
}

func (x *exporter) vaccineLine(m *record.Immunisation, e *record.Entry) string {
	dose := ""
	if m.Dose > 0 {
		dose = "№ " + strconv.Itoa(int(m.Dose))
	}
	return join(x.word(m.Vaccine), dose, m.Lot, day(m.At, e))
}

func (x *exporter) planLine(p *record.CarePlan, e *record.Entry) string {
	parts := []string{x.word(p.Code)}
	for _, a := range p.Activities {
		parts = append(parts, x.word(a.Code))
	}
	return join(append(append(parts, p.Goals...), day(p.At, e))...)
}

func (x *exporter) coverLine(c *record.Cover) string {
	return join(c.Payer, c.Plan, c.Member, c.From.String()+" – "+c.Until.String())
}
