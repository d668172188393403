package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// ErrFormat is the cause of every refusal of stored content.
var ErrFormat = errors.New("malformed record content")

// SyntaxError says where and why stored content was refused. It never holds
// any of the content.
type SyntaxError struct {
	Offset int
	What   string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("record content at byte %d: %s", e.Offset, e.What)
}

// Unwrap returns ErrFormat.
func (e *SyntaxError) Unwrap() error { return ErrFormat }

// The CBOR major types (RFC 8949, 3.1).
const (
	majorUint   = 0
	majorNegint = 1
	majorBytes  = 2
	majorText   = 3
	majorArray  = 4
	majorMap    = 5
	majorSimple = 7

	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
)

// writer appends core-deterministic CBOR. It has no errors: what it is given
// has been validated, but for codes and units, of which those that no list has are
// looked at as they are written.
type writer struct {
	b       []byte
	n       int // elements written of the flat list that is open
	base    time.Time
	table   *terms.Table
	limit   uint32    // the last edition whose rows may be named by number
	edition uint32    // the last edition that was needed
	secret  bool      // the section is the sensitive one
	reasons []Code    // of the visit, when the section has them
	signs   [2]uint64 // the vital signs that stand last, by place: of the others and of the sensitive
	unknown bool      // one of the codes or units cannot be carried
}

// newWriter names codes by the rows of the editions that every reader has.
func newWriter(base time.Time) writer {
	t := terms.Current()
	return writer{base: base, table: t, limit: min(t.Edition, terms.Settled()), edition: 1}
}

func (w *writer) head(major byte, v uint64) {
	m := major << 5
	switch {
	case v < 24:
		w.b = append(w.b, m|byte(v)) // #nosec G115 -- below 24
	case v <= math.MaxUint8:
		w.b = append(w.b, m|24, byte(v))
	case v <= math.MaxUint16:
		w.b = binary.BigEndian.AppendUint16(append(w.b, m|25), uint16(v))
	case v <= math.MaxUint32:
		w.b = binary.BigEndian.AppendUint32(append(w.b, m|26), uint32(v))
	default:
		w.b = binary.BigEndian.AppendUint64(append(w.b, m|27), v)
	}
}

func (w *writer) uint(v uint64) {
	if v < 24 {
		w.b = append(w.b, byte(v))
		return
	}
	w.head(majorUint, v)
}

func (w *writer) int(v int64) {
	if v < 0 {
		w.head(majorNegint, uint64(-(v + 1))) // #nosec G115 -- not negative
		return
	}
	w.head(majorUint, uint64(v))
}

func (w *writer) text(s string) {
	w.short(majorText, len(s))
	w.b = append(w.b, s...)
}

// short is head for what is commonly below 24.
func (w *writer) short(major byte, n int) {
	if n < 24 {
		w.b = append(w.b, major<<5|byte(n)) // #nosec G115 -- not negative, below 24
		return
	}
	w.head(major, uint64(n)) // #nosec G115 -- not negative
}

func (w *writer) bytes(p []byte) {
	w.head(majorBytes, uint64(len(p)))
	w.b = append(w.b, p...)
}

func (w *writer) simple(v byte) { w.b = append(w.b, majorSimple<<5|v) }

func (w *writer) bool(v bool) {
	if v {
		w.simple(simpleTrue)
		return
	}
	w.simple(simpleFalse)
}

// listMark is where a flat list began, and the count of the list around it.
type listMark struct{ at, n int }

// open begins an array. close writes its number of elements; finish does too,
// and drops the head of an array of one element that is no array itself.
func (w *writer) open() listMark {
	m := listMark{len(w.b), w.n}
	w.b = append(w.b, majorArray<<5)
	w.n = 0
	return m
}

func (w *writer) close(m listMark) {
	w.patch(m.at, majorArray, w.n)
	w.n = m.n
}

func (w *writer) finish(m listMark) {
	if w.n == 1 && w.b[m.at+1]>>5 != majorArray {
		w.b = slices.Delete(w.b, m.at, m.at+1)
		w.n = m.n
		return
	}
	w.close(m)
}

// patch gives the head at an offset its count.
func (w *writer) patch(at int, major byte, n int) {
	if n < 24 {
		w.b[at] = major<<5 | byte(n) // #nosec G115 -- below 24
		return
	}
	w.widen(at, major, n)
}

func (w *writer) widen(at int, major byte, n int) {
	h := writer{b: make([]byte, 0, 9)}
	h.head(major, uint64(n)) // #nosec G115 -- not negative
	w.b = slices.Replace(w.b, at, at+1, h.b...)
}

// attrs writes a map of f's entries.
func (w *writer) attrs(f func(m *mapWriter)) {
	start := len(w.b)
	w.b = append(w.b, majorMap<<5)
	m := mapWriter{writer: w}
	f(&m)
	w.patch(start, majorMap, m.n)
}

// key begins a field of a section; its callers name the keys in rising order.
func (w *writer) key(k uint64) { w.uint(k) }

func (w *writer) keyUint(k, v uint64) {
	if v != 0 {
		w.key(k)
		w.uint(v)
	}
}

// mapWriter writes the entries of a map; its callers name the keys in rising
// order.
type mapWriter struct {
	*writer
	n int
}

func (m *mapWriter) key(k uint64) { m.n++; m.uint(k) }

func (m *mapWriter) optUint(k, v uint64) {
	if v != 0 {
		m.key(k)
		m.uint(v)
	}
}

func (m *mapWriter) optText(k uint64, s string) {
	if s != "" {
		m.key(k)
		m.text(s)
	}
}

func (m *mapWriter) optTrue(k uint64, v bool) {
	if v {
		m.key(k)
		m.bool(true)
	}
}

func (m *mapWriter) optMoment(k uint64, v Moment, base time.Time) {
	if !v.IsZero() {
		m.key(k)
		m.moment(v, base)
	}
}
