package softcard

import (
	"bytes"
	"context"
	"fmt"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/wait"
)

// contact is a reader's end of one card: who holds it may talk to the card
// until the card goes elsewhere. The card's mutex guards gone and powered.
type contact struct {
	card    *Card
	lost    func() // called when gone is set; may be nil
	gone    error  // why the card is not here any more; nil while it is
	powered bool
}

var _ card.Transport = (*contact)(nil)

// Transmit implements card.Transport. It owes ctx.Err, card.ErrRemoved when
// the card was removed or lost its power, and card.ErrReset when it was put
// into another reader.
func (t *contact) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	answer, took, err := t.card.transmit(t, cmd)
	if err != nil {
		return nil, fmt.Errorf("transmit to soft card: %w", err)
	}
	if t.card.opts.Sleep {
		if err := wait.For(ctx, took); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// ATR implements card.Transport.
func (t *contact) ATR() []byte { return bytes.Clone(t.card.atr) }

// Close implements card.Transport: it takes the card out.
func (t *contact) Close() error {
	t.card.mu.Lock()
	defer t.card.mu.Unlock()
	if t.gone == nil {
		t.card.eject(card.ErrRemoved)
	}
	return nil
}

// reason returns why the card is not here any more, nil while it is.
func (t *contact) reason() error {
	t.card.mu.Lock()
	defer t.card.mu.Unlock()
	return t.gone
}

// setPower switches the card on or off, as a reader does. Switching on what
// is on already is a reset.
func (t *contact) setPower(on bool) {
	t.card.mu.Lock()
	defer t.card.mu.Unlock()
	if t.gone != nil {
		return
	}
	t.powered = on
	t.card.power()
}
