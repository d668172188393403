package personalise_test

import (
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// TestFamilyCard issues a card for a family with a history of two of them,
// writes for the third at a clinic, and rebuilds the card from the centre: each
// has their own entries and summary again, and no more.
func TestFamilyCard(t *testing.T) {
	c := newCentre(t)
	b := dense(3)
	name := func(given string) record.Names {
		return record.Names{Latin: &record.Name{Given: []string{given}, Family: "Elder"}}
	}
	b.Identity.Family = []record.Member{
		{Person: 1, Relation: record.RelationSpouse, Names: name("Spouse")},
		{Person: 4, Relation: record.RelationChild, Names: name("Child")},
	}
	asthma := record.Diagnosis{Code: record.Code{System: terms.ICD10, Value: "J45.9"}, Chronic: true}
	b.Entries = append(b.Entries, &record.Entry{
		Person: 1, Start: time.Date(2020, 5, 6, 9, 0, 0, 0, time.UTC), Diagnoses: []record.Diagnosis{asthma},
	})
	b.Summary = record.Summarise(nil, b.Entries[:3], time.Now())
	old, issued, _ := c.issue(t, b)
	problems := func(v agent.Visit) (out []string) {
		if v.Summary != nil {
			for _, p := range v.Summary.Problems {
				out = append(out, p.Code.Value)
			}
		}
		return out
	}
	family := func(d *desk, child int, childs []string) {
		t.Helper()
		v := d.await(t, func(v agent.Visit) bool { return v.Ready && len(v.Entries) == 3 })
		if got := problems(v); !slices.Equal(got, []string{"I10"}) || v.Persons != record.PersonsOf(0, 1, 4) {
			t.Fatalf("holder with problems %v of persons %v", got, v.Persons.List())
		}
		for person, want := range map[uint8]struct {
			entries  int
			problems []string
		}{1: {1, []string{"J45.9"}}, 4: {child, childs}} {
			shown, err := d.agent.ShowPerson(t.Context(), v.ID, person)
			check(t, err)
			if len(shown.Entries) != want.entries || !slices.Equal(problems(shown), want.problems) {
				t.Fatalf("person %d: %d entries, problems %v", person, len(shown.Entries), problems(shown))
			}
		}
	}
	d := start(t, c.enrol(t, 2, cvc.RolePhysician), old)
	family(d, 0, nil)
	v := d.agent.Visits()[0]
	_, err := d.agent.ShowPerson(t.Context(), v.ID, 4)
	check(t, err)
	_, err = d.agent.Append(t.Context(), v.ID, &record.Entry{Person: 4, Start: time.Now(), Diagnoses: []record.Diagnosis{asthma}})
	check(t, err)
	d.await(t, func(v agent.Visit) bool {
		return v.Person == 4 && len(v.Entries) == 1 && slices.Contains(v.Entries[0].Where, agent.AtCentre)
	})
	d.stop()

	s := c.station(t)
	check(t, s.api.Refresh(t.Context()))
	fresh := softcard.New(softcard.Options{})
	desk := s.desk(s.api, fresh)
	res, err := desk.Fill(t.Context(), "reader", personalise.Order{Replaces: []card.ID{old.ID()}})
	check(t, err)
	if res.Patient != issued.Patient || res.OnCard != 5 || res.Unverified != 0 {
		t.Fatalf("%+v", res)
	}
	far := start(t, c.enrol(t, 3, cvc.RolePhysician), fresh)
	family(far, 1, []string{"J45.9"})
	far.stop()
}
