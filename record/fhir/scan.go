package fhir

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner goes over a Bundle once, entry by entry, and keeps the resources.
type scanner struct {
	d     *jsontext.Decoder
	list  []*res
	stamp string
	left  map[string]int // elements of the Bundle and of its entries that are not read
	paths *ledger
}

// byteOrder is the mark with which some systems begin a text in UTF-8. It says
// nothing, and JSON allows to pass it over (RFC 8259, 8.1).
const byteOrder = "\ufeff"

// scan reads a Bundle entry by entry. It owes ErrBundle and ErrTooLarge.
func scan(r io.Reader) (*scanner, error) {
	limited := &io.LimitedReader{R: r, N: MaxSize + 1}
	in := bufio.NewReader(limited)
	if mark, err := in.Peek(len(byteOrder)); err == nil && string(mark) == byteOrder {
		if _, err := in.Discard(len(byteOrder)); err != nil {
			return nil, fmt.Errorf("read bundle: %w", err)
		}
	}
	s := &scanner{d: jsontext.NewDecoder(in, reading), left: make(map[string]int), paths: newLedger()}
	err := s.bundle()
	switch {
	case err == nil && limited.N > 0:
		return s, nil
	case errors.Is(err, ErrTooLarge):
		return nil, fmt.Errorf("read bundle: %w", err)
	case limited.N <= 0:
		return nil, fmt.Errorf("read bundle: over %d bytes: %w", MaxSize, ErrTooLarge)
	}
	return nil, fmt.Errorf("read bundle at byte %d: %w: %w", s.d.InputOffset(), ErrBundle, err)
}

func (s *scanner) bundle() error {
	kind := ""
	err := s.members("no object", func(name string) (err error) {
		switch name {
		case "resourceType":
			err = s.text(&kind)
		case "timestamp":
			err = s.text(&s.stamp)
		case "entry":
			err = s.entries()
		case "meta":
			err = s.meta()
		default:
			if !bundleRemade[name] {
				s.left[short(name)]++
			}
			err = s.d.SkipValue()
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := s.d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("trailing data")
	}
	if kind != "Bundle" {
		return errors.New("resource of another type")
	}
	return nil
}

// members calls f for each element of the object that comes; f reads its value.
func (s *scanner) members(otherwise string, f func(name string) error) error {
	if s.d.PeekKind() != '{' {
		_, err := s.d.ReadToken()
		return unexpected(otherwise, err)
	}
	if _, err := s.d.ReadToken(); err != nil {
		return err
	}
	for s.d.PeekKind() != '}' {
		name, err := s.d.ReadValue()
		if err != nil {
			return err
		}
		if err := f(known(name)); err != nil {
			return err
		}
	}
	_, err := s.d.ReadToken()
	return err
}

// known returns a name, the commonest without a place of its own.
func known(raw []byte) string {
	switch string(raw) {
	case `"resource"`:
		return "resource"
	case `"fullUrl"`:
		return "fullUrl"
	case `"request"`:
		return "request"
	}
	name, _ := plainText(raw)
	return name
}

// meta looks at the Bundle's labels: they are about no resource of it.
func (s *scanner) meta() error {
	raw, err := s.d.ReadValue()
	if err != nil {
		return err
	}
	var m labelled
	if read(raw, &m) == nil && len(m.Security) > 0 {
		s.left["meta.security"]++
	}
	return nil
}

// unexpected is the error of something else than what was to come, and of what
// may be wrong with it besides.
func unexpected(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return errors.New(what)
}

func (s *scanner) text(to *string) error {
	raw, err := s.d.ReadValue()
	if err == nil {
		err = read(raw, to)
	}
	return err
}

// entries appends the resources of a list of entries.
func (s *scanner) entries() error {
	if s.d.PeekKind() != '[' {
		_, err := s.d.ReadToken()
		return unexpected("entry is no list", err)
	}
	if _, err := s.d.ReadToken(); err != nil {
		return err
	}
	for s.d.PeekKind() != ']' {
		if len(s.list) == MaxEntries {
			return fmt.Errorf("over %d entries: %w", MaxEntries, ErrTooLarge)
		}
		if err := s.entry(); err != nil {
			return err
		}
	}
	_, err := s.d.ReadToken()
	return err
}

// entry appends the resource of one entry, and counts what else the entry has.
func (s *scanner) entry() error {
	r := &res{place: len(s.list) + 1}
	if s.d.PeekKind() == 'n' {
		s.list = append(s.list, r)
		return s.d.SkipValue()
	}
	err := s.members("an entry is no object", func(name string) error {
		raw, err := s.d.ReadValue()
		switch {
		case err != nil:
		case name == "resource":
			if r.raw != nil {
				s.left["entry.resource (again)"]++
			}
			*r = res{place: r.place, url: r.url}
			s.paths.survey(r, restored(raw))
		case name == "fullUrl":
			r.url, _ = plainText(raw) // one that is no text names nothing
		case !entryRemade[name]:
			s.left["entry."+short(name)]++
		}
		return err
	})
	if err != nil {
		return err
	}
	s.list = append(s.list, r)
	return nil
}
