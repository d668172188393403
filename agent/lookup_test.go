package agent

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card/stripe"
	"github.com/dhamani-iq/dhamani/crypto/claim"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
)

// keep puts a card of a patient into the cache, as a tap does.
func keep(t *testing.T, d *desk, n *nation, p *patient, number byte, member string) {
	t.Helper()
	id := must[[]byte](t)((&record.Identity{
		Names: record.Names{Latin: &record.Name{Given: []string{"Synthetic"}}}, Born: record.Day(1980, 5, 6),
	}).Encode())
	var cover []byte
	if member != "" {
		cover = must[[]byte](t)((&record.Cover{Payer: "Dhamani", Member: member}).Encode())
	}
	file := must[[]byte](t)(trust.SignIdentity(n.issuer, trust.IDFile{
		Card: [8]byte{number}, Subjects: p.subjects, Identity: id, Cover: cover, Issued: time.Now(),
	}))
	if number == 66 { // a card whose identity does not check
		file[len(file)-1] ^= 1
	}
	if err := d.cache.PutRead(cache.Read{
		Patient: p.subject.Patient, Card: [8]byte{number}, IDFile: file, Audit: cache.Audit{Actor: "test", Action: "read"},
	}); err != nil {
		t.Fatal(err)
	}
}

func TestLookup(t *testing.T) {
	n := newNation(t)
	d := n.desk(deskOptions{blocked: [][8]byte{{7}}})
	people := make([]*patient, 3)
	for i := range people {
		people[i] = newPatient(t)
	}
	keep(t, d, n, people[0], 1, "DH-0042-7781")
	keep(t, d, n, people[1], 7, "427782")
	keep(t, d, n, people[2], 66, "427783")
	keep(t, d, n, people[2], 3, "")
	for _, c := range []struct {
		member string
		want   []byte // first byte of the cards
	}{{"427781", []byte{1}}, {"427782", []byte{7}}, {"427783", nil}, {"5", nil}} {
		number := must[stripe.Number](t)(stripe.NewNumber(c.member))
		track := must[string](t)(stripe.Track2(number, "2912101"))
		for _, line := range []string{track, number.Digits()} {
			got, err := d.agent.Lookup(t.Context(), line)
			if err != nil || len(got) != len(c.want) {
				t.Fatalf("%s: %d found, %v", c.member, len(got), err)
			}
			for i, f := range got {
				if f.Card[0] != c.want[i] || f.Names.Latin == nil || f.Born.IsZero() || f.Blocked != (f.Card[0] == 7) {
					t.Errorf("%s: found %+v", c.member, f)
				}
			}
		}
	}
	// The same patient's second card: one patient, the card read last.
	keep(t, d, n, people[0], 8, "DH-0042-7781")
	got, err := d.agent.Lookup(t.Context(), "9368010004277816")
	if err != nil || len(got) != 1 || got[0].Patient != people[0].subject.Patient {
		t.Fatalf("%v, %v", got, err)
	}
	if _, err := d.agent.Lookup(t.Context(), ";4111111111111111=?"); Classify(err).Code != "stripe_foreign" {
		t.Errorf("a bank's card: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.agent.Lookup(gone, "9368010004277816"); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}

// TestClaim checks claims at an agent that trusts their author, and at one of
// another nation.
func TestClaim(t *testing.T) {
	n := newNation(t)
	d, other := n.desk(deskOptions{blocked: [][8]byte{{7}}}), newNation(t).desk(deskOptions{})
	said := claim.Claim{
		Patient: record.PatientID{1}, Card: [8]byte{1}, Issued: time.Now(), Expires: time.Now().Add(time.Hour),
		Identity: &record.Identity{Names: record.Names{Latin: &record.Name{Given: []string{"Synthetic"}}}},
	}
	text := must[string](t)(claim.Sign(n.author, said))
	got, err := d.agent.Claim(text)
	if err != nil || got.Patient != said.Patient || got.Author == "" || got.Identity.Names.Latin == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	blocked, ended := said, said
	blocked.Card = [8]byte{7}
	ended.Issued, ended.Expires = said.Issued.Add(-2*time.Hour), said.Issued.Add(-time.Hour)
	for _, c := range []struct {
		desk *desk
		text string
		want string
	}{
		{other, text, "claim_author"},
		{d, text[:99], "claim_bad"},
		{d, "HC1:", "claim_bad"},
		{d, must[string](t)(claim.Sign(n.author, blocked)), "card_blocked"},
		{d, must[string](t)(claim.Sign(n.author, ended)), "claim_ended"},
	} {
		if got, err := c.desk.agent.Claim(c.text); Classify(err).Code != c.want || got.Identity != nil {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
