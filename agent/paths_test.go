package agent

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

func TestTapReadsTheWholeRecord(t *testing.T) {
	n := newNation(t)
	p := n.issue(7, softcard.Options{})
	d := n.desk(deskOptions{})
	v := d.tapped(t, p)
	if v.Identity == nil || v.Identity.Names.Latin.Family != "Person" || v.Patient != p.subject.Patient {
		t.Fatalf("identity %+v of patient %v", v.Identity, v.Patient)
	}
	if len(v.Entries) != 7 || len(v.Problems) != 0 || !v.Ready || !v.Present {
		t.Fatalf("%d entries, problems %v, ready %v, present %v", len(v.Entries), v.Problems, v.Ready, v.Present)
	}
	if !slices.IsSortedFunc(v.Entries, func(x, y VisitEntry) int { return y.Entry.Start.Compare(x.Entry.Start) }) {
		t.Fatal("entries are not newest first")
	}
	if v.Entries[0].Author != "Dr Zaynab" || len(v.Entries[0].Locked) != 0 {
		t.Fatalf("author %q, locked %v", v.Entries[0].Author, v.Entries[0].Locked)
	}
}

func TestSecondTapReadsNoLog(t *testing.T) {
	n := newNation(t)
	p := n.issue(40, softcard.Options{})
	d := n.desk(deskOptions{})
	first, _ := d.tap(t, p)
	d.take(t)
	again := d.tapped(t, p)
	if len(again.Entries) != 40 || again.Stats.APDUs >= first.Stats.APDUs {
		t.Fatalf("%d entries, %d APDUs after %d", len(again.Entries), again.Stats.APDUs, first.Stats.APDUs)
	}
	if again.ID == first.ID {
		t.Fatal("a new tap has the old visit's identifier")
	}
}

func TestAppendReachesCardCacheAndOutbox(t *testing.T) {
	n := newNation(t)
	p := n.issue(2, softcard.Options{})
	d := n.desk(deskOptions{})
	v, _ := d.tap(t, p)
	draft := visit(0)
	draft.Start = time.Now()
	draft.Allergies = []record.Allergy{{Code: record.Code{System: terms.ATC, Value: "J01C"}}}
	w, err := d.agent.Append(t.Context(), v.ID, draft)
	if err != nil {
		t.Fatal(err)
	}
	if w.Seq != 3 || !slices.Equal(w.Where, []string{AtCard, AtCache, AtOutbox}) {
		t.Fatalf("written %+v", w)
	}
	now, _ := d.agent.Visit(v.ID)
	if len(now.Entries) != 3 || now.Entries[0].ID != w.ID || len(now.Alerts) == 0 {
		t.Fatalf("%d entries, %d alerts after the append", len(now.Entries), len(now.Alerts))
	}
	if d.cache.OutboxLen() != 1 {
		t.Fatalf("%d entries in the outbox", d.cache.OutboxLen())
	}
	// Another desk, which has never seen the card, reads the same.
	d.take(t)
	other := n.desk(deskOptions{}).tapped(t, p)
	if len(other.Entries) != 3 || other.Entries[0].ID != w.ID || len(other.Alerts) == 0 {
		t.Fatalf("the other desk sees %d entries, %d alerts", len(other.Entries), len(other.Alerts))
	}
}

func TestAppendRefusals(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{role: cvc.RolePharmacist})
	v, _ := d.tap(t, p)
	if len(v.Entries) != 1 || !slices.Contains(v.Entries[0].Locked, "clinical") || v.Entries[0].Entry.Diagnoses != nil {
		t.Fatalf("a pharmacist sees %+v", v.Entries)
	}
	if _, err := d.agent.Append(t.Context(), v.ID, visit(1)); !errors.Is(err, ErrSectionLocked) {
		t.Fatalf("a pharmacist writes a diagnosis: %v", err)
	}
	if _, err := d.agent.Append(t.Context(), "no such visit", visit(1)); !errors.Is(err, ErrNoVisit) {
		t.Fatalf("append to no visit: %v", err)
	}
	if _, err := d.agent.Append(t.Context(), v.ID, &record.Entry{Prescriptions: []record.Prescription{{}}}); !errors.Is(err, record.ErrInvalid) {
		t.Fatalf("append of a prescription without a medicine: %v", err)
	}
	d.take(t)
	if _, err := d.agent.Append(t.Context(), v.ID, visit(1)); Classify(err).Code != "card_removed" {
		t.Fatalf("append without the card: %v", err)
	}
	if d.cache.OutboxLen() != 0 {
		t.Fatal("a refused draft is in the outbox")
	}
}

// TestLargeEncounterBecomesSeveralEntries writes more than one entry holds,
// and takes the card away behind the first part: both parts are on the card
// after the next tap.
func TestLargeEncounterBecomesSeveralEntries(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	at := never()
	d := n.desk(deskOptions{wrap: func(tr card.Transport) card.Transport { return &cutter{Transport: tr, at: at} }})
	v, _ := d.tap(t, p)
	draft := visit(3)
	for i := range 40 {
		draft.Notes = append(draft.Notes, record.Note{Text: strings.Repeat("a long tale ", 8) + strconv.Itoa(i)})
	}
	w, err := d.agent.Append(t.Context(), v.ID, draft)
	if err != nil {
		t.Fatal(err)
	}
	if w.Seq < 3 || d.cache.OutboxLen() != int(w.Seq)-1 {
		t.Fatalf("written %+v, %d in the outbox", w, d.cache.OutboxLen())
	}
	parts := int(w.Seq) - 1
	*at = 10 // in the midst of the second part
	if _, err := d.agent.Append(t.Context(), v.ID, draft); !errors.Is(err, ErrWriteUnknown) {
		t.Fatalf("append while the card leaves: %v", err)
	}
	if d.cache.OutboxLen() != 2*parts {
		t.Fatalf("%d in the outbox, want %d", d.cache.OutboxLen(), 2*parts)
	}
	d.take(t)
	v, failure := d.tap(t, p)
	if failure != nil || len(v.Entries) != 1+2*parts {
		t.Fatalf("%d entries, want %d: %v", len(v.Entries), 1+2*parts, failure)
	}
	notes := 0
	for _, e := range v.Entries {
		notes += len(e.Entry.Notes)
		if !slices.Contains(e.Where, AtCard) {
			t.Fatalf("entry %s is at %v", e.ID.Short(), e.Where)
		}
	}
	if notes != 80 {
		t.Fatalf("%d notes came back, want 80", notes)
	}
}
