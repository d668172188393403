// Package redact holds values that print as [redacted] wherever Go prints
// values: in fmt with every verb, in slog, in JSON and in text encodings.
//
// A secret that travels in one of these types cannot reach a log, an error
// text or an answer by accident: it has to be taken out by name, with Reveal.
//
// The value is kept inside a function. Methods alone are not enough: fmt calls
// none for an unexported field, nor when it complains of a verb (%w, %p), and
// prints the fields instead, following pointers; of a function it prints an
// address at most.
package redact

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Mark is what stands in the place of a redacted value.
const Mark = "[redacted]"

// String is a text, for example a name or a passphrase, that never prints.
// The zero value is the empty text, which prints as [redacted] all the same,
// so that a log does not even tell whether there was one. Two values of this
// type are not comparable with ==; compare what Reveal gives.
type String struct{ value func() string }

// NewString wraps s.
func NewString(s string) String { return String{value: func() string { return s }} }

// Reveal returns the text itself.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return s.value()
}

// IsZero reports whether the text is empty.
func (s String) IsZero() bool { return s.Reveal() == "" }

// String implements fmt.Stringer.
func (String) String() string { return Mark }

// GoString implements fmt.GoStringer.
func (String) GoString() string { return Mark }

// Format implements fmt.Formatter, so that no verb reaches the value.
func (String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mark) }

// LogValue implements slog.LogValuer.
func (String) LogValue() slog.Value { return slog.StringValue(Mark) }

// MarshalText implements encoding.TextMarshaler, and so serves JSON and XML.
func (String) MarshalText() ([]byte, error) { return []byte(Mark), nil }

// Bytes is a binary secret, for example a key, that never prints. It shares
// its memory with the slice it was made of.
type Bytes struct{ value func() []byte }

// NewBytes wraps b without copying it.
func NewBytes(b []byte) Bytes { return Bytes{value: func() []byte { return b }} }

// Reveal returns the bytes themselves, not a copy.
func (b Bytes) Reveal() []byte {
	if b.value == nil {
		return nil
	}
	return b.value()
}

// Len returns the number of bytes.
func (b Bytes) Len() int { return len(b.Reveal()) }

// IsZero reports whether there are no bytes.
func (b Bytes) IsZero() bool { return len(b.Reveal()) == 0 }

// Equal compares two secrets in a time that depends only on their lengths.
func (b Bytes) Equal(other Bytes) bool {
	return subtle.ConstantTimeCompare(b.Reveal(), other.Reveal()) == 1
}

// Wipe overwrites the bytes with zeros. Go may have copied them before; this
// shortens the life of a secret and does not promise its end.
func (b Bytes) Wipe() { clear(b.Reveal()) }

// String implements fmt.Stringer.
func (Bytes) String() string { return Mark }

// GoString implements fmt.GoStringer.
func (Bytes) GoString() string { return Mark }

// Format implements fmt.Formatter, so that no verb reaches the value.
func (Bytes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mark) }

// LogValue implements slog.LogValuer.
func (Bytes) LogValue() slog.Value { return slog.StringValue(Mark) }

// MarshalText implements encoding.TextMarshaler, and so serves JSON and XML.
func (Bytes) MarshalText() ([]byte, error) { return []byte(Mark), nil }
