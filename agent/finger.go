package agent

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/quality"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
)

// Scanners gives out images of fingers, each scanner to one at a time;
// *scanner.Hub is one. It owes what that owes.
type Scanners interface {
	Find(ctx context.Context, name string) (scanner.Device, error)
	Capture(ctx context.Context, name string, req scanner.Request, opts scanner.Options) (scanner.Image, error)
}

// Errors of verifying a finger.
var (
	// ErrFingerPoor says that a finger shows too little to be compared.
	ErrFingerPoor = errors.New("finger shows too little to be compared")
	// ErrFingerOther says that the host found the finger to be none of those
	// enrolled. The card counts no try for it.
	ErrFingerOther = errors.New("finger is none of those enrolled")
	// ErrHostMatch says that the terminal may not compare fingers itself.
	ErrHostMatch = errors.New("terminal has no right to compare fingers itself")
	// ErrWay is returned for a way to compare that there is none of.
	ErrWay = errors.New("no such way to compare a finger")
	// ErrSoftScanner says that this workstation's scanner is a program.
	ErrSoftScanner = errors.New("soft scanner is in use")
)

// Ways in which a finger is compared.
const (
	OnCard = "card" // the card compares, and counts tries
	OnHost = "host" // the workstation compares, under its right host-match, and the card writes it down
)

// Fingered is the outcome of a finger that was accepted.
type Fingered struct {
	Way    string        `json:"way"` // OnCard or OnHost
	Ref    uint8         `json:"ref"` // the card's reference of the finger
	Finger card.Position `json:"finger"`
	// FMR is the false match rate at which the host accepted, 1e-6 at the least.
	FMR     float64 `json:"fmr,omitempty"`
	Quality int     `json:"quality"` // of the impression, 0 to 100
	// Alive is what the device said of the finger: "alive" or "unsure"; empty
	// when it says nothing.
	Alive string `json:"alive,omitempty"`
	// Soft says that the scanner is a program: the finger proves nobody.
	Soft bool `json:"soft,omitempty"`
	// Proof says what stands behind the scanner's driver: of one that is
	// unverified nobody has shown that its images are what lay on it.
	Proof scanner.Proof `json:"proof,omitempty"`
}

// replaysKept is how many impressions are known again.
const replaysKept = 512

// fingers holds the captures that are under way, one for each visit.
type fingers struct {
	mu   sync.Mutex
	open map[string]context.CancelCauseFunc
}

// begin notes a capture; it reports false while the visit has another.
func (f *fingers) begin(visit string, cancel context.CancelCauseFunc) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, busy := f.open[visit]; busy {
		return false
	}
	f.open[visit] = cancel
	return true
}

func (f *fingers) end(visit string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, visit)
}

// cancel ends the capture of a visit, if it has one.
func (f *fingers) cancel(visit string, why error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	end, ok := f.open[visit]
	if ok {
		end(why)
	}
	return ok
}

// CancelFinger ends the capture of a visit's finger. It owes ErrNoVisit when
// there is none.
func (a *Agent) CancelFinger(visitID string) error {
	if !a.fingers.cancel(visitID, context.Canceled) {
		return ErrNoVisit
	}
	return nil
}

