package fhir

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/record/ucum"
)

// Reasons for not carrying a resource.
var (
	errMalformed = errors.New("malformed")
	errNoCode    = errors.New("no code and no words")
	errNoDate    = errors.New("no date, and none in the bundle")
	errLabel     = errors.New("labelled restricted, and this kind has no sensitive form")
	errNoVisit   = errors.New("its encounter is not carried")
	errMistake   = errors.New("entered in error")
	errDoNot     = errors.New("asks that something be not done")
	errAbsent    = errors.New("says only that nothing is known")
)

// parse reads the job's resource into T.
func parse[T any](j *job) (*T, error) {
	v := new(T)
	if err := read(j.raw, v); err != nil {
		return nil, errMalformed
	}
	return v, nil
}

// prefer gives the order of systems for a kind of code, the best first.
var (
	preferProblem   = []terms.System{terms.ICD10, terms.SNOMED, terms.Own}
	preferMedicine  = []terms.System{terms.ATC, terms.RxNorm, terms.SNOMED, terms.Own}
	preferFinding   = []terms.System{terms.LOINC, terms.SNOMED, terms.Own, terms.ICD10}
	preferProcedure = []terms.System{terms.SNOMED, terms.LOINC, terms.Own, terms.ICD10}
	preferVaccine   = []terms.System{terms.CVX, terms.ATC, terms.SNOMED, terms.Own}
	preferAllergen  = []terms.System{terms.ATC, terms.SNOMED, terms.RxNorm, terms.ICD10, terms.Own}
)

// code picks the code of a concept: the best system's, else the words. What is
// beside it is lost by name.
func (j *job) code(c *concept, prefer []terms.System, element string) (record.Code, bool) {
	if c == nil {
		return record.Code{}, false
	}
	best, rank := record.Code{}, len(prefer)
	words := c.Text
	known := 0
	for _, x := range c.Coding {
		if fact, ok := x.fact(); ok {
			x = fact
		}
		if words == "" {
			words = x.Display
		}
		sys, ok := terms.SystemByURI(x.System)
		code := record.Code{System: sys, Value: x.Code}
		if !ok || code.Validate() != nil {
			continue
		}
		known++
		i := slices.Index(prefer, sys)
		if i < 0 {
			i = len(prefer) - 1
		}
		if i < rank {
			best, rank = code, i
		}
	}
	if !best.IsZero() {
		j.loseIf(len(c.Coding) > 1, element+" (further codings)")
		j.loseIf(!c.says(best), element+".text")
		return best, true
	}
	if words == "" && len(c.Coding) > 0 {
		words = c.Coding[0].Code
	}
	if words = j.words(words, terms.MaxText, element); words == "" {
		return record.Code{}, false
	}
	j.loseIf(len(c.Coding) > known, element+" (coding of an unknown system)")
	return record.Code{System: terms.Text, Value: words}, true
}

// says reports whether a concept's words are none but those of its code.
func (c *concept) says(code record.Code) bool {
	if c.Text == "" {
		return true
	}
	for i := range c.Coding {
		if strings.EqualFold(c.Text, c.Coding[i].Display) || strings.EqualFold(c.Text, c.Coding[i].Code) {
			return true
		}
	}
	t, ok := terms.Lookup(code)
	return ok && slices.ContainsFunc(t.Display[:], func(words string) bool { return strings.EqualFold(c.Text, words) })
}

func (j *job) optCode(c *concept, prefer []terms.System, element string) *record.Code {
	if v, ok := j.code(c, prefer, element); ok {
		return &v
	}
	return nil
}

// clean makes text fit to be kept: of several lines where they may stand, else
// of one. Characters that are none, such as those of another encoding, are lost
// by name.
func (j *job) clean(s string, lines bool, element string) string {
	j.loseIf(strings.ContainsRune(s, utf8.RuneError), element+" (characters that are none)")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
			return r
		case r < ' ', r == 0x7f:
			return ' '
		case r == utf8.RuneError:
			return -1
		}
		return r
	}, s))
}

// words cleans text and cuts it to a limit, between characters.
func (j *job) words(s string, limit int, element string) string {
	clean := j.clean(s, limit > terms.MaxText, element)
	if len(clean) <= limit {
		return clean
	}
	j.lose(element + " (cut)")
	for clean = clean[:limit]; !utf8.ValidString(clean); {
		clean = clean[:len(clean)-1]
	}
	return strings.TrimSpace(clean)
}

