package agent

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

// entryOf returns an entry of a visit, which must be there.
func entryOf(t *testing.T, v Visit, id record.EntryID) VisitEntry {
	t.Helper()
	for _, e := range v.Entries {
		if e.ID == id {
			return e
		}
	}
	t.Fatalf("entry %s is not shown", id.Short())
	return VisitEntry{}
}

// TestAmend corrects an entry, corrects the correction, and marks that as
// entered in error: each stays to be seen, and the summary follows.
func TestAmend(t *testing.T) {
	n := newNation(t)
	p := n.issue(2, softcard.Options{})
	d := n.desk(deskOptions{})
	v := d.tapped(t, p)
	write := func(e *record.Entry, amends *record.EntryID) (record.EntryID, error) {
		e.Amends = amends
		w, err := d.agent.Append(t.Context(), v.ID, e)
		v, _ = d.agent.Visit(v.ID)
		return w.ID, err
	}
	mark := &record.Entry{Start: time.Now(), EnteredInError: true}
	wrong, err := write(allergyTo(0, "J01CA04"), nil)
	if err != nil || !slices.Equal(allergies(v), []string{"J01CA04"}) {
		t.Fatal(err, allergies(v))
	}
	right, err := write(allergyTo(0, "N02BA01"), &wrong)
	if err != nil || !slices.Equal(allergies(v), []string{"N02BA01"}) {
		t.Fatalf("after the correction: %v, allergies %v", err, allergies(v))
	}
	if by := entryOf(t, v, wrong).AmendedBy; !slices.Equal(by, []record.EntryID{right}) {
		t.Fatalf("the corrected entry is amended by %v", by)
	}
	for name, tt := range map[string]struct {
		e      *record.Entry
		amends *record.EntryID
		want   error
	}{
		"amended already":      {allergyTo(0, "M01AE01"), &wrong, ErrAmended},
		"not there":            {allergyTo(0, "M01AE01"), &record.EntryID{1}, ErrAmends},
		"in error, but what":   {mark, nil, ErrAmends},
		"of one that is newer": {allergyTo(0, "M01AE01"), &record.EntryID{}, ErrAmends},
	} {
		if _, err := write(tt.e, tt.amends); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	gone, err := write(mark, &right)
	if err != nil || len(allergies(v)) != 0 {
		t.Fatalf("after both were taken back: %v, allergies %v", err, allergies(v))
	}
	if by := entryOf(t, v, right).AmendedBy; !slices.Equal(by, []record.EntryID{gone}) || len(v.Entries) != 5 {
		t.Fatalf("amended by %v, %d entries", by, len(v.Entries))
	}
	child, err := d.agent.ShowPerson(t.Context(), v.ID, 2)
	if err != nil || len(child.Entries) != 0 {
		t.Fatal(err)
	}
	other := allergyTo(2, "M01AE01")
	if _, err := write(other, &gone); !errors.Is(err, ErrAmends) {
		t.Errorf("an entry of the child that amends the holder's: %v", err)
	}

	// Another desk, with an empty cache, reads the same from the card.
	v, failure := n.desk(deskOptions{}).tap(t, p)
	if failure != nil || len(allergies(v)) != 0 || len(entryOf(t, v, wrong).AmendedBy) != 1 || !entryOf(t, v, gone).Entry.EnteredInError {
		t.Fatalf("%v: allergies %v", failure, allergies(v))
	}
}

// TestAmendsWhatOneMay: a nurse corrects her own entries, and none of a
// physician's; a physician corrects both.
func TestAmendsWhatOneMay(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	nurse, doctor := n.operator("nurse", cvc.RoleNurse), n.operator("doctor", cvc.RolePhysician)
	d := n.desk(deskOptions{role: cvc.RoleReceptionist})
	as := func(op Operator, e *record.Entry, amends *record.EntryID) (record.EntryID, error) {
		t.Helper()
		d.agent.SignIn(op)
		v := d.tapped(t, p)
		defer d.take(t)
		e.Amends = amends
		w, err := d.agent.Append(t.Context(), v.ID, e)
		return w.ID, err
	}
	note := func(text string) *record.Entry {
		return &record.Entry{Start: time.Now(), Notes: []record.Note{{Text: text}}}
	}
	own, err := as(nurse, note("81 kg, seated"), nil)
	if err != nil {
		t.Fatal(err)
	}
	doctors, err := as(doctor, note("rested"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := as(nurse, note("8.1 kg"), &doctors); !errors.Is(err, ErrAmendAuthor) {
		t.Errorf("a nurse corrects a physician's entry: %v", err)
	}
	offered := func(op Operator, facility uint32) (ids []record.EntryID) {
		t.Helper()
		d.agent.SignIn(op)
		v, failure := d.tap(t, p)
		if failure != nil {
			t.Fatal(failure.Code)
		}
		defer d.take(t)
		if facility != 101 { // as if another clinic had written all of it
			h, _ := d.agent.visits.held(v.ID)
			for i := range v.Entries {
				v.Entries[i].Facility = facility
			}
			d.agent.markCorrectable(d.agent.actor(), h.book(), v.Entries)
		}
		for _, e := range v.Entries {
			if e.Correctable {
				ids = append(ids, e.ID)
			}
		}
		return ids
	}
	if ids := offered(nurse, 101); !slices.Equal(ids, []record.EntryID{own}) {
		t.Errorf("a nurse is offered to correct %v", ids)
	}
	if ids := offered(doctor, 101); !slices.Contains(ids, own) || !slices.Contains(ids, doctors) {
		t.Errorf("a physician is offered to correct %v", ids)
	}
	if ids := offered(doctor, 102); len(ids) != 0 {
		t.Errorf("a physician is offered to correct another clinic's %v", ids)
	}
	before := own
	own, err = as(nurse, note("8.1 kg"), &own)
	if err != nil {
		t.Errorf("a nurse corrects her own entry: %v", err)
	}
	if ids := offered(doctor, 101); slices.Contains(ids, before) || !slices.Contains(ids, own) {
		t.Errorf("after a correction of %v a physician is offered %v", before, ids)
	}
	if _, err := as(doctor, note("rested"), &own); err != nil {
		t.Errorf("a physician corrects a nurse's entry: %v", err)
	}
}

// TestAmendCharge withdraws a visit that was charged, without a word of its
// cost: by a correction that has none, and as entered in error. Who can open
// the coverage section and nothing else, as the centre does, learns of both.
func TestAmendCharge(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{})
	v := d.tapped(t, p)
	for name, gone := range map[string]*record.Entry{
		"a correction":     {Start: time.Now(), Notes: []record.Note{{Text: "seen in passing"}}},
		"entered in error": {Start: time.Now(), EnteredInError: true},
	} {
		charged, err := d.agent.Append(t.Context(), v.ID, &record.Entry{Cost: &record.Cost{Total: record.Int(20000)}})
		if err != nil {
			t.Fatal(err)
		}
		gone.Amends = &charged.ID
		w, err := d.agent.Append(t.Context(), v.ID, gone)
		if err != nil {
			t.Fatal(err)
		}
		e, ok, err := d.cache.Entry(p.subjects.Patient, w.ID)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		coverage, _ := p.keys.Get(record.SectionCoverage)
		keys := new(envelope.Keys)
		if err := keys.Set(record.SectionCoverage, coverage); err != nil {
			t.Fatal(err)
		}
		got, err := OpenEntry(d.agent.cfg.Trust, e.Sealed, &p.subjects, keys)
		if err != nil || got.Entry.Amends == nil || *got.Entry.Amends != charged.ID || got.Entry.Cost != nil {
			t.Errorf("%s by the coverage section alone: %+v, %v", name, got.Entry, err)
		}
	}
}
