package personalise_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// TestReissue: a card with more history than it holds is used at a clinic and
// lost. The new card, and the centre behind it, lack nothing that the centre
// has acknowledged; the summary is the one that the history gives; the old card
// is refused by a clinic that knows the block list and is offline since.
func TestReissue(t *testing.T) {
	const visits = 420
	c := newCentre(t)
	history := dense(visits)
	history.Summary = record.Summarise(nil, history.Entries, time.Now())
	old, issued, _ := c.issue(t, history)
	clinic := c.enrol(t, 2, cvc.RolePhysician)
	d := start(t, clinic, old)
	v := d.await(t, func(v agent.Visit) bool { return v.Ready && len(v.Entries) == visits })
	written, err := d.agent.Append(t.Context(), v.ID, &record.Entry{
		Start:     time.Now(),
		Allergies: []record.Allergy{{Code: record.Code{System: terms.ATC, Value: "J01CA04"}}},
		Diagnoses: []record.Diagnosis{{Code: record.Code{System: terms.ICD10, Value: "J45.9"}, Chronic: true}},
	})
	check(t, err)
	v = d.await(t, func(v agent.Visit) bool {
		return len(v.Entries) == visits+1 && slices.Contains(v.Entries[0].Where, agent.AtCentre)
	})
	before := v.Summary
	d.stop()
	acknowledged, err := c.store.IDs(t.Context(), issued.Patient)
	check(t, err)
	if len(acknowledged) != visits+1 || !slices.Contains(acknowledged, written.ID) {
		t.Fatalf("%d entries at the centre", len(acknowledged))
	}

	s := c.station(t)
	check(t, s.api.Refresh(t.Context()))
	fresh := softcard.New(softcard.Options{})
	desk := s.desk(s.api, fresh)
	hands := madeUp(t, 40, fmr.RightIndex, fmr.LeftIndex)
	desk.Fingers, err = personalise.Fingers(hands)
	check(t, err)
	desk.Records, err = personalise.Records(hands)
	check(t, err)
	res, err := desk.Fill(t.Context(), "reader", personalise.Order{Replaces: []card.ID{old.ID()}})
	check(t, err)
	if res.Patient != issued.Patient || res.Sent != 0 || res.Unverified != 0 || wire.Digest(res.Entries) != wire.Digest(acknowledged) {
		t.Fatalf("patient %s, %d of %d entries, %d sent, %d unverified", res.Patient, len(res.Entries), len(acknowledged), res.Sent, res.Unverified)
	}
	if res.Fingers != 2 || res.LeftOut != nil {
		t.Errorf("the centre has taken %d fingers and left out %v", res.Fingers, res.LeftOut)
	}
	after, err := c.store.IDs(t.Context(), issued.Patient)
	check(t, err)
	if wire.Digest(after) != wire.Digest(acknowledged) {
		t.Fatal("the centre holds other entries than before")
	}

	// A clinic that never saw the patient reads the new card: the newest from
	// the card, all from card and centre together.
	far := start(t, c.enrol(t, 3, cvc.RolePhysician), fresh)
	v = far.await(t, func(v agent.Visit) bool { return v.Ready && len(v.Entries) == visits+1 })
	var ids []record.EntryID
	for i, e := range v.Entries {
		ids = append(ids, e.ID)
		if on := slices.Contains(e.Where, agent.AtCard); on != (i < res.OnCard) {
			t.Fatalf("entry %d, newest first, of which %d are on the card: on the card %v", i, res.OnCard, on)
		}
	}
	if ids[0] != written.ID || wire.Digest(ids) != wire.Digest(acknowledged) {
		t.Fatal("card and centre together lack something")
	}
	if !slices.EqualFunc(v.Summary.Allergies, before.Allergies, func(x, y record.Allergy) bool { return x.Code == y.Code }) ||
		!slices.EqualFunc(v.Summary.Problems, before.Problems, func(x, y record.Problem) bool { return x.Code == y.Code }) ||
		len(v.Summary.Allergies) != 1 || len(v.Summary.Problems) != 2 {
		t.Fatalf("summary %+v, before %+v", v.Summary, before)
	}
	far.stop()
	t.Logf("%d entries, %d of them on the new card in %d bytes", len(res.Entries), res.OnCard, res.Bytes)

	c.refused(t, old)
}

