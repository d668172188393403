package record

import (
	"fmt"
	"slices"
	"sync"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// Sections returns the entry's content: for each section that holds anything
// a sequence of keys and values. The lowest section present carries the core
// fields too; an entry with nothing but core fields has the clinical section.
// One that amends another always has the coverage section: whoever meets a
// patient learns what it replaces, and so does whoever counts charges. It owes
// ErrInvalid.
func (e *Entry) Sections() (map[Section][]byte, error) {
	b, lengths, err := e.AppendTo(make([]byte, 0, 192))
	if err != nil {
		return nil, err
	}
	out := make(map[Section][]byte, 4)
	at := 0
	for s, n := range lengths {
		if n > 0 {
			out[Section(s)] = b[at : at+n : at+n] // #nosec G115 -- one of six
			at += n
		}
	}
	return out, nil
}

// AppendTo appends what Sections returns to b, section after section, and says
// how long each is; one that holds nothing has the length 0. It allocates
// nothing when b has room, unless the entry's lists are not in the order in
// which they decode. It owes ErrInvalid, and returns b as it was then.
func (e *Entry) AppendTo(b []byte) ([]byte, [NumSections]int, error) {
	var lengths [NumSections]int
	check := checker{later: true}
	if check.entry(e); check.err != nil {
		return b, lengths, check.err
	}
	c := codecs.Get().(*codec) //nolint:forcetypeassert // the pool holds nothing else
	defer c.free()
	e, signs := e.normal()
	present := e.present()
	c.w = newWriter(e.Start)
	c.w.b, c.w.signs = b, signs
	core := true
	for s := range Section(NumSections) {
		if present&(1<<s) == 0 {
			continue
		}
		start := len(c.w.b)
		c.w.section(e, s, core)
		core = false
		if lengths[s] = len(c.w.b) - start; lengths[s] > maxSection {
			return b, [NumSections]int{}, fmt.Errorf("section %s of %d bytes: %w", s, lengths[s], ErrInvalid)
		}
	}
	if c.w.unknown {
		return b, [NumSections]int{}, e.Validate()
	}
	return c.w.b, lengths, nil
}

// present returns a bit for each section that holds anything.
func (e *Entry) present() (mask uint8) {
	if e.Cost != nil || e.Amends != nil {
		mask |= 1 << SectionCoverage
	}
	if len(e.Allergies) > 0 {
		mask |= 1 << SectionSummary
	}
	mask |= ends(e.Prescriptions, SectionMedication, (*Prescription).secret)
	mask |= ends(e.Observations, SectionLaboratory, (*Observation).secret)
	mask |= ends(e.Panels, SectionLaboratory, (*Panel).secret)
	mask |= ends(e.Diagnoses, SectionClinical, (*Diagnosis).secret)
	mask |= ends(e.Procedures, SectionClinical, (*Procedure).secret)
	mask |= ends(e.CarePlans, SectionClinical, (*CarePlan).secret)
	mask |= ends(e.Notes, SectionClinical, (*Note).secret)
	mask |= ends(e.Referrals, SectionClinical, (*Referral).secret)
	mask |= ends(e.Overrides, SectionMedication, (*Override).secret)
	mask |= ends(e.Immunisations, SectionClinical, never)
	mask |= ends(e.Imaging, SectionClinical, never)
	switch {
	case e.Type == nil && len(e.Reasons) == 0:
	case e.Sensitive:
		mask |= 1 << SectionSensitive
	default:
		mask |= 1 << SectionClinical
	}
	for _, x := range e.Extensions {
		mask |= 1 << x.Section
	}
	if mask == 0 {
		mask = 1 << SectionClinical
	}
	return mask
}

// ends returns the sections of a list's first and last item: the sensitive
// stand behind the others.
func ends[T any](list []T, s Section, sensitive func(*T) int) uint8 {
	if len(list) == 0 {
		return 0
	}
	return both(list, s, sensitive)
}

func both[T any](list []T, s Section, sensitive func(*T) int) (mask uint8) {
	for _, x := range [...]*T{&list[0], &list[len(list)-1]} {
		if sensitive(x) != 0 {
			mask |= 1 << SectionSensitive
		} else {
			mask |= 1 << s
		}
	}
	return mask
}

// Decode reads an entry from its sections. The map names every section of the
// sealed entry; one that is locked for the reader has a nil value and is
// listed in Missing. When the lowest section is locked the core fields are not
// known: they are zero. Whatever is accepted encodes to the same bytes again.
// It owes a SyntaxError.
func Decode(meta Meta, sections map[Section][]byte) (*Entry, error) {
	e := new(readEntry)
	e.Person, e.Start = meta.Person, minute(meta.Start)
	if e.Person > maxPerson || e.Start.Before(Epoch) || len(sections) == 0 {
		return nil, &SyntaxError{What: "person, time or number of sections out of range"}
	}
	var texts [NumSections][]byte
	present := uint(0)
	for s, b := range sections {
		if !s.Valid() {
			return nil, &SyntaxError{What: "unknown section"}
		}
		texts[s] = b
		present |= 1 << s
	}
	c := codecs.Get().(*codec) //nolint:forcetypeassert // the pool holds nothing else
	defer c.free()
	r := &c.r
	r.table, r.err = terms.Current(), nil
	r.amounts, r.codings = e.amounts[:0], e.codings[:0]
	// The core goes first: times in all sections count from the true start.
	core := true
	for s := range Section(NumSections) {
		if present&(1<<s) == 0 {
			continue
		}
		if texts[s] == nil {
			e.Missing = append(e.Missing, s)
			core = false
			continue
		}
		r.next(texts[s], e.Start, s == SectionSensitive)
		own, err := r.section(e, s, core)
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", s, err)
		}
		if core && e.Amends != nil && s != SectionCoverage {
			return nil, fmt.Errorf("section %s: %w", s, &SyntaxError{What: "amends another entry outside of the coverage section"})
		}
		// Core fields alone make no section, but for an entry that has nothing else or amends another.
		if alone := s == SectionClinical && len(sections) == 1 || s == SectionCoverage && e.Amends != nil; !own && !alone {
			return nil, fmt.Errorf("section %s: %w", s, &SyntaxError{What: "not in canonical form"})
		}
		core = false
	}
	var check checker
	if check.start(e.Start); check.err != nil {
		return nil, fmt.Errorf("%w: %w", &SyntaxError{What: "values out of range"}, check.err)
	}
	return &e.Entry, nil
}

