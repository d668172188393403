package agent

import (
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/standing"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// TestEligibility has a private clinic ask, write a visit, and ask again.
func TestEligibility(t *testing.T) {
	n := newNation(t)
	centre := newKey(t)
	n.list.Keys = append(n.list.Keys, n.key(&centre.PublicKey, trust.UsageCentre, "centre"))
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{place: entitle.PlacePrivate})
	v, failure := d.tap(t, p)
	if failure != nil || v.Eligibility == nil || v.Eligibility.Outcome != entitle.NotCovered || v.Eligibility.Final {
		t.Fatalf("card without a cover: %v, %+v", failure, v.Eligibility)
	}
	put := func(key *ecdsa.PrivateKey, visits uint32, at time.Time) {
		t.Helper()
		cover := record.Cover{Payer: "Dhamani", Counters: []record.Counter{{Kind: record.CounterVisits, Year: uint16(entitle.Default().Year(time.Now())), Allowed: visits}}} // #nosec G115 -- a year
		raw := must[[]byte](t)(standing.Seal(p.subject, p.keys, envelope.Author{Signer: key, KID: trust.KIDOf(&key.PublicKey)}, &entitle.Standing{
			At: at, Year: cover.Counters[0].Year, Cover: must[[]byte](t)(cover.Encode()), CoverAt: at,
		}, rand.Reader))
		if err := d.cache.PutStanding(p.subjects.Patient, 0, raw); err != nil {
			t.Fatal(err)
		}
	}
	held := func() *heldVisit {
		h, _ := d.agent.visits.held(v.ID)
		return &h
	}
	seal := func(at time.Time) []byte {
		return must[[]byte](t)(standing.Seal(p.subject, p.keys, envelope.Author{Signer: centre, KID: trust.KIDOf(&centre.PublicKey)}, &entitle.Standing{
			At: at, Year: uint16(entitle.Default().Year(at)), CoverAt: at, // #nosec G115 -- a year
		}, rand.Reader))
	}
	base := time.Now().AddDate(0, 0, -3).Truncate(time.Minute) // as the word has it
	for _, step := range []struct {
		name  string
		at    time.Duration // of the centre's word, behind the clock that is right
		clock time.Duration // of this machine
		ahead bool
		want  time.Duration // of the word that is kept
	}{
		{name: "a clock that is right", at: -time.Hour, want: -time.Hour},
		{name: "clocks that differ a little", at: 9 * time.Minute, want: 9 * time.Minute},
		{name: "a centre that is ahead", at: 11 * time.Minute, ahead: true, want: 9 * time.Minute},
		{name: "an older word", at: 0, want: 9 * time.Minute},
		{name: "a clock that is ahead, like the word", at: 24 * time.Hour, clock: 24 * time.Hour, want: 24 * time.Hour},
		{name: "a word of now in the place of a later one", at: time.Minute, want: time.Minute},
	} {
		err := d.agent.keepStanding(held(), seal(base.Add(step.at)), base.Add(step.clock))
		if got := d.agent.standingOf(held()); errors.Is(err, ErrStandingAhead) != step.ahead || !step.ahead && err != nil ||
			got == nil || !got.At.Equal(base.Add(step.want)) {
			t.Fatalf("%s: %v, kept %+v", step.name, err, got)
		}
	}
	put(n.author, 50, time.Now().Add(2*time.Minute))
	if v, _ = d.agent.Visit(v.ID); v.Eligibility.Outcome != entitle.NotCovered {
		t.Fatalf("by a standing that a clinic has signed: %+v", v.Eligibility)
	}
	put(centre, 9, time.Now().Add(2*time.Minute))
	v, _ = d.agent.Visit(v.ID)
	if a := v.Eligibility; a.Outcome != entitle.Covered || !a.Final || a.PerCent != 25 || a.Balance.Visits.Left != 9 {
		t.Fatalf("%+v, %+v", a, a.Balance)
	}
	written, err := d.agent.Append(t.Context(), v.ID, &record.Entry{Cost: &record.Cost{Total: record.Int(20000)}})
	if err != nil {
		t.Fatal(err)
	}
	all := d.agent.Visits()
	a := all[0].Eligibility
	if a.Balance.Visits.Left != 8 || a.Reasons[0].Code != entitle.CodeToday {
		t.Errorf("after a visit: %+v, %+v", a, a.Balance)
	}
	for _, e := range all[0].Entries {
		if e.ID == written.ID && (e.Entry.Cost.Patient == nil || *e.Entry.Cost.Patient != record.Int(5000)) {
			t.Errorf("cost %+v", e.Entry.Cost)
		}
	}
	said := record.Int(1)
	for name, e := range map[string]*record.Entry{
		"in dollars":          {Cost: &record.Cost{Total: record.Int(20000), Currency: "USD"}},
		"of another share":    {Cost: &record.Cost{Total: record.Int(20000), Patient: &said}},
		"with a fraction":     {Cost: &record.Cost{Total: record.Decimal{Mantissa: 5, Scale: 1}}},
		"of another person":   {Person: 2, Cost: &record.Cost{Total: record.Int(20000)}},
		"that needs approval": {Cost: &record.Cost{Total: record.Int(20000), Service: record.ServiceOther}},
		"without a cost":      {},
	} {
		h, _ := d.agent.visits.held(v.ID)
		if d.agent.share(&h, e) != e {
			t.Errorf("cost %s has changed", name)
		}
	}
	cost := int64(200000)
	answer, err := d.agent.Eligibility(v.ID, CoverQuestion{Service: record.ServiceDental, Cost: &cost})
	if err != nil || answer.Patient == nil || *answer.Patient != 75000 {
		t.Errorf("dental: %+v, %v", answer, err)
	}
	public := entitle.PlacePublic
	if answer, err = d.agent.Eligibility(v.ID, CoverQuestion{Place: &public}); err != nil || answer.PerCent != 0 {
		t.Errorf("elsewhere: %+v, %v", answer, err)
	}
	cost = -1
	if _, err := d.agent.Eligibility(v.ID, CoverQuestion{Cost: &cost}); !errors.Is(err, entitle.ErrQuestion) {
		t.Errorf("a negative cost: %v", err)
	}
	if _, err := d.agent.Eligibility("none", CoverQuestion{}); !errors.Is(err, ErrNoVisit) {
		t.Errorf("no visit: %v", err)
	}
	child, err := d.agent.ShowPerson(t.Context(), v.ID, 2)
	if err != nil || child.Eligibility == nil || child.Eligibility.Outcome != entitle.NotCovered {
		t.Errorf("another person by the holder's standing: %+v, %v", child.Eligibility, err)
	}
}

