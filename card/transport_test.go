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
	for name, t0 := range map[string]bool{"T=1": false, "T=0": true} {
		t.Run(name, func(t *testing.T) {
			cardtest.Transport(t, func(t *testing.T) (card.Transport, func()) {
				t.Helper()
				c, err := softcard.Load(image, softcard.Options{T0: t0})
				if err != nil {
					t.Fatal(err)
				}
				if t0 {
					return card.OverT0(c.Transport()), c.Remove
				}
				return c.Transport(), c.Remove
			})
		})
	}
}