// readEntry is an entry with room for what most entries have, made at once.
type readEntry struct {
	Entry
	cost    Cost
	share   Decimal
	amounts [6]Quantity
	codings [1]Code
}

// codec is what is needed for a while to write or to read.
type codec struct {
	r     reader
	w     writer
	stack stacks
}

// free keeps nothing of what was written or read.
func (c *codec) free() {
	if c.r.table != nil {
		c.stack.clear()
		c.r = reader{stack: &c.stack}
	}
	c.w = writer{}
	codecs.Put(c)
}

var codecs = sync.Pool{New: func() any {
	c := new(codec)
	c.r.stack = &c.stack
	return c
}}

// section appends the content of one section, and reports whether there is
// anything but core fields in it.
func (w *writer) section(e *Entry, s Section, core bool) (own bool) {
	start := len(w.b)
	w.edition = 1
	w.secret, w.reasons = s == SectionSensitive, nil
	if w.secret == e.Sensitive && (w.secret || s == SectionClinical) {
		w.reasons = e.Reasons
	}
	if core {
		w.core(e)
	}
	before := len(w.b)
	w.items(e, s)
	own = len(w.b) > before
	if w.edition > 1 {
		h := writer{b: make([]byte, 0, 8)}
		h.uint(keyEdition)
		h.uint(uint64(w.edition))
		w.b = slices.Insert(w.b, start, h.b...)
	}
	if len(w.b) == start {
		w.b = append(w.b, nothing...)
	}
	return own
}
