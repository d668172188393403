// Package strictcbor reads and writes core deterministic CBOR (RFC 8949
// section 4.2.1) without tags, indefinite lengths or null: each value has one
// form, and nothing else is read.
package strictcbor

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// ErrForm is returned for input that is CBOR, but not the one form of its value.
var ErrForm = errors.New("not core deterministic")

// Limits bound what is read. They stand before every allocation. The library
// knows no bound of items or pairs below 16.
type Limits struct {
	Depth int // levels of arrays and maps, at least 4
	Items int // elements of an array
	Pairs int // pairs of a map
}

// Codec is the strict encode mode with a strict decode mode. It is safe for
// concurrent use.
type Codec struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

// New builds a codec once, for a package variable. It panics when the limits
// are outside what the library knows.
func New(l Limits) Codec {
	opts := cbor.CoreDetEncOptions()
	opts.NilContainers = cbor.NilContainerAsEmpty // a nil slice is an empty string or array, never null
	opts.TagsMd = cbor.TagsForbidden
	enc, err := opts.EncMode()
	if err != nil {
		panic("strictcbor: internal error: " + err.Error())
	}
	dec, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		TagsMd:            cbor.TagsForbidden,
		IntDec:            cbor.IntDecConvertSignedOrFail, // of values without a type: int64
		MaxNestedLevels:   l.Depth,
		MaxArrayElements:  l.Items,
		MaxMapPairs:       l.Pairs,
	}.DecMode()
	if err != nil {
		panic("strictcbor: internal error: " + err.Error())
	}
	return Codec{enc, dec}
}

// Marshal writes v.
func (c Codec) Marshal(v any) ([]byte, error) { return c.enc.Marshal(v) }

// Unmarshal reads one item into v, a pointer. Whatever v would not write again
// byte for byte is refused: longer heads, unsorted or repeated keys, unknown
// or missing fields, null for a value, trailing bytes. So no two inputs ever
// mean the same. It owes ErrForm and the library's errors; v is then
// undefined. Slices in v do not alias raw.
func (c Codec) Unmarshal(raw []byte, v any) error {
	if err := c.dec.Unmarshal(raw, v); err != nil {
		return err
	}
	again, err := c.enc.Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if !bytes.Equal(raw, again) {
		return ErrForm
	}
	return nil
}
