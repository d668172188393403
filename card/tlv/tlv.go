// Package tlv reads and writes the BER-TLV data objects of ISO/IEC 7816-4
// clause 6 in their one shortest form: tags of one to three bytes, lengths
// of at most 65,535 in the fewest bytes.
//
// The reader is flat and allocates nothing for the values: one call reads the
// objects of one level, so the depth of a structure is the depth of the code
// that asks for it, whatever a card sends.
package tlv

import (
	"errors"
	"fmt"
)

// MaxLength is the largest value length that is read or written.
const MaxLength = 65535

// MaxItems is the largest number of data objects that All reads on one level.
const MaxItems = 64

// ErrSyntax is what every SyntaxError wraps.
var ErrSyntax = errors.New("malformed data object")

// SyntaxError says where the coding of a data object is wrong.
type SyntaxError struct {
	Offset int    // byte offset in the input
	What   string // what is wrong there
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%v: %s at offset %d", ErrSyntax, e.What, e.Offset)
}

// Unwrap makes errors.Is(err, ErrSyntax) true.
func (e *SyntaxError) Unwrap() error { return ErrSyntax }

// Tag is a tag's bytes, read as a big-endian number: 0x84, 0x7F49.
type Tag uint32

// Constructed reports whether the value consists of data objects itself.
func (t Tag) Constructed() bool {
	for t > 0xFF {
		t >>= 8
	}
	return t&0x20 != 0
}

// String returns the tag's hexadecimal digits.
func (t Tag) String() string { return fmt.Sprintf("%02X", uint32(t)) }

// Item is one data object. Value is a part of the input.
type Item struct {
	Tag   Tag
	Value []byte
}

// Next reads the first data object of b and returns what follows it.
// It owes *SyntaxError.
func Next(b []byte) (item Item, rest []byte, err error) {
	tag, n, err := readTag(b)
	if err != nil {
		return Item{}, nil, err
	}
	length, m, err := readLength(b[n:], n)
	if err != nil {
		return Item{}, nil, err
	}
	n += m
	if length > len(b)-n {
		return Item{}, nil, &SyntaxError{n, "value cut short"}
	}
	return Item{tag, b[n : n+length : n+length]}, b[n+length:], nil
}

func readTag(b []byte) (Tag, int, error) {
	if len(b) == 0 {
		return 0, 0, &SyntaxError{0, "tag missing"}
	}
	if b[0] == 0x00 || b[0] == 0xFF {
		return 0, 0, &SyntaxError{0, "tag reserved"}
	}
	tag := Tag(b[0])
	if b[0]&0x1F != 0x1F {
		return tag, 1, nil
	}
	for n := 1; ; n++ {
		switch {
		case n >= len(b):
			return 0, 0, &SyntaxError{n, "tag cut short"}
		case n == 3:
			return 0, 0, &SyntaxError{n, "tag too long"}
		case n == 1 && (b[1] == 0x80 || b[1] < 0x1F):
			return 0, 0, &SyntaxError{n, "tag not in shortest form"}
		}
		tag = tag<<8 | Tag(b[n])
		if b[n]&0x80 == 0 {
			return tag, n + 1, nil
		}
	}
}

func readLength(b []byte, at int) (length, n int, err error) {
	switch {
	case len(b) == 0:
		return 0, 0, &SyntaxError{at, "length missing"}
	case b[0] < 0x80:
		return int(b[0]), 1, nil
	case b[0] == 0x81 && len(b) > 1:
		if b[1] < 0x80 {
			return 0, 0, &SyntaxError{at, "length not in shortest form"}
		}
		return int(b[1]), 2, nil
	case b[0] == 0x82 && len(b) > 2:
		if b[1] == 0 {
			return 0, 0, &SyntaxError{at, "length not in shortest form"}
		}
		return int(b[1])<<8 | int(b[2]), 3, nil
	case b[0] == 0x81 || b[0] == 0x82:
		return 0, 0, &SyntaxError{at, "length cut short"}
	}
	return 0, 0, &SyntaxError{at, "length form not supported"}
}

// All reads every data object of b, at most MaxItems. It owes *SyntaxError,
// for bytes left over too.
func All(b []byte) ([]Item, error) {
	var items []Item
	for rest := b; len(rest) > 0; {
		if len(items) == MaxItems {
			return nil, &SyntaxError{len(b) - len(rest), "too many data objects"}
		}
		item, after, err := Next(rest)
		if err != nil {
			return nil, shift(err, len(b)-len(rest))
		}
		items = append(items, item)
		rest = after
	}
	return items, nil
}

// Fields reads exactly the data objects named, in that order, and returns
// their values. It owes *SyntaxError when one is missing or any byte is left.
func Fields(b []byte, tags ...Tag) ([][]byte, error) {
	values := make([][]byte, 0, len(tags))
	rest := b
	for _, want := range tags {
		item, after, err := Next(rest)
		if err != nil {
			return nil, shift(err, len(b)-len(rest))
		}
		if item.Tag != want {
			return nil, &SyntaxError{len(b) - len(rest), "tag " + item.Tag.String() + " instead of " + want.String()}
		}
		values = append(values, item.Value)
		rest = after
	}
	if len(rest) > 0 {
		return nil, &SyntaxError{len(b) - len(rest), "bytes left over"}
	}
	return values, nil
}

// Field reads the single data object that b must be and returns its value.
// It owes *SyntaxError.
func Field(b []byte, tag Tag) ([]byte, error) {
	item, rest, err := Next(b)
	switch {
	case err != nil:
		return nil, err
	case item.Tag != tag:
		return nil, &SyntaxError{0, "tag " + item.Tag.String() + " instead of " + tag.String()}
	case len(rest) > 0:
		return nil, &SyntaxError{len(b) - len(rest), "bytes left over"}
	}
	return item.Value, nil
}

// Find returns the value of the first item with the tag.
func Find(items []Item, tag Tag) ([]byte, bool) {
	for _, it := range items {
		if it.Tag == tag {
			return it.Value, true
		}
	}
	return nil, false
}

func shift(err error, by int) error {
	if s, ok := errors.AsType[*SyntaxError](err); ok {
		return &SyntaxError{s.Offset + by, s.What}
	}
	return err
}
