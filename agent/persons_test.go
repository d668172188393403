package agent

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// allergyTo is a visit that changes the summary.
func allergyTo(person uint8, code string) *record.Entry {
	e := visit(60)
	e.Person, e.Start = person, time.Now()
	e.Allergies = []record.Allergy{{Code: record.Code{System: terms.ATC, Value: code}, Group: record.AllergyMedication}}
	return e
}

func allergies(v Visit) []string {
	var out []string
	if v.Summary != nil {
		for _, a := range v.Summary.Allergies {
			out = append(out, a.Code.Value)
		}
	}
	return out
}

// TestFamilyOnOneCard writes for a holder and a child, and reads both again at
// another desk: nothing of one shows in the other's record.
func TestFamilyOnOneCard(t *testing.T) {
	n := newNation(t)
	p := n.issue(3, softcard.Options{})
	d := n.desk(deskOptions{})
	v, failure := d.tap(t, p)
	if failure != nil || v.Person != 0 || v.Persons != record.PersonsOf(0, 1, 2) || len(v.Entries) != 3 {
		t.Fatalf("%v: person %d of %v, %d entries", failure, v.Person, v.Persons.List(), len(v.Entries))
	}
	if _, err := d.agent.Append(t.Context(), v.ID, allergyTo(2, "J01CA04")); !errors.Is(err, ErrPerson) {
		t.Fatalf("an entry of the child in the holder's visit: %v", err)
	}
	if _, err := d.agent.Append(t.Context(), v.ID, allergyTo(0, "N02BA01")); err != nil {
		t.Fatal(err)
	}
	child, err := d.agent.ShowPerson(t.Context(), v.ID, 2)
	if err != nil || child.Person != 2 || len(child.Entries) != 0 || child.Summary != nil || len(child.Alerts) != 0 {
		t.Fatalf("%v: person %d, %d entries, summary %v", err, child.Person, len(child.Entries), child.Summary)
	}
	d.await(t, KindPersonShown)
	if _, err := d.agent.Append(t.Context(), v.ID, allergyTo(0, "N02BA01")); !errors.Is(err, ErrPerson) {
		t.Fatalf("an entry of the holder in the child's visit: %v", err)
	}
	written, err := d.agent.Append(t.Context(), v.ID, allergyTo(2, "J01CA04"))
	if err != nil || !slices.Contains(written.Where, AtCard) {
		t.Fatalf("%v, %v", written, err)
	}
	child, _ = d.agent.Visit(v.ID)
	if len(child.Entries) != 1 || child.Entries[0].ID != written.ID || !slices.Equal(allergies(child), []string{"J01CA04"}) {
		t.Fatalf("%d entries, allergies %v", len(child.Entries), allergies(child))
	}
	for _, wrong := range []uint8{3, 15, 16} {
		if _, err := d.agent.ShowPerson(t.Context(), v.ID, wrong); !errors.Is(err, envelope.ErrPerson) {
			t.Errorf("person %d: %v", wrong, err)
		}
	}
	holder, err := d.agent.ShowPerson(t.Context(), v.ID, 0)
	if err != nil || len(holder.Entries) != 4 || !slices.Equal(allergies(holder), []string{"N02BA01"}) {
		t.Fatalf("%v: %d entries, allergies %v", err, len(holder.Entries), allergies(holder))
	}
	d.take(t)
	// Whose keys were given can be shown without the card, the others not.
	if child, err = d.agent.ShowPerson(t.Context(), v.ID, 2); err != nil || len(child.Entries) != 1 || !slices.Equal(allergies(child), []string{"J01CA04"}) {
		t.Fatalf("without the card: %v, %d entries", err, len(child.Entries))
	}
	if _, err := d.agent.ShowPerson(t.Context(), v.ID, 1); !errors.Is(err, card.ErrRemoved) {
		t.Fatalf("a person never shown, without the card: %v", err)
	}
	if _, err := d.agent.ShowPerson(t.Context(), "none", 0); !errors.Is(err, ErrNoVisit) {
		t.Fatal(err)
	}

	other := n.desk(deskOptions{})
	v, failure = other.tap(t, p)
	if failure != nil || len(v.Entries) != 4 || !slices.Equal(allergies(v), []string{"N02BA01"}) || len(v.Problems) != 0 {
		t.Fatalf("%v: %d entries, allergies %v, problems %v", failure, len(v.Entries), allergies(v), v.Problems)
	}
	child, err = other.agent.ShowPerson(t.Context(), v.ID, 2)
	if err != nil || len(child.Entries) != 1 || !slices.Equal(allergies(child), []string{"J01CA04"}) {
		t.Fatalf("%v: %d entries, allergies %v", err, len(child.Entries), allergies(child))
	}
	if spouse, err := other.agent.ShowPerson(t.Context(), v.ID, 1); err != nil || len(spouse.Entries) != 0 || spouse.Summary != nil {
		t.Fatalf("%v: %d entries", err, len(spouse.Entries))
	}
}

