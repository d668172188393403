package fhir

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// inner is a resource within another.
type inner struct {
	kind, id string
	code     coded
}

// coded is the code of a resource, read when it is first asked for: what many
// refer to is asked often.
type coded struct {
	raw     jsontext.Value
	concept *concept
}

// read returns the code, nil where there is none or where it is malformed.
func (c *coded) read() *concept {
	if c.raw != nil {
		if read(c.raw, &c.concept) != nil {
			c.concept = nil
		}
		c.raw = nil
	}
	return c.concept
}

// survey goes over a resource once. It reads what every resource begins with,
// nothing of one in which that is malformed, and gathers what the shape of its
// kind does not name.
func (l *ledger) survey(x *res) {
	w := walker{b: x.raw, to: l}
	if w.next() != '{' {
		return
	}
	kind, ok := kindOf(x.raw)
	l.begin()
	root := shapes()[kind]
	more := false
	for w.i++; w.next() == '"'; {
		name := w.name()
		var part *shape
		if root != nil {
			w.path = append(w.path[:0], name)
			part = w.part(root, 0)
		}
		value := w.whole(part)
		switch string(name) {
		case "id":
			id, is := plainText(value)
			x.id, ok = id, ok && is
		case "meta":
			var m labelled
			ok = ok && read(value, &m) == nil
			x.secret, x.labelled = labels(m.Security)
		case "subject", "patient", "beneficiary":
			x.whose = value
		case "code":
			x.code.raw = value
		case "text":
			more = additional(value)
		case "contained":
			x.contained = nil
			w.contained(value, x)
		}
	}
	if more {
		l.add("", [][]byte{[]byte("text")}, "")
	}
	x.modified, x.left = w.modified, l.end()
	if !ok {
		x.id, x.secret, x.labelled, x.whose = "", false, false, nil
		return
	}
	x.kind = kind
	x.labelled = x.labelled || x.secret && open[kind]
}

// kindOf reads what a resource is: the first word on it, which mostly is the
// first of all. False where that is no word.
func kindOf(raw []byte) (kind string, ok bool) {
	w := walker{b: raw}
	if w.next() != '{' {
		return "", true
	}
	for w.i++; w.next() == '"'; {
		name := w.name()
		value := w.whole(nil)
		if string(name) != "resourceType" {
			continue
		}
		if n := len(value); n > 2 && shapes()[string(value[1:n-1])] != nil {
			return shapes()[string(value[1:n-1])].kind, true
		}
		return plainText(value)
	}
	return "", true
}

// plainText reads a string; false where it is none.
func plainText(raw []byte) (s string, ok bool) {
	if n := len(raw); n >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : n-1]), true
	}
	return s, read(raw, &s) == nil
}

// additional reports whether a text for people says more than the elements.
func additional(text []byte) bool {
	status := ""
	members(text, func(name, value []byte) {
		if string(name) == "status" {
			status, _ = plainText(value)
		}
	})
	return status == "additional"
}

// contained gathers the resources within a resource, and what of them is not
// read.
func (w *walker) contained(list []byte, x *res) {
	in := walker{b: list, prefix: "contained.", to: w.to}
	if in.next() != '[' {
		w.tell("")
		return
	}
	for in.i++; in.next() != ']' && in.i < len(in.b); {
		start := in.i
		kind, ok := kindOf(in.b[start:])
		s := shapes()[kind]
		if s == nil || !ok {
			w.tell(" (of a kind that is not read)")
		}
		c := inner{kind: kind}
		members(in.whole(s), func(name, value []byte) {
			switch string(name) {
			case "id":
				c.id, _ = plainText(value)
			case "code":
				c.code.raw = value
			}
		})
		x.contained = append(x.contained, c)
	}
}

// Limits of what is told of a Bundle: paths, and bytes of one. Beyond the first
// only that there is more is told, since who makes a Bundle can think of more
// names than there is memory.
const (
	maxPaths = 10_000
	maxPath  = 256
)

// further stands for the paths beyond maxPaths.
const further = "(further elements)"

// ledger gathers for one resource after another what of it is not read. Every
// path is one string, however often it is told.
type ledger struct {
	known map[string]*told
	turn  int
	list  []string
	room  []byte
}

type told struct {
	path string
	turn int // in which it was told last
}

func newLedger() *ledger { return &ledger{known: make(map[string]*told)} }

func (l *ledger) begin() {
	l.turn++
	l.list = l.list[:0]
}

func (l *ledger) end() []string { return slices.Clone(l.list) }

// add tells of a path, once in a resource.
func (l *ledger) add(prefix string, names [][]byte, what string) {
	b := append(l.room[:0], prefix...)
	for i, name := range names {
		if i > 0 {
			b = append(b, '.')
		}
		if b = appendShort(b, name); len(b) > maxPath {
			b = append(bytes.ToValidUTF8(b[:maxPath], nil), "…"...)
			break
		}
	}
	if len(names) == 0 {
		b = bytes.TrimSuffix(b, []byte("."))
	}
	b = append(b, what...)
	l.room = b
	t := l.known[string(b)]
	if t == nil {
		path := string(b)
		if len(l.known) >= maxPaths {
			path = further
		}
		if t = l.known[path]; t == nil {
			t = &told{path: path}
			l.known[path] = t
		}
	}
	if t.turn != l.turn {
		t.turn = l.turn
		l.list = append(l.list, t.path)
	}
}

// appendShort appends a name as short does.
func appendShort(b, name []byte) []byte {
	if len(name) > 64 || slices.ContainsFunc(name, func(c byte) bool { return c < ' ' || c > '~' }) {
		return append(b, short(string(name))...)
	}
	return append(b, name...)
}
