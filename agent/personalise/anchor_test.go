package personalise_test

import (
	"testing"

	"github.com/dhamani-iq/dhamani/agent"
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
	for name, read := range map[string]struct {
		desk *desk
		want int
	}{
		"old desk, new card":  {start(t, oldDesk, newCard), 3},
		"new desk, old card":  {start(t, newDesk, oldCard), 2},
		"late desk, new card": {start(t, late, newCard), 3},
	} {
		v := read.desk.await(t, func(v agent.Visit) bool { return v.Ready })
		if len(v.Entries) != read.want {
			t.Errorf("%s: %d entries", name, len(v.Entries))
		}
		read.desk.stop()
	}
	// The old card has both anchors now, and takes the old desk still.
	v := start(t, oldDesk, oldCard).await(t, func(v agent.Visit) bool { return v.Ready })
	if len(v.Entries) != 2 {
		t.Errorf("old desk, old card: %d entries", len(v.Entries))
	}
}