// TestCorrectedElsewhere: the card has a treatment that another desk of the
// facility has corrected, and taken back, since. Only the centre knows of it.
func TestCorrectedElsewhere(t *testing.T) {
	n := newNation(t)
	centre := newKey(t)
	n.list.Keys = append(n.list.Keys, n.key(&centre.PublicKey, trust.UsageCentre, "centre"))
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{})
	v := d.tapped(t, p)
	share := record.Int(0)
	charge := func() record.EntryID {
		w := must[Written](t)(d.agent.Append(t.Context(), v.ID, &record.Entry{
			Cost: &record.Cost{Total: record.Int(50000), Patient: &share, Service: record.ServiceDental},
		}))
		return w.ID
	}
	corrected, gone := entitle.RefOf(charge()), entitle.RefOf(charge())
	now := time.Now().Add(2 * time.Minute) // after the card was issued
	cover := record.Cover{Payer: "Dhamani"}
	raw := must[[]byte](t)(standing.Seal(p.subject, p.keys, envelope.Author{Signer: centre, KID: trust.KIDOf(&centre.PublicKey)}, &entitle.Standing{
		At: now, Year: uint16(entitle.Default().Year(now)), Cover: must[[]byte](t)(cover.Encode()), CoverAt: now, // #nosec G115 -- a year
		Charges: []entitle.Charge{{Ref: entitle.Ref{1}, Start: now, Facility: 101, Service: record.ServiceDental, Paid: 30000}},
		Amendments: []entitle.Amendment{
			{Ref: entitle.Ref{1}, Of: corrected, Facility: 101}, {Ref: entitle.Ref{2}, Of: gone, Facility: 101},
		},
	}, rand.Reader))
	h, _ := d.agent.visits.held(v.ID)
	if err := d.agent.keepStanding(&h, raw, now); err != nil {
		t.Fatal(err)
	}
	answer, err := d.agent.Eligibility(v.ID, CoverQuestion{Service: record.ServiceDental})
	if err != nil || answer.Balance == nil || answer.Balance.Dental.Used != 30000 {
		t.Errorf("%+v, %v", answer, err)
	}
}

// TestCorrectedCost: a correction without the patient's share gets it as any
// other cost does, by what is left without the entry that it replaces.
func TestCorrectedCost(t *testing.T) {
	n := newNation(t)
	centre := newKey(t)
	n.list.Keys = append(n.list.Keys, n.key(&centre.PublicKey, trust.UsageCentre, "centre"))
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{place: entitle.PlacePrivate})
	v := d.tapped(t, p)
	now := time.Now().Add(2 * time.Minute) // after the card was issued
	cover := record.Cover{Payer: "Dhamani"}
	h, _ := d.agent.visits.held(v.ID)
	raw := must[[]byte](t)(standing.Seal(p.subject, p.keys, envelope.Author{Signer: centre, KID: trust.KIDOf(&centre.PublicKey)}, &entitle.Standing{
		At: now, Year: uint16(entitle.Default().Year(now)), Cover: must[[]byte](t)(cover.Encode()), CoverAt: now, // #nosec G115 -- a year
	}, rand.Reader))
	if err := d.agent.keepStanding(&h, raw, now); err != nil {
		t.Fatal(err)
	}
	write := func(total int64, amends *record.EntryID) (record.EntryID, int64) {
		t.Helper()
		w := must[Written](t)(d.agent.Append(t.Context(), v.ID, &record.Entry{
			Amends: amends, Cost: &record.Cost{Total: record.Int(total), Service: record.ServiceDental},
		}))
		shown, _ := d.agent.Visit(v.ID)
		cost := entryOf(t, shown, w.ID).Entry.Cost
		if cost.Patient == nil {
			t.Fatalf("of %d the patient's part is open", total)
		}
		return w.ID, cost.Patient.Mantissa
	}
	wrong, share := write(160000, nil)
	if share != 40000 { // of the sum of the year 120,000 are used, 5,000 left
		t.Errorf("the patient pays %d", share)
	}
	if _, share = write(100000, &wrong); share != 25000 {
		t.Errorf("after the correction the patient pays %d", share)
	}
	if _, share = write(80000, nil); share != 30000 { // 50,000 are left
		t.Errorf("of the next the patient pays %d", share)
	}
}
