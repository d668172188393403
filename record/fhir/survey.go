package fhir

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// inner is a resource within another.
type inner struct {
	kind string
	coded
}

// coded is what is read of a resource, and its code, which is read when others
// ask for it and kept, since any number of them may ask.
type coded struct {
	raw   jsontext.Value
	code  *concept
	asked bool // for the code
}

// concept returns the code, nil where there is none or where it is malformed.
func (c *coded) concept() *concept {
	if !c.asked {
		var x struct {
			Code *concept `json:"code"`
		}
		if c.asked = true; read(c.raw, &x) == nil {
			c.code = x.Code
		}
	}
	return c.code
}

// survey goes over a resource once. It reads what every resource begins with,
// nothing of one in which that is malformed, keeps what the shape of its kind
// names, and gathers what it does not name. Of a kind without a shape all is
// kept.
func (l *ledger) survey(x *res, raw []byte) {
	l.begin()
	kind, ok := kindOf(raw)
	w := &l.walk
	*w = walker{b: raw, to: l, out: append(w.out[:0], '{'), path: w.path[:0], seen: w.seen[:0]}
	if w.next() != '{' {
		if string(raw) != "null" {
			x.raw = slices.Clone(raw)
		}
		return
	}
	root := shapes()[kind]
	var own, more bool
	for w.i++; w.next() == '"'; {
		w.path = append(w.path[:0], w.name())
		var value []byte
		if root == nil {
			value = w.skip()
		} else {
			value = w.member(root, 0)
		}
		switch string(w.path[0]) {
		case "id":
			id, is := plainText(value)
			x.id, ok = id, ok && is
		case "meta":
			ok = x.label(value) && ok
		case "identifier":
			own = ownIdentifiers(value)
		case "subject", "patient", "beneficiary":
			x.whose = l.name(value)
		case "text":
			more = additional(value)
		case "contained":
			x.contained = nil
			if root != nil {
				w.contained(value, x)
			}
		}
	}
	if w.out = append(w.out, '}'); root == nil {
		w.out = append(w.out[:0], raw...)
	} else if more {
		l.add("", [][]byte{[]byte("text")}, "")
	}
	x.raw, x.left, x.modified = slices.Clone(w.out), l.end(own), w.modified
	if !ok {
		x.id, x.secret, x.labelled, x.whose = "", false, false, ""
		return
	}
	x.kind = kind
	x.labelled = x.labelled || x.secret && open[kind]
}

// label reads the labels in a resource's meta; false where it is malformed.
func (x *res) label(raw []byte) bool {
	if bytes.HasPrefix(raw, []byte("{")) && !bytes.Contains(raw, []byte("security")) && bytes.IndexByte(raw, '\\') < 0 {
		return true
	}
	var m labelled
	if read(raw, &m) != nil {
		return false
	}
	secret, unknown := labels(m.Security)
	x.secret, x.labelled = x.secret || secret, x.labelled || unknown
	return true
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
		value := w.skip()
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
	x.contained = make(map[string]*inner)
	for in.i++; in.next() != ']' && in.i < len(in.b); {
		kind, ok := kindOf(in.b[in.i:])
		s := shapes()[kind]
		if s == nil || !ok {
			w.tell(" (of a kind that is not read)")
			in.skip()
			continue
		}
		start := in.i
		in.out = in.out[:0]
		in.value(s)
		c := &inner{kind: kind, coded: coded{raw: slices.Clone(in.out)}}
		members(in.b[start:in.i], func(name, value []byte) {
			if id, _ := plainText(value); string(name) == "id" && x.contained[id] == nil {
				x.contained[id] = c
			}
		})
	}
}

// Limits of what is told of a Bundle: paths, and bytes of one. Beyond the first
// only that there is more is told, since who makes a Bundle can think of more
// names than there is memory.
const (
	maxPaths = 10_000
	maxPath  = 256
)

// further stands for what is beyond a limit of what is told.
const further = "(further ones)"

// ledger gathers for one resource after another what of it is not read. Every
// path is one string, however often it is told.
type ledger struct {
	known map[string]*told
	names map[string]string // references to whom resources are about
	turn  int
	list  []string
	room  []byte
	walk  walker // for its room
}

type told struct {
	path string
	turn int // in which it was told last
}

func newLedger() *ledger {
	return &ledger{known: make(map[string]*told), names: make(map[string]string)}
}

func (l *ledger) begin() {
	l.turn++
	l.list = l.list[:0]
}

// end returns what was told of a resource. Identifiers that an export makes anew
// are no loss.
func (l *ledger) end(own bool) []string {
	if own {
		l.list = slices.DeleteFunc(l.list, func(path string) bool { return path == "identifier" || strings.HasPrefix(path, "identifier.") })
	}
	return slices.Clone(l.list)
}

// name returns one string for what many resources say.
func (l *ledger) name(raw []byte) string {
	s, ok := l.names[string(raw)]
	if !ok {
		s = string(raw)
		l.names[s] = s
	}
	return s
}

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
