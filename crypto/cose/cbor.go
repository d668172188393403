package cose

import (
	"fmt"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// The bounds on any CBOR read here. They stand before every allocation.
const (
	maxDepth = 8
	maxItems = 1 << 20 // elements of an array, pairs of a map
)

var (
	encMode = must(cbor.CoreDetEncOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   maxDepth,
		MaxArrayElements:  maxItems,
		MaxMapPairs:       maxItems,
		IntDec:            cbor.IntDecConvertSignedOrFail,
		BignumTag:         cbor.BignumTagForbidden,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic("cose: internal error: " + err.Error())
	}
	return v
}

// SyntaxError tells where and why CBOR bytes were refused. Offset counts
// octets from the start of the item that was read.
type SyntaxError struct {
	Offset int
	What   string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("malformed cbor at offset %d: %s", e.Offset, e.What)
}

// Unwrap makes errors.Is(err, ErrFormat) true.
func (e *SyntaxError) Unwrap() error { return ErrFormat }

// Marshal writes v in core deterministic CBOR (RFC 8949 section 4.2.1).
func Marshal(v any) ([]byte, error) {
	raw, err := encMode.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode cbor: %w", err)
	}
	return raw, nil
}

// Unmarshal reads one item of core deterministic CBOR into v. Whatever breaks
// the rules of [Deterministic], a field that v does not know, and an item of
// another shape are refused. It owes ErrFormat.
func Unmarshal(raw []byte, v any) error {
	if err := Deterministic(raw); err != nil {
		return err
	}
	if err := decMode.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return nil
}

// Deterministic checks that raw is exactly one item of core deterministic CBOR
// (RFC 8949 section 4.2.1): shortest heads, definite lengths, map keys in
// ascending bytewise order without a repeat, text in UTF-8, nothing after the
// end, and at most eight levels deep. Floats and the simple values other than
// false, true and null are refused too: no format here uses them. It owes a
// *SyntaxError.
func Deterministic(raw []byte) error {
	w := walker{raw: raw}
	if err := w.item(maxDepth); err != nil {
		return err
	}
	if w.at != len(raw) {
		return w.fail("trailing bytes")
	}
	return nil
}

type walker struct {
	raw []byte
	at  int
}

func (w *walker) fail(what string) error { return &SyntaxError{Offset: w.at, What: what} }

// head reads the initial byte and its argument (RFC 8949 section 3) and
// refuses an argument that a shorter head would carry.
func (w *walker) head() (major byte, info byte, arg uint64, err error) {
	if w.at >= len(w.raw) {
		return 0, 0, 0, w.fail("item is missing")
	}
	first := w.raw[w.at]
	major, info = first>>5, first&0x1f
	if info < 24 {
		w.at++
		return major, info, uint64(info), nil
	}
	if info > 27 {
		return 0, 0, 0, w.fail("indefinite length or reserved head")
	}
	width := 1 << (info - 24)
	if len(w.raw)-w.at-1 < width {
		return 0, 0, 0, w.fail("head is cut short")
	}
	for _, b := range w.raw[w.at+1 : w.at+1+width] {
		arg = arg<<8 | uint64(b)
	}
	least := [...]uint64{24, 1 << 8, 1 << 16, 1 << 32}[info-24]
	if arg < least {
		return 0, 0, 0, w.fail("head is not the shortest")
	}
	w.at += 1 + width
	return major, info, arg, nil
}

// The major types of RFC 8949 section 3.1.
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
)

func (w *walker) item(depth int) error {
	if depth == 0 {
		return w.fail("nested too deeply")
	}
	start := w.at
	major, info, arg, err := w.head()
	if err != nil {
		return err
	}
	switch major {
	case majorUint, majorNegative:
		return nil
	case majorBytes, majorText:
		return w.str(major, arg)
	case majorTag:
		return w.item(depth - 1)
	case majorArray:
		if arg > uint64(len(w.raw)-w.at) || arg > maxItems { // #nosec G115 -- never negative
			return w.fail("array is longer than the bytes")
		}
		for range arg {
			if err := w.item(depth - 1); err != nil {
				return err
			}
		}
		return nil
	case majorMap:
		return w.pairs(depth, arg)
	default: // major type 7
		if info < 20 || info > 22 {
			w.at = start
			return w.fail("float or simple value")
		}
		return nil
	}
}

func (w *walker) str(major byte, n uint64) error {
	if n > uint64(len(w.raw)-w.at) { // #nosec G115 -- never negative
		return w.fail("string is longer than the bytes")
	}
	s := w.raw[w.at : w.at+int(n)] // #nosec G115 -- bounded by the line above
	if major == majorText && !utf8.Valid(s) {
		return w.fail("text is not UTF-8")
	}
	w.at += len(s)
	return nil
}

func (w *walker) pairs(depth int, n uint64) error {
	if n > uint64(len(w.raw)-w.at)/2 || n > maxItems { // #nosec G115 -- never negative
		return w.fail("map is longer than the bytes")
	}
	var last []byte
	for i := range n {
		start := w.at
		if err := w.item(depth - 1); err != nil {
			return err
		}
		key := w.raw[start:w.at]
		if i > 0 && string(last) >= string(key) {
			w.at = start
			return w.fail("map keys are not in ascending order")
		}
		last = key
		if err := w.item(depth - 1); err != nil {
			return err
		}
	}
	return nil
}
