package stripe

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// The parts of a number (ISO/IEC 7812-1): issuer identification, member,
// check digit.
//
//	9368 SS MMMMMMMMM[MMM] C
//
// 9 is the major industry identifier of national assignment and 368 is Iraq
// (ISO 3166-1 numeric); SS tells the schemes of the country apart.
const (
	Prefix    = "936801"
	minMember = 9
	maxMember = 12
	MinNumber = len(Prefix) + minMember + 1 // digits
	MaxNumber = len(Prefix) + maxMember + 1 // digits
)

// Number is a member's number of 16 to 19 digits. It names a person, so it
// prints with most of its digits left out; Digits gives them all.
type Number struct{ digits string }

// ParseNumber reads the digits alone. It owes ErrFormat, ErrForeign and
// ErrCheckDigit.
func ParseNumber(s string) (Number, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return Number{}, ErrFormat
	}
	switch {
	case !strings.HasPrefix(s, Prefix):
		return Number{}, ErrForeign
	case len(s) < MinNumber || len(s) > MaxNumber:
		return Number{}, ErrFormat
	case luhn(s[:len(s)-1]) != s[len(s)-1]:
		return Number{}, ErrCheckDigit
	}
	return Number{s}, nil
}

// NewNumber makes the number of a member: the digits of the payer's number for
// them, filled up with zeros on the left. It owes ErrFormat when there are no
// digits or too many.
func NewNumber(member string) (Number, error) {
	m := memberDigits(member)
	if m == "" || len(m) > maxMember {
		return Number{}, fmt.Errorf("member number of %d digits: %w", len(m), ErrFormat)
	}
	s := Prefix + strings.Repeat("0", max(0, minMember-len(m))) + m
	return Number{s + string(rune(luhn(s)))}, nil
}

// Digits returns the whole number.
func (n Number) Digits() string { return n.digits }

// Names reports whether this is the number of a member, given as the payer
// writes it (record.Cover.Member): as this very number, or as the member's
// digits in it. Letters and leading zeros do not count, so two members can be
// meant in rare cases; a person then chooses by name.
func (n Number) Names(member string) bool {
	m := memberDigits(member)
	if n == (Number{}) || m == "" {
		return false
	}
	return m == n.digits || m == strings.TrimLeft(n.digits[len(Prefix):len(n.digits)-1], "0")
}

// memberDigits returns the digits of a member number without leading zeros.
func memberDigits(s string) string {
	digits := strings.Map(func(c rune) rune {
		if d := digit(c); d >= 0 {
			return '0' + d
		}
		return -1
	}, s)
	return strings.TrimLeft(digits, "0")
}

// String leaves out all but the prefix and the last four digits.
func (n Number) String() string {
	if n == (Number{}) {
		return "no number"
	}
	return Prefix + "…" + n.digits[len(n.digits)-4:]
}

// Format implements fmt.Formatter, so that no verb prints all of it.
func (n Number) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.String()) }

// LogValue implements slog.LogValuer.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }

// MarshalText implements encoding.TextMarshaler with the whole number.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.digits), nil }

// luhn returns the check digit of a number without it (ISO/IEC 7812-1, annex
// B): from the right every second digit counts twice, its digits added up.
func luhn(s string) byte {
	sum := byte(0)
	for i := range len(s) {
		d := s[len(s)-1-i] - '0'
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum = (sum + d) % 10
	}
	return '0' + (10-sum)%10
}
