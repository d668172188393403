package alerts

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// Bounds of a table.
const (
	MaxTable   = 1 << 20 // bytes of text
	maxRows    = 4096    // of one kind
	maxClasses = 384
	maxField   = 600 // bytes of a field
	maxRule    = 32  // bytes of a rule's name
)

// Table is an edition of the rules. It does not change, and it is safe for
// concurrent use.
type Table struct {
	Edition uint32
	// Digest is SHA-256 over the text.
	Digest [32]byte

	sources    map[string]string
	phrases    map[string]words
	classes    []class
	index      map[string]int          // of classes, by name
	within     map[terms.Code]set      // classes of a code and of what begins with it
	without    map[terms.Code]set      // classes that a code and what begins with it is not in
	means      map[terms.Code][]string // ATC codes that the terminology table does not tell
	parts      map[string][]string     // ingredients that it does not tell
	same       map[string]string       // ATC code of the substance under its usual one
	spoken     map[string]terms.Code   // codes for folded words
	negative   map[string]bool         // folded words that deny what follows
	turning    map[string]bool         // and after which it is denied no more
	crosses    []cross
	pairs      []pair
	twices     []twice
	usualSame  []string // ATC groups of which two with one substance are usual
	usualGroup []string // and of which several at once are
	cautions   []caution
	doses      map[string]dose    // by ATC code
	values     map[terms.Code]int // places in ranges
	ranges     []valueRange
	named      atomic.Pointer[names] // words of the terminology table
	rules      map[string]bool       // names of rules, each once
}

// words is a text in Arabic, Sorani and English.
type words [len(languages)]string

var languages = [...]string{"ar", "ckb", "en"}

// class is a named set of codes.
type class struct {
	name     string
	patterns []string
	says     words // its name for people, empty when it has none
}

// cross is a reaction to a medicine of one class in somebody who reacts to
// another.
type cross struct {
	rule             string
	allergen, given  int
	severity         Severity
	evidence, source string // phrase, title
}

// pair is an interaction between medicines of two classes.
type pair struct {
	rule           string
	a, b           int
	severity       Severity
	effect, advice string // phrases
	source         string
}

// twice is a class of which one medicine is enough.
type twice struct {
	rule           string
	class          int
	severity       Severity
	effect, advice string
	source         string
}

// caution is a class that is not for everybody.
type caution struct {
	rule           string
	class          int
	state          state
	severity       Severity
	effect, advice string
	source         string
}

// dose bounds what is taken of a substance by one route, in one unit. A zero
// bound is none.
type dose struct {
	atc, unit        string
	least, most, day float64 // of one dose, and in 24 hours
	childDay         float64 // in 24 hours for each kilogram of body weight
	weekly           bool    // taken on one day of the week; day is then a week's
	source           string
}

// valueRange bounds what an observation can find in a living person.
type valueRange struct {
	rule                string
	code                terms.Code
	unit                string
	low, high           float64
	usualLow, usualHigh float64
	others              []string // units in which laboratories give it too
	source              string
}

// set is a set of classes.
type set [maxClasses / 64]uint64

func (s *set) add(n int)      { s[n/64] |= 1 << (n % 64) }
func (s *set) has(n int) bool { return s[n/64]>>(n%64)&1 != 0 }

func (s *set) join(o set) {
	for i := range s {
		s[i] |= o[i]
	}
}

func (s *set) drop(o set) {
	for i := range s {
		s[i] &^= o[i]
	}
}

func (s *set) empty() bool { return *s == set{} }

//go:embed table/*.tsv
var files embed.FS

// order is that of the files: a class stands before what names it.
var order = [...]string{"words", "classes", "allergies", "interactions", "cautions", "doses", "values"}

// base is read when it is first wanted: most commands never do.
var base = sync.OnceValue(func() *Table {
	t, err := Parse(BaseText())
	if err != nil {
		panic("alerts: internal error: " + err.Error())
	}
	return t
})

// BaseText returns the text of the edition that every program has.
func BaseText() string {
	var text strings.Builder
	for _, name := range order {
		b, err := files.ReadFile("table/" + name + ".tsv")
		if err != nil {
			panic("alerts: internal error: " + err.Error())
		}
		text.Write(b)
	}
	return text.String()
}

// Base returns the edition that every program has.
func Base() *Table { return base() }

var current atomic.Pointer[Table] // nil: Base

// Current returns the edition in use.
func Current() *Table {
	if t := current.Load(); t != nil {
		return t
	}
	return Base()
}

// Use makes t the edition in use.
func Use(t *Table) { current.Store(t) }

// Rules returns the number of rules.
func (t *Table) Rules() int { return len(t.rules) }

// Parse reads an edition. It owes ErrTable.
func Parse(text string) (*Table, error) {
	if len(text) > MaxTable {
		return nil, fmt.Errorf("text of %d bytes: %w", len(text), ErrTable)
	}
	p := parser{t: &Table{
		Digest:  sha256.Sum256([]byte(text)),
		sources: make(map[string]string), phrases: make(map[string]words), index: make(map[string]int),
		within: make(map[terms.Code]set), without: make(map[terms.Code]set), means: make(map[terms.Code][]string),
		parts: make(map[string][]string), same: make(map[string]string), spoken: make(map[string]terms.Code),
		negative: make(map[string]bool), turning: make(map[string]bool), doses: make(map[string]dose), values: make(map[terms.Code]int),
		rules: make(map[string]bool),
	}}
	if err := p.text(text); err != nil {
		return nil, err
	}
	return p.t, nil
}

// kind is that of the alerts which cautions about the state give.
func (s state) kind() record.AlertKind {
	switch s.is { //nolint:exhaustive // the rest are illnesses
	case statePregnant, stateFertile, stateNursing:
		return record.AlertPregnancy
	case stateUnder, stateOver:
		return record.AlertAge
	default:
		return record.AlertCondition
	}
}
