package agent

import (
	"errors"
	"maps"
	"slices"

	"github.com/dhamani-iq/dhamani/card"
)

// A reader with contacts and an antenna shows as two readers, and a card with
// both may answer in both. Readers of one device have one visit between them.
var (
	// ErrTwoCards is returned for a card in one slot of a device while another
	// card is in another.
	ErrTwoCards = errors.New("two cards in one reader")
	// errSameCard is returned for a card that another slot of the device has
	// open already: there is nothing to be done.
	errSameCard = errors.New("card is open in another slot of the reader")
)

// grouper is what readers may do besides: say by name which of them are slots
// of one device, each named by one of its readers.
type grouper interface {
	Devices(names []string) map[string]string
}

// holding is the card that a device has open.
type holding struct {
	by   *reader
	card card.ID
}

// deviceOf returns the device that a reader is part of. The mutex is held.
func (a *Agent) deviceOf(name string) string {
	g, ok := a.cfg.Readers.(grouper)
	if !ok {
		return name
	}
	if device, ok := g.Devices(slices.Collect(maps.Keys(a.readers)))[name]; ok {
		return device
	}
	return name
}

// claim takes the reader's device for a card. It owes ErrTwoCards and
// errSameCard; the reader is told to try again when the device becomes free.
func (a *Agent) claim(r *reader, id card.ID) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	device := a.deviceOf(r.name)
	held, taken := a.claims[device]
	if !taken || held.by == r {
		a.claims[device] = holding{r, id}
		return nil
	}
	a.waiting[r] = device
	if held.card == id {
		return errSameCard
	}
	return ErrTwoCards
}

// unclaim frees what a reader holds, and has those that wait for it try again.
func (a *Agent) unclaim(r *reader) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, r)
	for device, held := range a.claims {
		if held.by != r {
			continue
		}
		delete(a.claims, device)
		for other, wants := range a.waiting {
			if wants == device {
				delete(a.waiting, other)
				other.again.Store(true)
				other.nudge()
			}
		}
	}
}
