package fhir

import (
	"slices"
	"strings"
)

// compare calls lose for every element of a resource's JSON that a shape does
// not name. The JSON was read before, so it is sound.
func (j *job) compare(raw []byte, s *shape, prefix string, lose func(path string)) {
	w := walker{b: raw, prefix: prefix, lose: lose}
	w.value(s)
}

// walker goes over sound JSON once, and allocates only for what it tells.
type walker struct {
	b      []byte
	i      int
	prefix string
	lose   func(path string)
	path   [][]byte // names of the objects around, between their quotes
	seen   []*shape // parts that were there already, of all objects around
}

func (w *walker) tell(what string) {
	var path strings.Builder
	path.WriteString(w.prefix)
	for _, name := range w.path {
		path.WriteString(short(plainName(name)) + ".")
	}
	w.lose(strings.TrimSuffix(path.String(), ".") + what)
}

// next skips white space and returns the byte behind it, 0 at the end.
func (w *walker) next() byte {
	for ; w.i < len(w.b); w.i++ {
		switch c := w.b[w.i]; c {
		case ' ', '\n', '\r', '\t', ',', ':':
		default:
			return c
		}
	}
	return 0
}

// value goes over one value. Without a shape it was told already.
func (w *walker) value(s *shape) {
	switch w.next() {
	case '{':
		w.i++
		w.object(s)
	case '[':
		for w.i++; w.next() != ']' && w.i < len(w.b); {
			w.value(s)
		}
		w.i++
	case '"':
		w.text()
	default:
		for w.i < len(w.b) && !strings.ContainsRune(",]} \n\r\t", rune(w.b[w.i])) {
			w.i++
		}
	}
}

// text returns what stands between the quotes of a string.
func (w *walker) text() []byte {
	w.i++
	start := w.i
	for w.i < len(w.b) && w.b[w.i] != '"' {
		if w.b[w.i] == '\\' {
			w.i++
		}
		w.i++
	}
	end := min(w.i, len(w.b))
	w.i++
	return w.b[start:end]
}

func (w *walker) object(s *shape) {
	if s != nil && s.parts == nil && !s.loose {
		w.tell("") // where a scalar was expected
		s = nil
	}
	before := len(w.seen)
	for w.next() == '"' {
		name := w.text()
		w.path = append(w.path, name)
		part := w.part(s, name, before)
		w.value(part)
		w.path = w.path[:len(w.path)-1]
	}
	w.seen = w.seen[:before]
	w.i++
}

// part returns the shape of an element, and tells of one that has none, or that
// stands in its object twice.
func (w *walker) part(s *shape, name []byte, before int) *shape {
	if s == nil || s.loose {
		return s
	}
	part := s.parts[string(name)]
	if part == nil && slices.Contains(name, '\\') {
		part = s.parts[plainName(name)]
	}
	switch {
	case part == nil:
		if string(name) != "id" {
			w.tell("")
		}
	case slices.Contains(w.seen[before:], part):
		w.tell(" (again)")
	default:
		w.seen = append(w.seen, part)
	}
	return part
}

// members calls f for each element of a sound JSON object.
func members(raw []byte, f func(name string, value []byte)) {
	w := walker{b: raw}
	if w.next() != '{' {
		return
	}
	for w.i++; w.next() == '"'; {
		name := plainName(w.text())
		w.next()
		start := w.i
		w.value(nil)
		f(name, w.b[start:min(w.i, len(w.b))])
	}
}

// headerOf reads what every resource begins with; nothing of a resource in
// which that is malformed.
func headerOf(raw []byte) (h header) {
	ok := true
	members(raw, func(name string, value []byte) {
		switch name {
		case "resourceType":
			ok = ok && read(value, &h.ResourceType) == nil
		case "id":
			ok = ok && read(value, &h.ID) == nil
		case "meta":
			ok = ok && read(value, &h.Meta) == nil
		case "subject", "patient", "beneficiary":
			h.whose = value
		}
	})
	if !ok {
		return header{}
	}
	return h
}

// plainName is a name without its escapes.
func plainName(name []byte) string {
	var s string
	if !slices.Contains(name, '\\') || read(slices.Concat([]byte{'"'}, name, []byte{'"'}), &s) != nil {
		return string(name)
	}
	return s
}
