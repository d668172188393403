//go:build !race

package agent

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

// TestThirtyDenseYears follows a patient of 20 long visits a year for thirty years
// through three clinics, one of which never has a line. Every year the centre
// is out of reach for some weeks, and once for five years, so that the card
// runs full. No visit is refused, nothing is ever lost, and the card goes on
// taking entries. The clock stands still meanwhile: only the order matters.
func TestThirtyDenseYears(t *testing.T) {
	const years, perYear = 30, 20
	n := newCountry(t)
	town, city, far := n.clinic(t, "town", cvc.RolePhysician), n.clinic(t, "city", cvc.RolePhysician), n.clinic(t, "far", cvc.RolePhysician)
	var written []record.EntryID
	var start uint32
	frees, freed, full, most, size := 0, 0, 0, 0, 0
	for i := range years * perYear {
		year, week := i/perYear, i%perYear
		k := [...]*clinic{town, town, city, town, far, town, city, town}[i%8]
		up := k != far && week != 7 && week != 8 && (year < 12 || year >= 17)
		c := k.tap(t)
		w := k.write(t, c, encounter(i))
		written = append(written, w.ID)
		if slices.Contains(w.Where, AtOwed) {
			full++
		}
		space := must[*Space](t)(k.agent.spaceOf(c.info.ID, c.head))
		most = max(most, space.Waiting)
		if space.Used+space.Free != card.LogSize || space.Entries+space.Freed != space.Ever || space.Freeable < 0 || space.Freeable > space.Used {
			t.Fatalf("visit %d: space %+v", i, space)
		}
		e, ok, err := k.agent.cfg.Cache.Entry(n.patient, w.ID)
		if err != nil || !ok {
			t.Fatal(err)
		}
		size += len(e.Sealed) + card.LenLength
		head := c.head
		k.reader.release()
		if up {
			k.exchange(t, c, i%5 == 0)
		}
		if head.StartSeq > start {
			frees, freed, start = frees+1, freed+int(head.StartSeq-start), head.StartSeq
		}
		if week == perYear-1 || head.StartSeq > start {
			n.mustBeHeld(t, fmt.Sprintf("year %d, visit %d", year, i), written)
		}
	}
	// The far clinic's desk sees the card now and then; what waited there for
	// room comes to the card, and from it to the centre.
	for range 2 {
		far.tap(t)
		far.reader.release()
		c := town.tap(t)
		town.reader.release()
		town.exchange(t, c, true)
	}
	n.mustBeHeld(t, "at the end", written)
	_, atCentre, _ := n.held(t)
	for i, id := range written {
		if atCentre[id] == 0 {
			t.Errorf("visit %d never reached the centre", i)
		}
	}
	t.Logf("%d visits, %d bytes of log; the card was freed %d times, of %d entries; it was full at %d visits, at most %d entries waited for room",
		len(written), size, frees, freed, full, most)
	if size < 6*card.LogSize || frees < 15 || full == 0 {
		t.Error("the card's log has not gone round often enough to say anything")
	}
}
