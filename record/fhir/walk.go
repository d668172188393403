package fhir

import (
	"bytes"
	"slices"
	"strings"
)

// walker goes over sound JSON once. Beside a shape it writes what the shape
// names, and tells what it does not name.
type walker struct {
	b        []byte
	i        int
	prefix   string
	to       *ledger
	out      []byte   // what is read of it
	path     [][]byte // names of the objects around
	seen     []*shape // parts that were there already, of all objects around
	modified bool     // an element may turn the meaning of another round
}

// tell notes what is not read, by its path.
func (w *walker) tell(what string) { w.to.add(w.prefix, w.path, what) }

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

// skip goes over one value and returns it.
func (w *walker) skip() []byte {
	w.next()
	start := w.i
	w.over()
	return w.b[start:min(w.i, len(w.b))]
}

func (w *walker) over() {
	switch w.next() {
	case '{':
		for w.i++; w.next() == '"'; {
			w.name()
			w.over()
		}
		w.i++
	case '[':
		for w.i++; w.next() != ']' && w.i < len(w.b); {
			w.over()
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

// value goes over one value beside its shape.
func (w *walker) value(s *shape) {
	switch c := w.next(); {
	case s.loose:
		w.out = append(w.out, w.skip()...)
	case c == '{' && s.parts != nil:
		w.i++
		w.object(s)
	case c == '{':
		w.tell("") // where a scalar was expected
		w.out = append(w.out, w.skip()...)
	case c == '[':
		w.out = append(w.out, c)
		for w.i++; w.next() != ']' && w.i < len(w.b); {
			w.comma()
			w.value(s)
		}
		w.out = append(w.out, ']')
		w.i++
	default:
		w.out = append(w.out, w.skip()...)
	}
}

// comma parts what comes from what is before it in the same list or object.
func (w *walker) comma() {
	if c := w.out[len(w.out)-1]; c != '[' && c != '{' {
		w.out = append(w.out, ',')
	}
}

// text returns what stands between the quotes of a string.
func (w *walker) text() []byte {
	w.i++
	start := w.i
	for w.i < len(w.b) {
		n := bytes.IndexByte(w.b[w.i:], '"')
		if n < 0 {
			break
		}
		end := w.i + n
		w.i = end + 1
		escapes := end
		for escapes > start && w.b[escapes-1] == '\\' {
			escapes--
		}
		if (end-escapes)%2 == 0 {
			return w.b[start:end]
		}
	}
	w.i = len(w.b)
	return w.b[min(start, w.i):]
}

// name returns the name of the element that comes, without its escapes.
func (w *walker) name() []byte {
	name := w.text()
	if bytes.IndexByte(name, '\\') >= 0 {
		name = []byte(plainName(name))
	}
	w.modified = w.modified || string(name) == modifier
	return name
}

func (w *walker) object(s *shape) {
	before := len(w.seen)
	w.out = append(w.out, '{')
	for w.next() == '"' {
		w.path = append(w.path, w.name())
		w.member(s, before)
		w.path = w.path[:len(w.path)-1]
	}
	w.out = append(w.out, '}')
	w.seen = w.seen[:before]
	w.i++
}

// member goes over the value of the element whose name stands last in the path,
// and returns it.
func (w *walker) member(s *shape, before int) []byte {
	part := w.part(s, before)
	if part == nil {
		return w.skip()
	}
	w.next()
	start, kept := w.i, len(w.out)
	w.comma()
	w.out = append(append(append(w.out, '"'), w.path[len(w.path)-1]...), '"', ':')
	if w.value(part); part.aside {
		w.out = w.out[:kept]
	}
	return w.b[start:w.i]
}

// part returns the shape of the element whose name stands last in the path, and
// tells of one that has none, or that stands in its object twice, be it with
// another type.
func (w *walker) part(s *shape, before int) *shape {
	name := w.path[len(w.path)-1]
	part := s.parts[string(name)]
	switch {
	case part == nil:
		if string(name) != "id" {
			w.tell("")
		}
	case part.left:
		w.tell("")
	case slices.Contains(w.seen[before:], part):
		w.tell(" (again)")
	default:
		if part.choice != "" && slices.ContainsFunc(w.seen[before:], func(x *shape) bool { return x.choice == part.choice }) {
			w.tell(" (beside another type)")
		}
		w.seen = append(w.seen, part)
	}
	return part
}

// members calls f for each element of a sound JSON object.
func members(raw []byte, f func(name, value []byte)) {
	w := walker{b: raw}
	if w.next() != '{' {
		return
	}
	for w.i++; w.next() == '"'; {
		name := w.name()
		f(name, w.skip())
	}
}

// plainName is a name without its escapes.
func plainName(name []byte) string {
	var s string
	if read(slices.Concat([]byte{'"'}, name, []byte{'"'}), &s) != nil {
		return string(name)
	}
	return s
}
