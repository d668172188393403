package agent

import (
	"context"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
	"github.com/dhamani-iq/dhamani/biometric/synth"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// plate is a soft scanner on a hub, and a person who puts fingers on it.
type plate struct {
	hub  *scanner.Hub
	soft *soft.Scanner
	dpi  int
}

func newPlate(tb testing.TB) *plate {
	tb.Helper()
	s := must[*soft.Scanner](tb)(soft.New(scanner.ID{Vendor: 0x05BA, Product: 0x000A}))
	bus := &soft.Bus{}
	bus.Plug("soft", s)
	return &plate{hub: scanner.NewHub(bus), soft: s, dpi: s.Device("soft").Model.DPI}
}

// impression is an impression of a finger of nobody on this scanner.
func (p *plate) impression(finger *synth.Finger, seed uint64) *image.Gray {
	model := p.soft.Device("soft").Model
	pose := synth.Random(seed, 0.2)
	pose.Width, pose.Height, pose.DPI = model.Width, model.Height, model.DPI
	return finger.Impression(pose)
}

// press puts an impression on when the guide asks for it and lifts it when the
// guide says so, until ctx ends.
func (p *plate) press(ctx context.Context, events <-chan Event, img *image.Gray) {
	for {
		select {
		case <-ctx.Done():
			return
		case ev := <-events:
			switch {
			case ev.Finger == nil:
			case ev.Finger.Code == "put_finger":
				p.soft.Touch(img)
			case ev.Finger.Code == "lift", ev.Finger.Code == "over":
				p.soft.Lift()
			}
		}
	}
}

// verify has the visit's person put img on the scanner.
func (p *plate) verify(tb testing.TB, d *desk, visit, way string, img *image.Gray) (Fingered, error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	done := make(chan struct{})
	events, end := d.agent.Subscribe(^uint64(0))
	defer end()
	go func() { defer close(done); p.press(ctx, events, img) }()
	out, err := d.agent.VerifyFinger(ctx, visit, way)
	cancel()
	<-done
	return out, err
}

// enrol gives an issued card fingers of the holder, as the issuer does.
func (n *nation) enrol(p *patient, plate *plate, fingers ...*synth.Finger) {
	n.tb.Helper()
	ctx := n.tb.Context()
	s := must[*card.Session](n.tb)(card.Open(ctx, p.card.Transport()))
	raw := must[[]byte](n.tb)(s.Security(ctx))
	security, err := n.trust().CardSecurity(raw, time.Now())
	if err != nil {
		n.tb.Fatal(err)
	}
	issuer := n.terminalWith(cvc.RoleIssuer, cvc.RightUnblock, time.Now().AddDate(0, 1, 0))
	if err := s.Authenticate(ctx, security.Public, issuer); err != nil {
		n.tb.Fatal(err)
	}
	for i, f := range fingers {
		t := must[*fmr.Template](n.tb)(extract.Extract(plate.impression(f, 1), plate.dpi))
		compact := must[[]byte](n.tb)(fmr.AppendCard(nil, t, 0, fmr.Compact, card.MaxMinutiae))
		finger := card.Finger{Ref: uint8(card.FirstFinger + i), Persons: family().VerifiesFor(0), Finger: card.Position(2 + 5*i)}
		if err := s.SetFinger(ctx, card.Template{Finger: finger, Compact: compact}); err != nil {
			n.tb.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		n.tb.Fatal(err)
	}
}

// TestVerifyFinger: the patient's finger counts on the card and on the host,
// the same image twice and somebody else's finger do not.
func TestVerifyFinger(t *testing.T) {
	n, plate := newNation(t), newPlate(t)
	right, left, other := synth.New(11), synth.New(12), synth.New(13)
	p := n.issueWith(1, secretVisit(n))
	n.enrol(p, plate, right, left)
	for _, way := range []string{OnCard, OnHost} {
		t.Run(way, func(t *testing.T) {
			d := n.desk(deskOptions{role: cvc.RolePhysician, rights: cvc.RightHostMatch, scanners: plate.hub})
			v := d.tapped(t, p)
			wrong, err := plate.verify(t, d, v.ID, way, plate.impression(other, 5))
			tries, counted := VerifyLeft(err)
			switch code := Classify(err).Code; {
			case way == OnCard && (code != "verify_wrong" || !counted || tries != 8): // two references, ten tries
				t.Fatalf("another finger: %+v, %v", wrong, err)
			case way == OnHost && (code != "finger_other" || counted):
				t.Fatalf("another finger: %+v, %v", wrong, err)
			}
			if v, _ = d.agent.Visit(v.ID); v.Verified {
				t.Fatal("another finger has verified the visit")
			}
			mine := plate.impression(left, 6)
			got, err := plate.verify(t, d, v.ID, way, mine)
			if err != nil || got.Way != way || got.Ref != card.FirstFinger+1 || got.Finger != 7 || !got.Soft {
				t.Fatalf("the patient's finger: %+v, %v", got, err)
			}
			if way == OnHost && (got.FMR <= 0 || got.FMR > hostFMR) {
				t.Errorf("accepted at %v", got.FMR)
			}
			if v, _ = d.agent.Visit(v.ID); !v.Verified || v.Finger == nil || *v.Finger != got || len(v.Entries[0].Locked) != 0 {
				t.Errorf("the visit afterwards: %+v", v.Entries[0])
			}
			if _, err := plate.verify(t, d, v.ID, way, mine); Classify(err).Code != "finger_replayed" {
				t.Errorf("the same image again: %v", err)
			}
			if _, err := d.agent.VerifyFinger(t.Context(), v.ID, "other"); Classify(err).Code != "finger_way" {
				t.Errorf("another way: %v", err)
			}
			d.take(t)
		})
	}
}

// TestVerifyFingerRefused: what is missing is named, and nothing hangs.
func TestVerifyFingerRefused(t *testing.T) {
	n, plate := newNation(t), newPlate(t)
	mine := synth.New(11)
	p, bare := n.issue(1, softcard.Options{}), n.issue(1, softcard.Options{})
	n.enrol(p, plate, mine)
	t.Run("no scanner", func(t *testing.T) {
		d := n.desk(deskOptions{})
		v, _ := d.tap(t, p)
		if _, err := d.agent.VerifyFinger(t.Context(), v.ID, ""); Classify(err).Code != "scanner_absent" {
			t.Error(err)
		}
		if _, err := d.agent.VerifyFinger(t.Context(), "other", ""); Classify(err).Code != "visit_unknown" {
			t.Error(err)
		}
		d.take(t)
	})
	d := n.desk(deskOptions{scanners: plate.hub}) // without the right host-match
	v, _ := d.tap(t, p)
	if _, err := plate.verify(t, d, v.ID, OnHost, plate.impression(mine, 6)); Classify(err).Code != "finger_right" {
		t.Errorf("without the right: %v", err)
	}
	ended := make(chan error, 1)
	start := func(visit string) {
		go func() { _, err := d.agent.VerifyFinger(t.Context(), visit, ""); ended <- err }()
		for ev := d.await(t, KindFinger); ev.Finger.Code != "put_finger"; {
			ev = d.await(t, KindFinger)
		}
	}
	for { // what the verification above has told
		if ev := d.await(t, KindFinger); ev.Finger.Code == "over" {
			break
		}
	}
	start(v.ID)
	if _, err := d.agent.VerifyFinger(t.Context(), v.ID, ""); Classify(err).Code != "scanner_busy" {
		t.Errorf("a second one: %v", err)
	}
	if err := d.agent.CancelFinger(v.ID); err != nil {
		t.Error(err)
	}
	if err := <-ended; Classify(err).Code != "cancelled" {
		t.Errorf("cancelled: %v", err)
	}
	if err := d.agent.CancelFinger(v.ID); Classify(err).Code != "visit_unknown" {
		t.Errorf("nothing to cancel: %v", err)
	}
	start(v.ID)
	d.take(t)
	if err := <-ended; Classify(err).Code != "card_removed" {
		t.Errorf("card taken away: %v", err)
	}
	v, _ = d.tap(t, bare)
	if _, err := plate.verify(t, d, v.ID, "", plate.impression(mine, 7)); Classify(err).Code != "verify_none" {
		t.Errorf("a card without fingers: %v", err)
	}
}

// TestGuides: all that a person may be told has words in three languages.
func TestGuides(t *testing.T) {
	all := []Guide{guideLonger, guideSlower, guideOneWay, guideOver, guides[scanner.Waiting], guides[scanner.Scanning], guides[scanner.Lifting]}
	var seen []string
	for _, g := range all {
		if slices.Contains(seen, g.Code) || g.Code == "" || g.Text["ar"] == "" || g.Text["ckb"] == "" || g.Text["en"] == "" {
			t.Errorf("%+v", g)
		}
		seen = append(seen, g.Code)
	}
}
