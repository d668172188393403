package record

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// reader reads core-deterministic CBOR, and refuses whatever the writer would
// have written in another way. The first error sticks: later calls return zero
// values and loops end.
type reader struct {
	b       []byte
	off     int
	left    int // elements not yet read of the flat list that is being read
	err     error
	base    time.Time
	secret  bool // the items are sensitive
	table   *terms.Table
	edition uint32 // the edition that the content was written with
	used    uint32 // the last edition that one of its codes needed
	reasons []Code // of the visit, when the section has them
	signs   uint64 // the vital signs among the observations of the section, by place

	// Room for what is read next. What is kept is made several at a time; what
	// stands on a stack is copied when its number is known.
	amounts []Quantity
	codings []Code
	stack   *stacks
}

func newReader(b []byte, base time.Time) reader {
	return reader{b: b, base: base, table: terms.Current(), edition: 1, used: 1, stack: new(stacks)}
}

// next turns to the content of another section of the same entry.
func (r *reader) next(b []byte, base time.Time, secret bool) {
	r.b, r.off, r.left, r.base, r.secret = b, 0, 0, base, secret
	r.edition, r.used, r.reasons, r.signs = 1, 1, nil, 0
}

// fail keeps the first error; nothing is left to read behind it.
func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = &SyntaxError{Offset: r.off, What: what}
		r.b, r.off = r.b[:0], 0
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
	if r.off >= len(r.b) {
		return 0xff
	}
	return r.b[r.off] >> 5
}

func (r *reader) head() (major byte, arg uint64) {
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
	rest, n := r.b[r.off+1:], 1<<(info-24)
	if len(rest) < n {
		r.fail("ends early")
		return 0xff, 0
	}
	least := uint64(24)
	switch n {
	case 1:
		arg = uint64(rest[0])
	case 2:
		arg, least = uint64(binary.BigEndian.Uint16(rest)), 1<<8
	case 4:
		arg, least = uint64(binary.BigEndian.Uint32(rest)), 1<<16
	default:
		arg, least = binary.BigEndian.Uint64(rest), 1<<32
	}
	if arg < least {
		r.fail("not the shortest form")
		return 0xff, 0
	}
	r.off += 1 + n
	return major, arg
}

// want reads a head of a major type. Most arguments are below 24, in the first
// byte.
func (r *reader) want(major byte, what string) uint64 {
	if r.off < len(r.b) {
		if v := r.b[r.off] ^ major<<5; v < 24 {
			r.off++
			return uint64(v)
		}
	}
	return r.wantLong(major, what)
}

func (r *reader) wantLong(major byte, what string) uint64 {
	if m := r.peek(); m != major && m != 0xff {
		r.fail(what + " expected")
		return 0
	}
	_, v := r.head()
	return v
}

func (r *reader) uint(limit uint64) uint64 {
	if r.off < len(r.b) {
		if v := r.b[r.off]; v < 24 && uint64(v) <= limit {
			r.off++
			return uint64(v)
		}
	}
	v := r.wantLong(majorUint, "unsigned integer")
	if v > limit {
		r.fail("number out of range")
		return 0
	}
	return v
}

// some is uint for what is not written when it is zero.
func (r *reader) some(limit uint64) uint64 {
	v := r.uint(limit)
	if v == 0 {
		r.fail("default written")
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
	if s == "" || len(s) > limit {
		return false
	}
	other := byte(0)
	for i := range len(s) {
		c := s[i]
		if (c < ' ' && c != '\n') || c == 0x7f {
			return false
		}
		other |= c
	}
	return other < utf8.RuneSelf || utf8.ValidString(s)
}
