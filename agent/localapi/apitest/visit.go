package apitest

import (
	"context"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/card/stripe"
	"github.com/dhamani-iq/dhamani/crypto/claim"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// ShowPerson implements localapi.Backend: nobody but the holder has entries.
func (a *Agent) ShowPerson(_ context.Context, visit string, person uint8) (agent.Visit, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.visits, func(v agent.Visit) bool { return v.ID == visit })
	if i < 0 {
		return agent.Visit{}, agent.ErrNoVisit
	}
	v := &a.visits[i]
	if !v.Persons.Has(person) {
		return agent.Visit{}, envelope.ErrPerson
	}
	if v.Person != person {
		shown := Patient(v.Opened)
		v.Person, v.Summary, v.Alerts, v.Entries = person, nil, []record.Alert{}, []agent.VisitEntry{}
		v.Attested, v.FingerRefusals = nil, 0
		if person == 0 {
			v.Summary, v.Alerts, v.Entries = shown.Summary, shown.Alerts, shown.Entries
		}
		var err error
		if v.Checks, err = v.Check(nil, time.Now()); err != nil {
			return agent.Visit{}, err
		}
	}
	v.Eligibility, _ = eligibility(v, agent.CoverQuestion{}) // a visit of now has an answer
	a.publish(agent.Event{Kind: agent.KindPersonShown, Visit: visit})
	return *v, nil
}

// Eligibility implements localapi.Backend, for a private facility without a
// word of the centre.
func (a *Agent) Eligibility(visit string, q agent.CoverQuestion) (*entitle.Answer, error) {
	v, ok := a.Visit(visit)
	if !ok {
		return nil, agent.ErrNoVisit
	}
	return eligibility(&v, q)
}

func eligibility(v *agent.Visit, q agent.CoverQuestion) (*entitle.Answer, error) {
	return entitle.Ask(&entitle.Known{Identity: v.Identity, Cover: v.Cover, Issued: v.Opened.AddDate(0, -1, 0)}, entitle.Question{
		Person: v.Person, At: v.Opened, Place: entitle.PlacePrivate, Facility: 1207,
		Service: q.Service, Class: q.Class, Cost: q.Cost, Newborn: q.Newborn,
	})
}

// Lookup implements localapi.Backend on the visits that there are.
func (a *Agent) Lookup(_ context.Context, line string) ([]agent.Found, error) {
	number, err := stripe.Parse(line)
	if err != nil {
		return nil, err
	}
	var found []agent.Found
	for _, v := range a.Visits() {
		if v.Cover != nil && number.Names(v.Cover.Member) {
			id := v.Identity
			found = append(found, agent.Found{
				Patient: v.Patient, Card: v.Card, Names: id.Names, Sex: id.Sex, Born: id.Born, Read: v.Opened,
			})
		}
	}
	return found, nil
}

// Claim implements localapi.Backend with lists that name nobody.
func (a *Agent) Claim(text string) (agent.Claimed, error) {
	_, _, err := claim.Verify(trust.NewStore(nil), text, time.Now())
	return agent.Claimed{}, err
}
