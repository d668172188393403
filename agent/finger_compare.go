package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/match"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/card"
)

// hostFMR is the false match rate at which the host accepts a finger.
const hostFMR = 1e-4

// leastFMR is the least rate that is claimed: fewer fingers than that were never
// compared to calibrate the scores.
const leastFMR = 1e-6

// leftToGuess is how many tries stay untouched when one impression is shown
// to several references: whose finger it is need not be known, and a person's
// last tries are not spent on that.
const leftToGuess = 3

// probe is a captured finger.
type probe struct {
	template *fmr.Template
	compact  []byte // the same in the compact card format
	quality  int
	soft     bool   // of a soft scanner
	alive    string // what the device says of it
	proof    scanner.Proof
}

// action is how the audit chain calls the comparison.
func (p *probe) action() string {
	if p.soft {
		return "verify_finger_soft"
	}
	return "verify_finger"
}

// compare has the probe compared with a person's own fingers, in their order.
func (p *probe) compare(ctx context.Context, s *card.Session, person uint8, own []card.Finger, way string) (Fingered, error) {
	defer clear(p.compact)
	if way == OnHost {
		return p.onHost(ctx, s, person)
	}
	return p.onCard(ctx, s, own)
}

// onCard shows the probe to one reference after the other. A success gives all
// tries back; what the last refusal left stands in its error.
func (p *probe) onCard(ctx context.Context, s *card.Session, own []card.Finger) (Fingered, error) {
	var err error
	for _, f := range own {
		err = s.VerifyFinger(ctx, f.Ref, p.compact)
		if err == nil {
			return Fingered{Way: OnCard, Ref: f.Ref, Finger: f.Finger, Quality: p.quality}, nil
		}
		if failed, wrong := errors.AsType[*card.VerifyError](err); !wrong || failed.Left <= leftToGuess {
			break
		}
	}
	return Fingered{}, err
}

// onHost compares the probe here and tells the card, which writes it down
// before it counts. It owes ErrHostMatch and ErrFingerOther.
func (p *probe) onHost(ctx context.Context, s *card.Session, person uint8) (Fingered, error) {
	templates, err := s.Templates(ctx)
	if errors.Is(err, card.ErrSecurityStatus) {
		return Fingered{}, fmt.Errorf("%w: %w", ErrHostMatch, err)
	}
	if err != nil {
		return Fingered{}, err
	}
	defer func() {
		for _, t := range templates {
			clear(t.Compact)
		}
	}()
	own, err := match.Prepare(p.template, 0)
	if err != nil {
		return Fingered{}, fmt.Errorf("%w: %w", ErrFingerPoor, err)
	}
	var (
		scores []match.Score
		best   card.Finger
		most   match.Score = -1
	)
	for _, t := range templates {
		if !t.Persons.Has(person) {
			continue
		}
		score, err := compareCompact(own, t.Compact)
		if err != nil {
			return Fingered{}, err
		}
		if scores = append(scores, score); score > most {
			best, most = t.Finger, score
		}
	}
	if len(scores) == 0 {
		return Fingered{}, fmt.Errorf("templates lack fingers that the card names: %w", card.ErrMalformed)
	}
	fused := match.Impressions(scores...) // the best one pays for that it was chosen
	if !fused.Accepts(hostFMR) {
		return Fingered{}, ErrFingerOther
	}
	tenths := uint8(min(255, max(0, 10*fused))) // #nosec G115 -- within the range
	if err := s.AssertFinger(ctx, best.Ref, tenths); err != nil {
		return Fingered{}, err
	}
	return Fingered{Way: OnHost, Ref: best.Ref, Finger: best.Finger, FMR: max(fused.FMR(), leastFMR), Quality: p.quality}, nil
}

func compareCompact(own *match.Probe, compact []byte) (match.Score, error) {
	t, err := fmr.ParseCard(compact, fmr.Compact)
	if err != nil {
		return 0, fmt.Errorf("template on the card: %w: %w", card.ErrMalformed, err)
	}
	enrolled, err := match.Prepare(t, 0)
	if err != nil {
		return 0, fmt.Errorf("template on the card: %w: %w", card.ErrMalformed, err)
	}
	return match.Compare(own, enrolled), nil
}
