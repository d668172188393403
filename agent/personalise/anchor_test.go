package personalise_test

import (
	"testing"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// TestAnchorChanges: while the programme's trust anchor changes, workstations
// enrolled before and after it read cards issued before and after it, in every
// order.
func TestAnchorChanges(t *testing.T) {
	c := newCentre(t)
	oldCard, _, _ := c.issue(t, dense(2))
	oldDesk := c.enrol(t, 2, cvc.RolePhysician)
	if _, err := c.auth.RollAnchor(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	newDesk := c.enrol(t, 2, cvc.RolePhysician)
	newCard, _, _ := c.issue(t, dense(3))
	if n, m := len(oldDesk.Terminal.Chain), len(newDesk.Terminal.Chain); n != 2 || m != 3 {
		t.Fatalf("chains of %d and %d certificates", n, m)
	}
	late := c.enrol(t, 3, cvc.RolePhysician)
	check(t, oldDesk.Trust.UpdateTrust(late.Grant.Trust)) // the author of the new card's entries is in it
	for name, read := range map[string]struct {
		desk *home.Home
		card *softcard.Card
		want int
	}{
		"old desk, new card":  {oldDesk, newCard, 3},
		"new desk, old card":  {newDesk, oldCard, 2},
		"late desk, new card": {late, newCard, 3},
	} {
		t.Log(name)
		desk := start(t, read.desk, read.card)
		desk.await(t, func(v agent.Visit) bool { return v.Ready && len(v.Entries) == read.want })
		desk.stop()
	}
	// The old card has both anchors now, and takes the old desk still.
	start(t, oldDesk, oldCard).await(t, func(v agent.Visit) bool { return v.Ready && len(v.Entries) == 2 })
}