// exact cleans text of which a part means something else, such as a number or
// the name of a unit: what is longer than its limit is lost as a whole.
func (j *job) exact(s string, limit int, element string) string {
	clean := j.clean(s, false, element)
	if len(clean) > limit {
		j.lose(element + " (too long)")
		return ""
	}
	return clean
}

// maxRefs is the number of references of one element that are followed, where
// each costs a reading of the resource.
const maxRefs = 64

const (
	noteLimit  = 600
	shortLimit = 160
	codeLimit  = 24
)

func (j *job) note(list []annotation, element string) string {
	var all []string
	for _, n := range list {
		if n.Text != "" {
			all = append(all, n.Text)
		}
	}
	return j.words(strings.Join(all, "\n"), noteLimit, element)
}

func notes(s string) []annotation {
	if s == "" {
		return nil
	}
	return []annotation{{Text: s}}
}

// moment reads a dateTime; a malformed one is lost.
func (j *job) moment(s, element string) record.Moment {
	m, err := record.ParseMoment(s)
	if err != nil {
		j.lose(element + " (malformed)")
	}
	return m
}

// first returns the first of several times that is said.
func first(ms ...record.Moment) record.Moment {
	for _, m := range ms {
		if !m.IsZero() {
			return m
		}
	}
	return record.Moment{}
}

// at is an item's time as it is kept: zero when it is the encounter's start.
func at(m record.Moment, e *record.Entry) record.Moment {
	if m.Precision == record.ToMinute && m.Time.Equal(e.Start) {
		return record.Moment{}
	}
	return m
}

// when is the reverse of at.
func when(m record.Moment, e *record.Entry) string {
	if m.IsZero() {
		return stamp(e.Start)
	}
	return m.String()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// entry finds the entry that an item belongs to: its encounter's, or else the
// one of its own date.
func (j *job) entry(ref *reference, date record.Moment) (*record.Entry, error) {
	if x := j.im.resolve(ref, "Encounter"); x != nil {
		if e := j.im.encounter[x]; e != nil {
			return e, nil
		}
		if j.im.refused[x] {
			return nil, errNoVisit
		}
	}
	j.loseIf(ref != nil && (ref.Reference != "" || ref.Identifier != nil || ref.Display != ""), "encounter")
	if date.IsZero() {
		if date = j.im.stamp; date.IsZero() {
			return nil, errNoDate
		}
		j.lose("date (missing: the bundle's is taken)")
	}
	key := date.Time.Unix()
	e := j.im.loose[key]
	if e == nil {
		e = &record.Entry{Start: date.Time, Class: record.ClassRecord}
		if err := e.Validate(); err != nil {
			return nil, err
		}
		j.im.loose[key] = e
		j.im.out.Entries = append(j.im.out.Entries, e)
	}
	return e, nil
}

// reasons gathers codes and the codes of conditions and the like referred to.
func (j *job) reasons(codes []concept, refs []reference, element string) []record.Code {
	var out []record.Code
	add := func(c record.Code) {
		switch {
		case slices.Contains(out, c):
		case len(out) == 8:
			j.lose(element + " (beyond eight)")
		default:
			out = append(out, c)
		}
	}
	for i := range codes {
		if c, ok := j.code(&codes[i], preferProblem, element+"Code"); ok {
			add(c)
		}
	}
	for i := range refs {
		if c, ok := j.code(j.codeOf(&refs[i], ""), preferProblem, element+"Reference"); ok {
			add(c)
			continue
		}
		j.lose(element + "Reference")
	}
	return out
}

// codeOf returns the code of what a reference names: a resource contained in
// the job's, or one of the Bundle.
func (j *job) codeOf(ref *reference, kind string) *concept {
	if id, ok := strings.CutPrefix(ref.Reference, "#"); ok {
		if x := j.contained[id]; x != nil && (kind == "" || x.kind == kind) {
			return x.concept()
		}
		return nil
	}
	if x := j.im.resolve(ref, kind); x != nil {
		return x.concept()
	}
	return nil
}

// noise is the number of significant digits from which a number is not a
// measurement but the residue of computing.
const noise = 10

// quantity reads an amount. A number with the residue of computing in it is
// rounded to the decimals that its unit commonly has, two digits at least.
func (j *job) quantity(q *quantity, element string) *record.Quantity {
	return j.measured(q, record.Code{}, element)
}

// measured is the same for what a code names: a number in the unit that the
// code table has for it is rounded to the decimals there.
func (j *job) measured(q *quantity, code record.Code, element string) *record.Quantity {
	if q == nil || q.Value == "" || q.Comparator != "" {
		j.loseIf(q != nil, element)
		return nil
	}
	d, exact, err := record.ParseDecimal(q.Value.String())
	if err != nil {
		j.lose(element + " (out of range)")
		return nil
	}
	unit := q.Code
	if unit == "" || (q.System != uriUCUM && q.Unit != "") {
		unit = q.Unit
	}
	if unit != "" {
		if unit = j.exact(j.spell(unit), codeLimit, element+".unit"); unit == "" {
			return nil // a number without its unit is another amount
		}
	}
	if unit == "1" && q.System == uriUCUM {
		unit = ""
	}
	if !exact || digits(d) >= noise {
		scale, known := record.CodeScale(code, unit)
		if !known {
			var ok bool
			if scale, ok = record.UnitScale(unit); !ok {
				scale = 2
			}
		}
		r := d.Round(scale)
		for !known && scale < d.Scale && digits(r) < 2 {
			scale++
			r = d.Round(scale)
		}
		if d.Mantissa == 0 && tiny(q.Value) {
			j.lose(element + " (out of range)")
			return nil
		}
		d = r
		j.lose(element + " (rounded)")
	}
	return &record.Quantity{Value: d, Unit: unit}
}

// maxUnits is the number of spellings that are told of one resource. Beyond it
// only that there are more is told.
const maxUnits = 32

// spell returns a unit as UCUM writes it, where another spelling is meant: the
// number stays what it is. A unit of the format's table, and one that is not
// known, stay as they are written.
func (j *job) spell(unit string) string {
	if _, ok := record.UnitScale(unit); ok {
		return unit
	}
	spelt, ok := ucum.Normal(unit)
	if !ok || spelt == unit {
		return unit
	}
	told := short(unit) + " as " + spelt
	if len(j.units) >= maxUnits {
		told = further
	}
	if !slices.Contains(j.units, told) {
		j.units = append(j.units, told)
	}
	return spelt
}

// tiny reports whether a number of which no digit can be kept is more than
// nothing.
func tiny(n number) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(n.String()), "e")
	return strings.ContainsAny(mantissa, "123456789")
}

