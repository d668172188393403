// Package card is the host side of the Dhamani card application, whose
// byte-exact description is docs/formats/card.md: it selects the application,
// authenticates card and terminal (Chip and Terminal Authentication of BSI
// TR-03110), reads and appends under secure messaging. Entries are opaque
// bytes here.
//
// A card is hostile until it has proved otherwise, and bounded afterwards:
// every length, count and offset is checked before memory is taken for it.
package card

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Errors that a Transport or Readers owes.
var (
	ErrRemoved     = errors.New("card removed")                         // the card left the field, in mid-command too
	ErrReset       = errors.New("card reset by another program")        // its state is lost; open a new session
	ErrServiceDown = errors.New("smart card service is not running")    // pcscd or SCardSvr is gone
	ErrBusy        = errors.New("card in use by another program")       // try again later
	ErrNoCard      = errors.New("no card in the reader")                // Connect found the reader empty
	ErrNoReader    = errors.New("smart card reader is not there")       // unknown or unplugged
	ErrUnpowered   = errors.New("card does not answer the reader")      // mute, upside down or broken
	ErrTransport   = errors.New("smart card reader failed to transmit") // any other failure of the reader
)

// Transport carries command APDUs to one card. It is used by one goroutine
// at a time.
type Transport interface {
	// Transmit sends one command, short or extended, and returns the response
	// with SW1 SW2 at its end; both slices belong to the caller. What the
	// reader makes of an extended one is for a Prober to find out. It owes
	// ErrRemoved (an
	// empty or cut answer is a removal too), ErrReset, ErrServiceDown, ErrBusy,
	// ErrTransport and ctx.Err().
	Transmit(ctx context.Context, cmd []byte) ([]byte, error)
	// ATR returns the answer to reset that the card gave when it was connected.
	ATR() []byte
	// Close lets go of the card. It is safe to call twice.
	Close() error
}

// Readers is the set of readers at this workstation.
type Readers interface {
	// Watch reports every change until ctx ends, beginning with what is there
	// already, one call of emit at a time. It returns ctx.Err(), or an error
	// when watching is not possible at all; a service that stops and comes
	// back is reported with events instead.
	Watch(ctx context.Context, emit func(Event)) error
	// Connect powers the card in the named reader. It owes ErrNoCard, ErrBusy,
	// ErrNoReader, ErrUnpowered, ErrServiceDown and ctx.Err().
	Connect(ctx context.Context, reader string) (Transport, error)
}

// EventKind says what happened at the readers.
type EventKind uint8

// The kinds of events.
const (
	ReaderAdded EventKind = iota + 1
	ReaderRemoved
	CardInserted
	CardRemoved
	ServiceDown
	ServiceUp
)

// String returns the kind's name in snake case.
func (k EventKind) String() string {
	switch k {
	case ReaderAdded:
		return "reader_added"
	case ReaderRemoved:
		return "reader_removed"
	case CardInserted:
		return "card_inserted"
	case CardRemoved:
		return "card_removed"
	case ServiceDown:
		return "service_down"
	case ServiceUp:
		return "service_up"
	}
	return fmt.Sprintf("event(%d)", uint8(k))
}

// Event is one change at the readers. Reader is empty for the two kinds that
// concern the service; ATR is set for CardInserted.
type Event struct {
	Kind   EventKind
	Reader string
	ATR    []byte
	At     time.Time
}

// ID names a card: eight random bytes given at manufacture.
type ID [8]byte

// String returns 16 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) != 2*len(id) {
		return fmt.Errorf("card identifier of %d characters", len(b))
	}
	if _, err := hex.Decode(id[:], b); err != nil {
		return fmt.Errorf("card identifier: %w", err)
	}
	return nil
}

// State is the life-cycle status byte of the application (ISO/IEC 7816-4 7.4.10).
type State uint8

// The states.
const (
	StateCreation    State = 0x01 // being personalised
	StateBlocked     State = 0x04 // deactivated by the issuer; may come back
	StateOperational State = 0x05 // in use
	StateTerminated  State = 0x0C // ended for good
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case StateCreation:
		return "creation"
	case StateBlocked:
		return "blocked"
	case StateOperational:
		return "operational"
	case StateTerminated:
		return "terminated"
	}
	return fmt.Sprintf("state(%02X)", uint8(s))
}

// Err returns nil for a card in use, else ErrNotActivated, ErrBlocked or
// ErrTerminated.
func (s State) Err() error {
	switch s {
	case StateOperational:
		return nil
	case StateCreation:
		return ErrNotActivated
	case StateBlocked:
		return ErrBlocked
	case StateTerminated:
		return ErrTerminated
	}
	return ErrMalformed
}

// Info is what a card says of itself when it is selected; nothing of it is
// authenticated yet.
type Info struct {
	ID       ID
	Version  uint8
	State    State
	MaxBlock int // most bytes of a file or the log that one read may ask for
	MaxEntry int // largest sealed entry that the log takes, bytes
}