// VerifyFinger captures a finger of the person whom a visit shows and has it
// compared in one way, OnCard when way is empty. Events of KindFinger lead the
// person, beginning with which finger to put on. Afterwards the visit shows what Verify would show.
//
// It owes ErrNoVisit, ErrWay, what Scanners owes, replay.ErrReplay,
// ErrFingerPoor, ErrHostMatch, ErrFingerOther, *card.VerifyError,
// card.ErrVerifyBlocked, card.ErrNoReference, context.Canceled after
// CancelFinger, and the errors of the card.
func (a *Agent) VerifyFinger(ctx context.Context, visitID, way string) (Fingered, error) {
	v, ok := a.visits.get(visitID)
	switch {
	case !ok:
		return Fingered{}, ErrNoVisit
	case way != "" && way != OnCard && way != OnHost:
		return Fingered{}, ErrWay
	case !v.Present:
		return Fingered{}, fmt.Errorf("verify finger: %w", card.ErrRemoved)
	case a.cfg.Scanners == nil:
		return Fingered{}, scanner.ErrNoScanner
	}
	taking, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !a.fingers.begin(visitID, cancel) {
		return Fingered{}, &scanner.BusyError{Holder: "this program"}
	}
	own, err := a.enrolled(taking, v)
	var p *probe
	if err == nil {
		p, err = a.capture(taking, v, own[0].Finger)
	}
	a.fingers.end(visitID)
	a.publishFinger(v, guideOver)
	if cause := context.Cause(taking); cause != nil {
		err = fmt.Errorf("capture finger: %w", cause)
	}
	if err != nil {
		return Fingered{}, err
	}
	var (
		out       Fingered
		elsewhere cache.Audit
	)
	err = a.atReader(ctx, v.Reader, func(r *reader) error {
		// A try that is cut short is lost.
		return r.prove(context.WithoutCancel(ctx), visitID, func(ctx context.Context, s *card.Session) (err error) {
			out, err = p.compare(ctx, s, v.Person, own, way)
			out.Soft, out.Alive, out.Proof = p.soft, p.alive, p.proof
			r.a.note(r.audit(p.action(), codeOrNone(err)))
			elsewhere = r.audit("finger_elsewhere", "")
			return err
		}, func(v *Visit) { v.Finger = &out })
	})
	if err != nil {
		if refusedFinger(err) {
			a.visits.tell(visitID, v.Person, func(t *told) { t.refusals++ })
		}
		return out, err
	}
	a.noteSighting(ctx, v, p, out.Ref, elsewhere)
	a.rememberFinger(ctx, v, out)
	return out, nil
}

func codeOrNone(err error) string {
	if err == nil {
		return ""
	}
	return Classify(err).Code
}

// capture takes an impression that was not seen before and is good enough to
// be compared. Asked is the finger that the person is asked for; another one of
// those enrolled serves as well.
func (a *Agent) capture(ctx context.Context, v Visit, asked card.Position) (*probe, error) {
	d, err := a.cfg.Scanners.Find(ctx, "")
	if err != nil {
		return nil, err
	}
	judge := func(img *image.Gray) (int, bool) {
		var e extract.Extractor
		if _, err := e.Extract(img, d.Model.DPI); err != nil {
			return 0, false
		}
		class, advice := quality.Judge(e.Measures())
		enough := class <= quality.GoodToVerify
		if !enough {
			a.publishFinger(v, guideOf(advice, e.Measures().Quality()))
		}
		return int(e.Measures().Quality()), enough
	}
	img, err := a.cfg.Scanners.Capture(ctx, d.Name, scanner.Request{Judge: judge}, scanner.Options{
		Watch: func(ev scanner.Event) {
			if g, ok := guideAt(ev.State, asked); ok && ev.Hint == "" {
				a.publishFinger(v, g)
			} else if g, ok := hints[ev.Hint]; ok {
				a.publishFinger(v, g)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	t, err := extract.Extract(img.Gray, img.DPI)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFingerPoor, err)
	}
	alive, err := a.cfg.Liveness.judge(img.Presentation)
	if err != nil {
		return nil, err
	}
	if err := a.replays.Check(img.Gray, t); err != nil {
		return nil, err
	}
	compact, err := fmr.AppendCard(nil, t, 0, fmr.Compact, card.MaxMinutiae)
	if err != nil || len(compact) < card.MinMinutiae*card.MinutiaLen {
		return nil, ErrFingerPoor
	}
	return &probe{template: t, compact: compact, quality: img.Quality, soft: d.Soft, alive: alive, proof: img.Proof}, nil
}