func digits(d record.Decimal) int {
	n := 0
	for m := d.Mantissa; m != 0; m /= 10 {
		n++
	}
	return n
}

func exportQuantity(q *record.Quantity) *quantity {
	if q == nil {
		return nil
	}
	out := &quantity{Value: number(q.Value.String())}
	out.Unit = q.Unit
	if _, ok := record.UnitScale(q.Unit); ok && q.Unit != "" {
		out.System, out.Code = uriUCUM, q.Unit
	}
	return out
}

func exportCode(c record.Code) *concept {
	if c.System == terms.Text {
		return &concept{Text: c.Value}
	}
	x := coding{System: c.System.URI(), Code: c.Value}
	if t, ok := terms.Lookup(c); ok {
		x.Display = t.Display[terms.English]
	}
	return &concept{Coding: []coding{x}}
}

func exportOptCode(c *record.Code) *concept {
	if c == nil {
		return nil
	}
	return exportCode(*c)
}

func exportCodes(cs []record.Code) []concept {
	var out []concept
	for _, c := range cs {
		out = append(out, *exportCode(c))
	}
	return out
}

func single(system, code string) *concept {
	return &concept{Coding: []coding{{System: system, Code: code}}}
}

// unknownConcept stands where FHIR demands a concept and the record has none.
func unknownConcept() *concept { return single(uriDataAbsent, "unknown") }

// primitive is what stands beside a value that is not there.
type primitive struct {
	Extension []extension `json:"extension"`
}

func unknownPrimitive() *primitive {
	return &primitive{[]extension{{URL: extAbsent, Code: "unknown"}}}
}

// has reports whether one of the codings is of that system and code.
func (c *concept) has(system, code string) bool {
	return c != nil && slices.ContainsFunc(c.Coding, func(x coding) bool { return x.System == system && x.Code == code })
}

// token returns the code of the first coding, whatever its system.
func (c *concept) token() string {
	if c == nil || len(c.Coding) == 0 {
		return ""
	}
	return c.Coding[0].Code
}
