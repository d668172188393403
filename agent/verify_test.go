package agent

import (
	"errors"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
)

// secretVisit is an encounter with one diagnosis in the sensitive section.
func secretVisit(n *nation) func(*patient) []byte {
	return func(p *patient) []byte {
		e := visit(30)
		e.Diagnoses[0].Sensitive = true
		sections, err := e.Sections()
		if err != nil {
			n.tb.Fatal(err)
		}
		return n.seal(p, e.Start, sections)
	}
}

func pin(text string) Proof { return Proof{PIN: redact.NewString(text)} }

// TestVerifyOpensTheSensitiveSection: a physician sees it after the patient's
// PIN, in this visit, and it is not kept.
func TestVerifyOpensTheSensitiveSection(t *testing.T) {
	n := newNation(t)
	p := n.issueWith(2, secretVisit(n))
	d := n.desk(deskOptions{role: cvc.RolePhysician})
	v := d.tapped(t, p)
	locked := func(v Visit) bool {
		return len(v.Entries) == 3 && len(v.Entries[0].Locked) == 1 && len(v.Entries[0].Entry.Diagnoses) == 0
	}
	if !locked(v) || v.Verified {
		t.Fatalf("before: %+v", v.Entries[0])
	}
	err := d.agent.Verify(t.Context(), v.ID, pin("9999"))
	if left, counted := VerifyLeft(err); left != 2 || !counted || Classify(err).Code != "verify_wrong" {
		t.Fatalf("wrong PIN: %v", err)
	}
	for code, proof := range map[string]Proof{"pin_form": pin("99"), "verify_none": {Finger: card.FirstFinger, Minutiae: redact.NewBytes(make([]byte, 36))}} {
		if err := d.agent.Verify(t.Context(), v.ID, proof); Classify(err).Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := d.agent.Verify(t.Context(), "other", pin(testPIN)); !errors.Is(err, ErrNoVisit) {
		t.Errorf("another visit: %v", err)
	}
	if err := d.agent.Verify(t.Context(), v.ID, pin(testPIN)); err != nil {
		t.Fatal(err)
	}
	v, _ = d.agent.Visit(v.ID)
	if !v.Verified || len(v.Entries) != 3 || len(v.Entries[0].Locked) != 0 || len(v.Entries[0].Entry.Diagnoses) != 1 {
		t.Fatalf("after: %+v", v.Entries[0])
	}
	if _, err := d.agent.Append(t.Context(), v.ID, now()); err != nil { // reads and keeps along the way
		t.Fatal(err)
	}
	d.take(t)
	again, failure := d.tap(t, p)
	if failure != nil || again.Verified || len(again.Entries) != 4 || len(again.Entries[1].Locked) != 1 {
		t.Fatalf("the next visit: %v, %+v", failure, again)
	}
	if err := d.agent.Verify(t.Context(), v.ID, pin(testPIN)); !errors.Is(err, ErrNoVisit) {
		t.Errorf("a visit that is over: %v", err)
	}
}

// TestVerifyAsANurse: the PIN is right and opens nothing more.
func TestVerifyAsANurse(t *testing.T) {
	n := newNation(t)
	p := n.issueWith(1, secretVisit(n))
	d := n.desk(deskOptions{role: cvc.RoleNurse})
	v := d.tapped(t, p)
	if err := d.agent.Verify(t.Context(), v.ID, pin(testPIN)); err != nil {
		t.Fatal(err)
	}
	v, _ = d.agent.Visit(v.ID)
	if !v.Verified || len(v.Entries[0].Entry.Diagnoses) != 0 || len(v.Entries[0].Locked) == 0 {
		t.Errorf("%+v", v.Entries[0])
	}
}

// The sensitive key of a visit is not in the cache.
func TestSensitiveKeyIsNotKept(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{role: cvc.RolePhysician})
	v := d.tapped(t, p)
	if err := d.agent.Verify(t.Context(), v.ID, pin(testPIN)); err != nil {
		t.Fatal(err)
	}
	other := n.openAs(p) // another terminal writes, so that this one reads on
	head, err := other.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sections, err := visit(3).Sections()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Append(t.Context(), head.Seq, n.seal(p, visit(3).Start, sections)); err != nil {
		t.Fatal(err)
	}
	if second, failure := d.tap(t, p); failure != nil || len(second.Entries) != 2 {
		t.Fatalf("%v, %d entries", failure, len(second.Entries))
	}
	kept, err := d.cache.SectionKeys(v.Patient, 0, (actor{}).holder(), v.Opened)
	if _, secret := kept[record.SectionSensitive]; err != nil || secret || len(kept) != record.NumSections-1 {
		t.Errorf("%d keys kept, sensitive %v, %v", len(kept), secret, err)
	}
}
