package cose

import (
	"fmt"

	"github.com/dhamani-iq/dhamani/internal/strictcbor"
)

// codec is core deterministic CBOR within the bounds of anything read here.
var codec = strictcbor.New(strictcbor.Limits{Depth: 8, Items: 1 << 20, Pairs: 1 << 20})

// Marshal writes v in core deterministic CBOR (RFC 8949 section 4.2.1).
func Marshal(v any) ([]byte, error) {
	raw, err := codec.Marshal(v)
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
	if err := codec.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return nil
}
