// Package pcsc reaches card readers through the operating system's PC/SC
// service: pcsc-lite's pcscd on Linux, the Smart Card service on Windows. It
// implements card.Readers and card.Transport and is the only package that
// knows the PC/SC binding.
//
// Three habits of PC/SC shape it. Waiting for events and working with cards
// each get contexts of their own, because a waiting context blocks every other
// call on it. A context that lost its service stays dead for ever, even after
// the service is back, so a fresh one is made. And a handle may silently speak
// to another card after a fast swap, so a transport that once saw its card go
// never answers again; what it cannot see, secure messaging must.
package pcsc

import (
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/card"
)

// Errors beyond those that card.Readers and card.Transport owe.
var (
	// ErrWatching: this process already waits for reader events. The binding
	// keeps reader names alive for one waiting call only.
	ErrWatching = errors.New("another watch is running in this process")
	// ErrNoCgo: the program was built without cgo, which PC/SC needs here.
	ErrNoCgo = errors.New("built without PC/SC support (cgo was off)")
	// ErrDenied: the service is there but refuses this user (polkit).
	ErrDenied = errors.New("the card service refuses this user")
	// ErrProtocol: the card speaks neither T=0 nor T=1.
	ErrProtocol = errors.New("the card speaks neither T=0 nor T=1")
	// ErrClosed: the transport was closed.
	ErrClosed = errors.New("the card connection is closed")
)

// Reader is what the service said of one reader when it was asked.
type Reader struct {
	Name    string
	Present bool   // a card is in it
	Mute    bool   // the card in it does not answer
	InUse   bool   // some program is connected to the card
	ATR     []byte // the card's answer to reset, nil without a card
}

// Error is a PC/SC call that failed. It unwraps to the sentinel of card or of
// this package that its code belongs to, if it belongs to one.
type Error struct {
	Op   string // what was being done, "connect to the card"
	Code uint32 // the service's return code, 0x8010xxxx
	Err  error  // sentinel, nil for codes that nobody branches on
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: card service error %08X", e.Op, e.Code)
	}
	return fmt.Sprintf("%s: %v (%08X)", e.Op, e.Err, e.Code)
}

func (e *Error) Unwrap() error { return e.Err }

var _ card.Readers = (*Service)(nil)
