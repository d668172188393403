package cose

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// The bounds on any CBOR read here. They stand before every allocation.
const (
	maxDepth = 8
	maxItems = 1 << 20 // elements of an array, pairs of a map
)

var (
	encMode = must(encOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		TagsMd:            cbor.TagsForbidden,
		MaxNestedLevels:   maxDepth,
		MaxArrayElements:  maxItems,
		MaxMapPairs:       maxItems,
		IntDec:            cbor.IntDecConvertSignedOrFail,
	}.DecMode())
)

// encOptions is core deterministic CBOR; a nil slice is an empty string or
// array, never null.
func encOptions() cbor.EncOptions {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty
	o.TagsMd = cbor.TagsForbidden
	return o
}

func must[T any](v T, err error) T {
	if err != nil {
		panic("cose: internal error: " + err.Error())
	}
	return v
}

// Marshal writes v in core deterministic CBOR (RFC 8949 section 4.2.1).
func Marshal(v any) ([]byte, error) {
	raw, err := encMode.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode cbor: %w", err)
	}
	return raw, nil
}

// Unmarshal reads one item of core deterministic CBOR into v, a pointer.
// Whatever v would not write again byte for byte is refused: longer heads,
// unsorted or repeated keys, unknown or missing fields, null for a value,
// trailing bytes. So no two inputs ever mean the same. It owes ErrFormat.
func Unmarshal(raw []byte, v any) error {
	if err := decMode.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	again, err := encMode.Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if !bytes.Equal(raw, again) {
		return fmt.Errorf("not core deterministic: %w", ErrFormat)
	}
	return nil
}