// TestTornWriteOfAnotherPerson: a write for a child that the card did not
// confirm is settled at the next tap, where the holder is shown.
func TestTornWriteOfAnotherPerson(t *testing.T) {
	n := newNation(t)
	p := n.issue(2, softcard.Options{})
	for after := range 12 {
		at := never()
		d := n.desk(deskOptions{wrap: func(tr card.Transport) card.Transport { return &cutter{Transport: tr, at: at} }})
		v, _ := d.tap(t, p)
		before, err := d.agent.ShowPerson(t.Context(), v.ID, 2)
		if err != nil {
			t.Fatal(err)
		}
		*at = after
		written, err := d.agent.Append(t.Context(), v.ID, allergyTo(2, "J01CA04"))
		if err != nil && !errors.Is(err, ErrWriteUnknown) {
			t.Fatalf("cut after %d: %v", after, err)
		}
		*at = -1
		d.take(t)
		v, failure := d.tap(t, p)
		if failure != nil {
			t.Fatalf("cut after %d: %s", after, failure.Code)
		}
		child, err := d.agent.ShowPerson(t.Context(), v.ID, 2)
		if err != nil || len(child.Entries) != len(before.Entries)+1 || !slices.Equal(allergies(child), []string{"J01CA04"}) {
			t.Fatalf("cut after %d: %v: %d entries, allergies %v", after, err, len(child.Entries), allergies(child))
		}
		if i := slices.IndexFunc(child.Entries, func(e VisitEntry) bool { return e.ID == written.ID }); i < 0 || !slices.Contains(child.Entries[i].Where, AtCard) {
			t.Fatalf("cut after %d: the entry is not on the card", after)
		}
		if pending, err := d.cache.AllPendings(); err != nil || len(pending) != 0 {
			t.Fatalf("cut after %d: %d pending, %v", after, len(pending), err)
		}
		d.take(t)
	}
}

// TestKeysAreKeptForTheirOperator: what a card gave is in the cache for the
// operator who was signed in, until they sign out.
func TestKeysAreKeptForTheirOperator(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{role: cvc.RoleReceptionist})
	op := n.operator("nurse", cvc.RoleNurse)
	holder := cache.Holder{Operator: op.ID, Vault: op.Vault}
	d.agent.SignIn(op)
	v := d.tapped(t, p)
	held := func(person uint8, h cache.Holder) int {
		t.Helper()
		keys, err := d.cache.SectionKeys(p.subject.Patient, person, h, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return len(keys)
	}
	if held(0, holder) != 3 || held(1, holder) != 0 || held(0, cache.Holder{}) != 0 {
		t.Fatalf("%d keys of the holder, %d of the spouse, %d without an operator", held(0, holder), held(1, holder), held(0, cache.Holder{}))
	}
	if _, err := d.agent.ShowPerson(t.Context(), v.ID, 1); err != nil {
		t.Fatal(err)
	}
	if held(1, holder) != 3 {
		t.Fatalf("%d keys of the spouse", held(1, holder))
	}
	shown, _ := d.agent.visits.held(v.ID)
	d.agent.SignOut()
	d.await(t, KindSignedOut)
	if n := held(0, holder) + held(1, holder); n != 0 {
		t.Fatalf("%d keys are kept after signing out", n)
	}
	for person, b := range shown.books {
		if n := len(b.keys.Sections()); n != 0 {
			t.Errorf("%d keys of person %d are in memory after signing out", n, person)
		}
	}
}
