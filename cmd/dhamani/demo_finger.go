package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"path/filepath"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/quality"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

// demoHands are the fingers of the demo's people, all of nobody.
type demoHands struct {
	right, left *synth.Finger // index fingers of the patient
	stranger    *synth.Finger
}

// startScanner serves a soft scanner for the station and the first agent.
func (d *demo) startScanner(ctx context.Context) (string, error) {
	w := d.world
	var err error
	if w.plate, err = newSoftPlate(ctx, filepath.Join(w.dir, "finger.sock")); err != nil {
		return "", err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- w.plate.serve(serving) }()
	w.stopPlate = func() error { stop(); return <-served }
	w.hands = demoHands{synth.New(11), synth.New(12), synth.New(13)}
	return "a soft " + w.plate.model.Name + ", marked as of no device", nil
}

// enrolFingers captures both index fingers at the personalisation station, as
// its desk would: through the scanner's driver.
func (d *demo) enrolFingers(ctx context.Context) (string, error) {
	w := d.world
	hub := scanner.NewHub(w.plate.bus)
	var records [][]byte
	minutiae := 0
	for _, f := range []struct {
		at     fmr.Position
		finger *synth.Finger
	}{{fmr.RightIndex, w.hands.right}, {fmr.LeftIndex, w.hands.left}} {
		w.plate.hold(f.finger)
		img, err := hub.Capture(ctx, "", scanner.Request{Judge: goodToEnrol(w.plate.model.DPI)}, scanner.Options{})
		if err != nil {
			return "", err
		}
		t, err := extract.Extract(img.Gray, img.DPI)
		if err != nil {
			return "", err
		}
		t.Views[0].Position = f.at
		raw, err := fmr.Marshal(t)
		if err != nil {
			return "", err
		}
		records = append(records, raw)
		minutiae += len(t.Views[0].Minutiae)
	}
	w.plate.hold(nil)
	var err error
	if w.fingers, err = personalise.Fingers(records...); err != nil {
		return "", err
	}
	if w.records, err = personalise.Records(records...); err != nil {
		return "", err
	}
	return fmt.Sprintf("right and left index, %d minutiae, ISO/IEC 19794-2", minutiae), nil
}

// goodToEnrol judges as a desk that enrols does.
func goodToEnrol(dpi int) func(*image.Gray) (int, bool) {
	return func(img *image.Gray) (int, bool) {
		var e extract.Extractor
		if _, err := e.Extract(img, dpi); err != nil {
			return 0, false
		}
		class, _ := quality.Judge(e.Measures())
		return int(e.Measures().Quality()), class <= quality.GoodToEnrol
	}
}

// demoTrial is one finger on the scanner, as the report has it.
type demoTrial struct {
	Who      string  `json:"who"` // patient or stranger
	Way      string  `json:"way"` // who compared: card or host
	Accepted bool    `json:"accepted"`
	Code     string  `json:"code,omitempty"` // why it was refused
	Left     *int    `json:"left,omitempty"` // tries, where the card counts them
	FMR      float64 `json:"fmr,omitempty"`
	Quality  int     `json:"quality,omitempty"`
	Soft     bool    `json:"soft"` // the scanner is a program
}

// verifyFinger shows fingers to the first agent: a stranger's is refused by the
// card and by the host, the patient's is taken by both.
func (d *demo) verifyFinger(ctx context.Context) (string, error) {
	visit, err := d.onlyVisit(ctx)
	if err != nil {
		return "", err
	}
	hands := d.world.hands
	for _, t := range []struct {
		who, way string
		finger   *synth.Finger
	}{
		{"stranger", agent.OnCard, hands.stranger},
		{"patient", agent.OnCard, hands.right},
		{"stranger", agent.OnHost, hands.stranger},
		{"patient", agent.OnHost, hands.left},
	} {
		d.world.plate.hold(t.finger)
		done, err := d.world.first.api.VerifyFinger(ctx, visit.ID, t.way)
		d.world.plate.hold(nil)
		trial := demoTrial{Who: t.who, Way: t.way, Accepted: err == nil, FMR: done.FMR, Quality: done.Quality, Soft: true}
		if err := trial.refusal(err); err != nil {
			return "", err
		}
		d.report.Fingers = append(d.report.Fingers, trial)
		switch {
		case trial.Accepted != (t.who == "patient"):
			return "", fmt.Errorf("the %s's finger, compared by the %s: accepted %t, code %q", t.who, t.way, trial.Accepted, trial.Code)
		case trial.Accepted && (!done.Soft || done.Way != t.way):
			return "", errors.New("the agent does not say how the finger was compared, or that it is of no device")
		}
		d.say("           %-9s %s", t.who+":", trial)
	}
	if visit, err = d.onlyVisit(ctx); err != nil {
		return "", err
	}
	d.report.Verified = visit.Verified && visit.Finger != nil
	if !d.report.Verified {
		return "", errors.New("the visit is not verified")
	}
	d.report.APDUs, d.report.Bytes = visit.Stats.APDUs, visit.Stats.Sent+visit.Stats.Received
	return "the patient's fingers on card and host, and no stranger's", nil
}

// refusal takes the refusal of a finger apart; other errors stay.
func (t *demoTrial) refusal(err error) error {
	refused, ok := errors.AsType[*localapi.Error](err)
	if err == nil {
		return nil
	}
	if !ok || refused.Code != "verify_wrong" && refused.Code != "finger_other" {
		return err
	}
	t.Code, t.Left = refused.Code, refused.Left
	return nil
}

func (t demoTrial) String() string {
	switch {
	case !t.Accepted && t.Left != nil:
		return fmt.Sprintf("refused by the %s, %d tries left", t.Way, *t.Left)
	case !t.Accepted:
		return "refused by the " + t.Way
	case t.FMR > 0:
		return fmt.Sprintf("taken by the %s: at most 1 in %.0f other fingers is as much alike", t.Way, 1/t.FMR)
	default:
		return "taken by the " + t.Way + ", tries given back"
	}
}

// onlyVisit is the visit that is open at the first agent.
func (d *demo) onlyVisit(ctx context.Context) (agent.Visit, error) {
	visits, err := d.world.first.api.Visits(ctx)
	if err != nil {
		return agent.Visit{}, err
	}
	if len(visits) != 1 {
		return agent.Visit{}, fmt.Errorf("%d visits are open, want 1", len(visits))
	}
	return visits[0], nil
}
