package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
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
// has been validated.
type writer struct{ b []byte }

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

func (w *writer) uint(v uint64) { w.head(majorUint, v) }

func (w *writer) int(v int64) {
	if v < 0 {
		w.head(majorNegint, uint64(-(v + 1))) // #nosec G115 -- not negative
		return
	}
	w.head(majorUint, uint64(v))
}

func (w *writer) text(s string) {
	w.head(majorText, uint64(len(s)))
	w.b = append(w.b, s...)
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

// list writes an array whose number of elements f tells when it has written
// them.
func (w *writer) list(f func() int) { w.count(majorArray, f) }

// attrs writes a map of f's entries, or nothing when there are none and the
// map is optional. It returns the number of entries.
func (w *writer) attrs(optional bool, f func(m *mapWriter)) int {
	start := len(w.b)
	m := mapWriter{writer: w}
	w.count(majorMap, func() int { f(&m); return m.n })
	if m.n == 0 && optional {
		w.b = w.b[:start]
	}
	return m.n
}

func (w *writer) count(major byte, f func() int) {
	start := len(w.b)
	w.b = append(w.b, major<<5)
	n := f()
	if n < 24 {
		w.b[start] |= byte(n) // #nosec G115 -- below 24
		return
	}
	var h writer
	h.head(major, uint64(n)) // #nosec G115 -- not negative
	extra := len(h.b) - 1
	w.b = append(w.b, h.b[:extra]...)
	copy(w.b[start+1+extra:], w.b[start+1:len(w.b)-extra])
	copy(w.b[start:], h.b)
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

// reader reads core-deterministic CBOR. The first error sticks: later calls
// return zero values and loops end.
type reader struct {
	b    []byte
	off  int
	left int // elements not yet read of the flat list that is being read
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = &SyntaxError{Offset: r.off, What: what}
	}
}

// end owes an error for a failure before and for trailing bytes.
func (r *reader) end() error {
	if r.err == nil && r.off != len(r.b) {
		r.fail("trailing bytes")
	}
	return r.err
}

// peek returns the major type of the next item, 0xff at the end or after an
// error.
func (r *reader) peek() byte {
	if r.err != nil || r.off >= len(r.b) {
		return 0xff
	}
	return r.b[r.off] >> 5
}

func (r *reader) head() (major byte, arg uint64) {
	if r.err != nil {
		return 0xff, 0
	}
	if r.off >= len(r.b) {
		r.fail("ends early")
		return 0xff, 0
	}
	major, info := r.b[r.off]>>5, r.b[r.off]&31
	if info < 24 {
		r.off++
		return major, uint64(info)
	}
	if info > 27 {
		r.fail("indefinite or reserved length")
		return 0xff, 0
	}
	n := 1 << (info - 24)
	if len(r.b)-r.off-1 < n {
		r.fail("ends early")
		return 0xff, 0
	}
	for _, c := range r.b[r.off+1 : r.off+1+n] {
		arg = arg<<8 | uint64(c)
	}
	if (n == 1 && arg < 24) || (n > 1 && arg>>(4*n) == 0) {
		r.fail("not the shortest form")
		return 0xff, 0
	}
	r.off += 1 + n
	return major, arg
}

func (r *reader) want(major byte, what string) uint64 {
	at := r.off
	m, v := r.head()
	if r.err == nil && m != major {
		r.off = at
		r.fail(what + " expected")
		return 0
	}
	return v
}

func (r *reader) uint(limit uint64) uint64 {
	v := r.want(majorUint, "unsigned integer")
	if v > limit {
		r.fail("number out of range")
		return 0
	}
	return v
}

func (r *reader) int() int64 {
	m, v := r.head()
	if r.err != nil {
		return 0
	}
	if (m != majorUint && m != majorNegint) || v > math.MaxInt64 {
		r.fail("integer expected")
		return 0
	}
	if m == majorNegint {
		return -1 - int64(v) // #nosec G115 -- bounded above
	}
	return int64(v) // #nosec G115 -- bounded above
}

func (r *reader) bytes(limit int) []byte {
	v := r.want(majorBytes, "byte string")
	return append([]byte(nil), r.take(v, limit)...)
}

func (r *reader) text(limit int) string {
	v := r.want(majorText, "text")
	s := string(r.take(v, limit))
	if r.err == nil && !cleanText(s, limit) {
		r.fail("text is empty or not clean UTF-8")
		return ""
	}
	return s
}

func (r *reader) take(n uint64, limit int) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(limit) { // #nosec G115 -- limits are small and positive
		r.fail("string too long")
		return nil
	}
	if n > uint64(len(r.b)-r.off) { // #nosec G115 -- never negative
		r.fail("ends early")
		return nil
	}
	p := r.b[r.off:][:n]
	r.off += len(p)
	return p
}

func (r *reader) array(limit int) int {
	v := r.want(majorArray, "array")
	if v > uint64(limit) || v > uint64(len(r.b)-r.off) { // #nosec G115 -- never negative
		r.fail("array too long")
		return 0
	}
	return int(v) // #nosec G115 -- bounded
}

func (r *reader) simple() byte {
	return byte(r.want(majorSimple, "simple value")) // #nosec G115 -- compared with three values
}

func (r *reader) isTrue() bool {
	if r.simple() != simpleTrue {
		r.fail("true expected")
		return false
	}
	return r.err == nil
}

// attrs reads a map whose keys are unsigned integers in rising order; f reads
// the value of one key, and says false when it does not know the key.
func (r *reader) attrs(f func(key uint64) bool) {
	n := r.want(majorMap, "map")
	if n > uint64(len(r.b)-r.off) { // #nosec G115 -- never negative
		r.fail("map too long")
		return
	}
	last := int64(-1)
	for ; n > 0 && r.err == nil; n-- {
		k := r.uint(math.MaxInt32)
		if r.err != nil {
			return
		}
		if int64(k) <= last { // #nosec G115 -- bounded above
			r.fail("keys not in rising order")
			return
		}
		last = int64(k) // #nosec G115 -- bounded above
		if !f(k) {
			r.fail("unknown key")
		}
	}
}

// cleanText reports whether s can be carried as text: not empty, at most limit
// bytes, UTF-8, and without control characters but the line feed.
func cleanText(s string, limit int) bool {
	return s != "" && len(s) <= limit && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(c rune) bool { return (c < ' ' && c != '\n') || c == 0x7f })
}
