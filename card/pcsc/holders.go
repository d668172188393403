package pcsc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dhamani-iq/dhamani/card"
)

// Program is a program that is connected to the card service. Which of them
// holds a reader the service tells nobody; one of these does.
type Program struct {
	PID  int    `json:"pid"`
	Name string `json:"name"` // as the system shows it, at most 15 bytes on Linux
}

// Holders are the programs other than this one that may hold a reader.
type Holders struct {
	Programs []Program `json:"programs"`
	Hidden   int       `json:"hidden"` // connections of programs that this user may not look at
	Told     bool      `json:"told"`   // the system tells at all
}

// Names lists the programs, "scdaemon 4711, …"; empty when none is known.
func (h Holders) Names() string {
	var parts []string
	for _, p := range h.Programs {
		parts = append(parts, fmt.Sprintf("%s %d", p.Name, p.PID))
	}
	return strings.Join(parts, ", ")
}

// String words the holders in English.
func (h Holders) String() string {
	names := h.Names()
	switch {
	case !h.Told:
		return "this system does not tell which program it is"
	case names == "" && h.Hidden == 0:
		return "no other program is connected to the card service any more"
	case names == "":
		return fmt.Sprintf("%d connections of other users' programs to the card service", h.Hidden)
	case h.Hidden > 0:
		return fmt.Sprintf("connected to the card service: %s, and %d connections of other users' programs", names, h.Hidden)
	}
	return "connected to the card service: " + names
}

// BusyError is card.ErrBusy with the programs that may be the reason.
type BusyError struct {
	Reader  string
	Holders Holders
	err     error
}

// Error implements error.
func (e *BusyError) Error() string { return e.err.Error() + "; " + e.Holders.String() }

// Unwrap returns the error of the connect, which is card.ErrBusy.
func (e *BusyError) Unwrap() error { return e.err }

// Programs names the programs that may hold the reader, for a failure's text.
func (e *BusyError) Programs() string { return e.Holders.Names() }

// nameHolders adds the holders to a card.ErrBusy and leaves every other error alone.
func nameHolders(reader string, err error) error {
	if !errors.Is(err, card.ErrBusy) {
		return err
	}
	holders, herr := FindHolders()
	if herr != nil {
		holders = Holders{} // that the system does not tell is all there is to say
	}
	return &BusyError{Reader: reader, Holders: holders, err: err}
}
