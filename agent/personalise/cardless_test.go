package personalise_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// TestVisitWithoutCard: a clinic that has never seen the card gets the record
// from the centre for one visit, by role, and what it writes comes to the card
// at its next tap.
func TestVisitWithoutCard(t *testing.T) {
	const visits = 6
	c := newCentre(t)
	soft, res, _ := c.issue(t, dense(visits))
	clinic := c.enrol(t, 2, cvc.RolePhysician)
	d := startAt(t, clinic, emptyReader{})
	ask := agent.Cardless{Patient: res.Patient, Proof: wire.ProofPhoto, Reason: wire.ReasonForgotten}

	for name, bad := range map[string]agent.Cardless{
		"no reason":                            {Patient: res.Patient, Proof: wire.ProofPhoto},
		"another reason":                       {Patient: res.Patient, Proof: wire.ProofPhoto, Reason: "curious"},
		"no proof":                             {Patient: res.Patient, Reason: wire.ReasonForgotten},
		"finger, which no workstation matches": {Patient: res.Patient, Proof: "finger", Reason: wire.ReasonForgotten},
	} {
		if _, err := d.agent.OpenCardless(t.Context(), bad); !errors.Is(err, agent.ErrReason) {
			t.Errorf("%s: %v", name, err)
		}
	}
	unknown := ask
	unknown.Patient[7] ^= 1
	if _, err := d.agent.OpenCardless(t.Context(), unknown); !errors.Is(err, agent.ErrReleaseUnknown) {
		t.Errorf("a patient whom nobody knows: %v", err)
	}
	stranger := ask
	stranger.Person = 9
	if _, err := d.agent.OpenCardless(t.Context(), stranger); !errors.Is(err, agent.ErrReleaseUnknown) {
		t.Errorf("a person whom no card carries: %v", err)
	}

	id, err := d.agent.OpenCardless(t.Context(), ask)
	check(t, err)
	v, ok := d.agent.Visit(id)
	if !ok || !v.Ready || !v.Cardless || len(v.Entries) != visits || v.Identity.Names.Latin.Family != "Elder" || v.Role != "physician" {
		t.Fatalf("visit %+v", v)
	}
	if left := time.Until(v.Until); left <= 0 || left > 30*time.Minute {
		t.Fatalf("the visit lasts until %v", v.Until)
	}
	for _, e := range v.Entries {
		if len(e.Entry.Diagnoses) != 1 || slices.Contains(e.Locked, "clinical") {
			t.Fatalf("entry %+v", e)
		}
	}
	written, err := d.agent.Append(t.Context(), id, &record.Entry{
		Start:     time.Now().UTC().Truncate(time.Minute),
		Diagnoses: []record.Diagnosis{{Code: record.Code{System: terms.ICD10, Value: "J06.9"}}},
	})
	check(t, err)
	if !slices.Equal(written.Where, []string{agent.AtCache, agent.AtOutbox, agent.AtUnknown}) {
		t.Fatalf("written %+v", written)
	}
	d.agent.SignOut()
	if _, ok := d.agent.Visit(id); ok {
		t.Fatal("the visit is open after signing out")
	}
	if _, err := d.agent.OpenCardless(t.Context(), ask); !errors.Is(err, agent.ErrNoOperator) {
		t.Fatalf("nobody opened a visit: %v", err)
	}
	d.stop()

	// The card is found again and tapped where the visit was.
	again := start(t, clinic, soft)
	again.await(t, func(v agent.Visit) bool {
		i := slices.IndexFunc(v.Entries, func(e agent.VisitEntry) bool { return e.ID == written.ID })
		return i >= 0 && slices.Contains(v.Entries[i].Where, agent.AtCard)
	})

	// A pharmacist is not given what a physician is.
	ward := startAt(t, c.enrol(t, 3, cvc.RolePharmacist), emptyReader{})
	if id, err = ward.agent.OpenCardless(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	if v, _ = ward.agent.Visit(id); len(v.Entries) == 0 || len(v.Entries[0].Entry.Diagnoses) != 0 || !slices.Contains(v.Entries[0].Locked, "clinical") {
		t.Fatalf("a pharmacist reads %+v", v.Entries[0])
	}

	offline := c.enrol(t, 4, cvc.RolePhysician)
	offline.Config.Centre = "https://127.0.0.1:1"
	if _, err := startAt(t, offline, emptyReader{}).agent.OpenCardless(t.Context(), ask); !errors.Is(err, client.ErrOffline) {
		t.Fatalf("without the centre: %v", err)
	}
}