// refused shows the card to a clinic that has the centre's block list and no
// way to the centre any more.
func (c *centre) refused(t *testing.T, old *softcard.Card) {
	t.Helper()
	h := c.enrol(t, 4, cvc.RolePhysician) // the grant carries the list
	h.Config.Centre = "https://127.0.0.1:1"
	d := start(t, h, old)
	timeout := time.After(time.Minute)
	for {
		select {
		case <-timeout:
			t.Fatal("the old card is not refused")
		case ev := <-d.events:
			if ev.Kind == agent.KindFailure {
				if ev.Failure.Code != "card_blocked" || len(d.agent.Visits()) != 0 {
					t.Fatalf("%s, %d visits", ev.Failure.Code, len(d.agent.Visits()))
				}
				return
			}
		}
	}
}

// TestReissueWays names the old card by the patient, repeats a reissue that was
// interrupted, and refuses what is nobody's.
func TestReissueWays(t *testing.T) {
	c := newCentre(t)
	_, issued, _ := c.issue(t, dense(3))
	s := c.station(t)
	check(t, s.api.Refresh(t.Context()))
	armed := true
	torn := softcard.New(softcard.Options{Cut: func(p softcard.CutPoint) bool { return armed && p.INS == 0xE2 }})
	all := personalise.Order{Patient: issued.Patient, Replaces: []card.ID{wire.ReplaceAll}}
	desk := s.desk(s.api, torn)
	if _, err := desk.Fill(t.Context(), "reader", all); !errors.Is(err, card.ErrRemoved) {
		t.Fatal(err)
	}
	armed = false
	if !c.auth.Trust().Blocked(issued.Card) || c.auth.Trust().Blocked(torn.ID()) {
		t.Fatal("the first card is not blocked, or the second is")
	}
	// The card that was torn serves after all.
	res, err := desk.Fill(t.Context(), "reader", all)
	check(t, err)
	if res.OnCard != 3 || res.Patient != issued.Patient {
		t.Fatalf("%+v", res)
	}
	c.holds(t, torn, 3)
	// And a third card for the same patient.
	third := softcard.New(softcard.Options{})
	desk = s.desk(s.api, third)
	res, err = desk.Fill(t.Context(), "reader", all)
	check(t, err)
	if !c.auth.Trust().Blocked(torn.ID()) || res.Card != third.ID() {
		t.Fatal("the second card is not blocked")
	}

	desk = s.desk(s.api, softcard.New(softcard.Options{}))
	for name, tt := range map[string]struct {
		order personalise.Order
		code  string
	}{
		"unknown card":      {personalise.Order{Replaces: []card.ID{{1}}}, wire.CodeNoPatient},
		"unknown patient":   {personalise.Order{Patient: record.PatientID{1}, Replaces: []card.ID{wire.ReplaceAll}}, wire.CodeNoPatient},
		"someone else's":    {personalise.Order{Patient: otherPatient(t, c), Replaces: []card.ID{third.ID()}}, wire.CodeConflict},
		"replaced long ago": {personalise.Order{Replaces: []card.ID{issued.Card}}, wire.CodeConflict},
	} {
		_, err := desk.Fill(t.Context(), "reader", tt.order)
		if server, ok := errors.AsType[*client.ServerError](err); !ok || server.Code != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c.auth.Trust().Blocked(third.ID()) {
		t.Error("a refused request has blocked a card")
	}
}

func otherPatient(t *testing.T, c *centre) record.PatientID {
	t.Helper()
	b := dense(1)
	b.Identity.Names.Latin.Family = "Other"
	_, res, _ := c.issue(t, b)
	return res.Patient
}
