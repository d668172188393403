package card_test

import (
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/cardtest"
	"github.com/dhamani-iq/dhamani/card/softcard"
)

// The soft card in process keeps the contract of a transport.
func TestSoftCardTransport(t *testing.T) {
	p := newProgramme(t)
	image := p.issue(t, 1, 100).Image()
	cardtest.Transport(t, func(t *testing.T) (card.Transport, func()) {
		t.Helper()
		c, err := softcard.Load(image, softcard.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return c.Transport(), c.Remove
	})
}
