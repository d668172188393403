package wire

import (
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/internal/strictcbor"
)

// ErrMalformed is returned when a message is not the canonical CBOR form of
// its kind, has bytes behind it, or lies outside the bounds.
var ErrMalformed = errors.New("malformed message")

// Message is a message of this protocol: *PushRequest, *PushResponse,
// *ChangesPage, *PatientResponse, *CardRequest, *CardGrant, *LogReceiptRequest,
// *LogReceipt, *EnrolRequest, *EnrolGrant, *OperatorRequest, *OperatorGrant,
// *ReleaseOrder, *ReleaseRequest, *ReleaseAnswer, *Release, *Health or *Error.
type Message interface {
	// check reports whether the fields are within the bounds; it owes ErrMalformed.
	check() error
}

// maxMessage bounds any message: an EnrolGrant holds both lists.
const maxMessage = 2*MaxList + MaxBody

// codec is core deterministic CBOR within the bounds of any message.
var codec = strictcbor.New(strictcbor.Limits{Depth: 4, Items: MaxItems, Pairs: 16})

// Encode returns the canonical form of m: core deterministic CBOR
// (RFC 8949 section 4.2.1) without tags, floats or null. It owes ErrMalformed
// for a message outside the bounds.
func Encode(m Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	raw, err := codec.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w: %w", ErrMalformed, err)
	}
	if len(raw) > maxMessage {
		return nil, fmt.Errorf("encode message: %d bytes: %w", len(raw), ErrMalformed)
	}
	return raw, nil
}

// Decode reads m from raw, which must be exactly what Encode would write. It
// owes ErrMalformed; m is then undefined. Slices in m do not alias raw.
func Decode(raw []byte, m Message) error {
	if len(raw) > maxMessage {
		return fmt.Errorf("decode message of %d bytes: %w", len(raw), ErrMalformed)
	}
	if err := codec.Unmarshal(raw, m); err != nil {
		return fmt.Errorf("decode message: %w: %w", ErrMalformed, err)
	}
	if err := m.check(); err != nil {
		return fmt.Errorf("decode message: %w", err)
	}
	return nil
}

// bound reports a field whose length n is not in low..high.
func bound(field string, n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%s of length %d, want %d to %d: %w", field, n, low, high, ErrMalformed)
	}
	return nil
}
