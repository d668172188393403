package terms

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dhamani-iq/dhamani/record/ucum"
)

// ErrTable is returned for an edition of the table that cannot be used.
var ErrTable = errors.New("malformed terminology table")

// Slot is a part of the table whose rows are numbered from 0, in the order in
// which they stand. Stored records hold these numbers: rows are only ever
// added at the end.
type Slot uint8

// The slots.
const (
	Findings     Slot = iota // diagnoses, reasons, reactions, coded answers
	Medicines                // and substances
	Observations             // measurements, questions and panels
	Vaccines
	Acts // visits, procedures, care plans, places of the body
	NumSlots
)

var slotNames = [NumSlots]string{"finding", "medicine", "observation", "vaccine", "act"}

// String returns the slot's name, as in an update of the table.
func (s Slot) String() string {
	if s >= NumSlots {
		return fmt.Sprintf("slot(%d)", uint8(s))
	}
	return slotNames[s]
}

// SlotByName finds a slot by its name.
func SlotByName(name string) (Slot, bool) {
	i := slices.Index(slotNames[:], name)
	return Slot(max(i, 0)), i >= 0 // #nosec G115 -- one of five
}

// Row is a term with its place in the table.
type Row struct {
	Term
	// Edition is the first one that has the row.
	Edition uint32
	// Unit, Scale, Category and Members shorten an observation in stored
	// records, so only rows of the first edition have them. Unit is UCUM; Scale
	// is the number of decimals, negative for the unit's own; Category is the
	// kind of an observation, empty for laboratory; Members are the components
	// of an observation, or the observations of a panel, in order.
	Unit     string
	Scale    int
	Category string
	Members  []Code
}

// Bounds of the table.
const (
	MaxRows    = 1 << 16 // of a slot
	maxDisplay = 160     // bytes of the words for a code in one language
	maxMembers = 40
)

// Table is an edition of the terminology table. It does not change, and it is
// safe for concurrent use.
type Table struct {
	Edition uint32
	// Digest covers all of it: of the first edition SHA-256 over the files of
	// the slots in order and that of the facts, of each next one SHA-256 over
	// the digest before and the text of the update.
	Digest [32]byte

	rows  [NumSlots][]Row
	index index
	facts facts

	once   sync.Once
	search lexicon // made for the first search
}

type place struct {
	slot            Slot
	number, edition uint32
}

//go:embed table/*.tsv
var files embed.FS

var (
	base    = mustBase()
	current atomic.Pointer[Table]
)

func mustBase() *Table {
	t, err := parseBase()
	if err != nil {
		panic("terms: internal error: " + err.Error())
	}
	current.Store(t)
	return t
}

func parseBase() (*Table, error) {
	t := &Table{Edition: 1, facts: facts{
		maps: make(map[mapped][]Code, 512), masses: make(map[Code]ucum.Substance, 64), lines: make(map[Code]line),
		also: make(map[Code][]string, 256),
	}}
	sum := sha256.New()
	for s := range NumSlots {
		text, err := files.ReadFile("table/" + s.String() + ".tsv")
		if err != nil {
			return nil, err
		}
		sum.Write(text)
		if err := t.parse(s, string(text)); err != nil {
			return nil, err
		}
	}
	text, err := files.ReadFile("table/facts.tsv")
	if err != nil {
		return nil, err
	}
	sum.Write(text)
	for l := range strings.Lines(string(text)) {
		if known, err := t.fact(strings.Split(strings.TrimSuffix(l, "\n"), "\t")); !known || err != nil {
			return nil, fmt.Errorf("facts, %.40q: %w", l, ErrTable)
		}
	}
	sum.Sum(t.Digest[:0])
	return t, nil
}

// Base returns the first edition, which every program has.
func Base() *Table { return base }

// Current returns the edition in use.
func Current() *Table { return current.Load() }

// Use makes t the edition in use, unless a later one is.
func Use(t *Table) {
	for {
		old := current.Load()
		if old.Edition >= t.Edition || current.CompareAndSwap(old, t) {
			return
		}
	}
}

// parse reads the first edition's lines "system TAB code TAB flags TAB ar TAB
// ckb TAB en", for observations followed by "TAB unit TAB category TAB
// members"; a dash stands for nothing.
func (t *Table) parse(s Slot, text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		row := Row{Scale: -1}
		ok := len(f) == 6
		if s == Observations {
			ok = len(f) == 9 && row.measure(f[6:])
			f = f[:min(6, len(f))]
		}
		if !ok || !row.words(f) {
			return fmt.Errorf("%s, line %d: %w", s, n, ErrTable)
		}
		if err := t.add(s, row); err != nil {
			return fmt.Errorf("%s, line %d: %w", s, n, err)
		}
	}
	return nil
}

// add appends a row, which must be new.
func (t *Table) add(s Slot, row Row) error {
	if _, dup := t.index.get(row.Code); dup {
		return fmt.Errorf("%s again: %w", row.Code, ErrTable)
	}
	if len(t.rows[s]) >= MaxRows {
		return fmt.Errorf("too many rows: %w", ErrTable)
	}
	row.Edition = t.Edition
	t.index.put(row.Code, place{s, uint32(len(t.rows[s])), t.Edition}) // #nosec G115 -- bounded above
	t.rows[s] = append(t.rows[s], row)
	return nil
}

// words reads the columns system, code, flags and words; flags are letters: c
// chronic, s sensitive, n nothing, - none.
func (r *Row) words(f []string) bool {
	sys, ok := SystemByName(f[0])
	r.Code = Code{System: sys, Value: f[1]}
	if !ok || sys == Text || r.Code.Validate() != nil {
		return false
	}
	for i, d := range f[3:] {
		if d == "" || len(d) > maxDisplay || d != strings.TrimSpace(d) {
			return false
		}
		r.Display[i] = d
	}
	for _, c := range f[2] {
		switch c {
		case 'c':
			r.Chronic = true
		case 's':
			r.Sensitive = true
		case 'n':
			r.Absent = true
		case '-':
		default:
			return false
		}
	}
	return true
}

func (r *Row) measure(f []string) bool {
	if f[0] != "-" {
		unit, decimals, given := strings.Cut(f[0], " ")
		r.Unit = unit
		if given {
			if len(decimals) != 1 || decimals[0] < '0' || decimals[0] > '9' {
				return false
			}
			r.Scale = int(decimals[0] - '0')
		}
	}
	if f[1] != "-" {
		r.Category = f[1]
	}
	if f[2] != "-" {
		for m := range strings.SplitSeq(f[2], " ") {
			r.Members = append(r.Members, Code{LOINC, m})
		}
	}
	return len(r.Members) <= maxMembers
}

// Find returns the place of a code and the first edition that has it.
func (t *Table) Find(c Code) (s Slot, number, edition uint32, ok bool) {
	p, ok := t.index.get(c)
	return p.slot, p.number, p.edition, ok
}

// Row returns a row by its place, nil when there is none.
func (t *Table) Row(s Slot, number uint32) *Row {
	if s >= NumSlots || uint64(number) >= uint64(len(t.rows[s])) {
		return nil
	}
	return &t.rows[s][number]
}

// Len returns the number of rows of a slot.
func (t *Table) Len(s Slot) int { return len(t.rows[s]) }
