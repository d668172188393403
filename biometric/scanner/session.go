// Package scanner drives USB fingerprint scanners: a device table, a driver
// file for each protocol, and sessions that lead a person through a capture.
// Drivers see a device through Transport alone, so that a recording, a soft
// scanner and libusb are one to them.
package scanner

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"
)

// RecordingSeed is the seed that recordings are made and played with: a
// device's encrypted image fits only the seed that it was asked with.
const RecordingSeed uint32 = 0x51EA2124

// Options are what a session is opened with; the zero value is for use.
type Options struct {
	Seed  func() uint32 // seeds of image encryption; random when nil
	Watch func(Event)   // told of every change; called from the capture's goroutine
	// Asleep is how long the machine has slept so far, for tests; the system's
	// clocks tell when it is nil.
	Asleep func() time.Duration
}

// FixedSeed always gives seed.
func FixedSeed(seed uint32) func() uint32 { return func() uint32 { return seed } }

// Event tells what a session does and what a person should do.
type Event struct {
	State   State
	Hint    Hint        // none when empty
	Preview *image.Gray // what was scanned, when it is not yet the answer
	Quality int         // of Preview, as Judge sees it
}

// Request is what a capture asks for; the zero value is for use.
type Request struct {
	Wait time.Duration // for the finger; DefaultWait when 0
	// Judge tells how good an image is, 0 to 100, and whether that is enough.
	// Nil takes the first image.
	Judge func(*image.Gray) (quality int, enough bool)
	Tries int // at most so many images; 3 when 0. The best one is the answer.
}

// Image is a captured finger.
type Image struct {
	*image.Gray
	DPI     int
	Proof   Proof // what stands behind the driver that it comes of
	Quality int   // as Judge saw it; 0 without a Judge
	Lifted  bool  // the device saw the finger leave
	// Presentation is what the device says of whether the finger is alive; nil
	// when it says nothing, as those of the device table do.
	Presentation *Presentation
	// Begun is when the device saw the finger, Took the time from there until
	// the image was decoded, and Device the part of it that was spent waiting
	// for the device.
	Begun        time.Time
	Took, Device time.Duration
}

// frame is what a driver captures.
type frame struct {
	img    *image.Gray
	lifted bool
	begun  time.Time     // finger seen
	done   time.Time     // image decoded
	device time.Duration // waiting for transfers in between
}

// Session is an opened scanner with one owner. Capture and Close may be called
// from several goroutines; a second Capture is refused.
type Session struct {
	model  Model
	t      Transport
	opts   Options
	sensor sensor
	vigil  *vigil // since it was opened

	use sync.Mutex // held by Capture and Close

	mu    sync.Mutex // guards state
	state State
}

// Open brings the scanner behind t up. It owns t from here on, and closes it
// when it fails. It owes ErrTimeout, ErrProtocol and what Transport owes.
func Open(ctx context.Context, t Transport, m Model, opts Options) (*Session, error) {
	if opts.Seed == nil {
		opts.Seed = randomSeed
	}
	s := &Session{model: m, t: t, opts: opts, vigil: newVigil(opts.Asleep)}
	if err := s.move(Opening); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	bounded, cancel := context.WithTimeout(ctx, limits[Opening])
	defer cancel()
	var err error
	if s.sensor, err = m.open(bounded, t, m, opts); err != nil {
		err = s.explain(ctx, bounded, Opening, err)
		return nil, errors.Join(err, s.move(Failed), t.Close())
	}
	if err := s.move(Ready); err != nil {
		return nil, errors.Join(err, s.Close()) //nolint:contextcheck // closing has its own time
	}
	return s, nil
}

// Model is the scanner's row of the device table.
func (s *Session) Model() Model { return s.model }

// Capture leads a person through as many images as the request allows and
// returns the best, also when ctx's time is up while a better one is tried.
// After an error other than ErrNoFinger and ErrBusy, or when ctx ended it in
// mid-image, the session is Failed. It owes those, ErrSlept, ErrTimeout,
// ErrProtocol, ErrClosed, ctx.Err() and what Transport owes.
func (s *Session) Capture(ctx context.Context, req Request) (Image, error) {
	if !s.use.TryLock() {
		return Image{}, fmt.Errorf("capture: %w", &BusyError{Holder: "this program"})
	}
	defer s.use.Unlock()
	if st := s.State(); st != Ready {
		return Image{}, fmt.Errorf("capture: scanner is %v: %w", st, ErrClosed)
	}
	if s.vigil.slept() {
		return Image{}, errors.Join(fmt.Errorf("capture: %s: %w", s.model.Name, ErrSlept), s.move(Failed))
	}
	if req.Wait <= 0 {
		req.Wait = DefaultWait
	}
	if req.Tries <= 0 {
		req.Tries = 3
	}
	guarded, stop := s.vigil.guard(ctx)
	defer stop()
	var best Image
	for try := 1; ; try++ {
		img, err := s.once(guarded, req)
		if err != nil && best.Gray != nil && (errors.Is(err, ErrNoFinger) || errors.Is(err, context.DeadlineExceeded)) {
			return best, nil // nobody wants a better one, or the caller's time is up
		}
		if err != nil {
			return Image{}, err
		}
		enough := true
		if req.Judge != nil {
			img.Quality, enough = req.Judge(img.Gray)
		}
		if best.Gray == nil || img.Quality > best.Quality {
			best = img
		}
		if enough || try >= req.Tries {
			return best, nil
		}
		s.tell(Event{State: Ready, Hint: HintAgain, Preview: img.Gray, Quality: img.Quality})
	}
}

// once takes one image and leaves the session Ready or Failed.
func (s *Session) once(ctx context.Context, req Request) (Image, error) {
	st := &stage{s: s, wait: req.Wait}
	f, err := s.sensor.capture(ctx, st)
	at := s.State()
	slept := s.vigil.slept() // the device is not as the driver left it
	switch {
	case err != nil && slept:
		err = fmt.Errorf("%s: %v: %w", s.model.Name, at, ErrSlept)
	case err != nil:
		err = s.explain(ctx, st.ctx, at, err)
	}
	st.leave()
	to := Ready
	if err != nil && at != Waiting {
		to = Failed
	}
	if err != nil && (slept || !errors.Is(err, ErrNoFinger) && ctx.Err() == nil) {
		to = Failed
	}
	if moved := s.move(to); err == nil {
		err = moved
	}
	if err != nil {
		return Image{}, err
	}
	return Image{
		Gray: f.img, DPI: s.model.DPI, Proof: s.model.Proof, Lifted: f.lifted, Begun: f.begun, Took: f.done.Sub(f.begun), Device: f.device,
		Presentation: s.presentation(),
	}, nil
}

// explain words an error: the state's time was up, or the caller's.
func (s *Session) explain(ctx, bounded context.Context, at State, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %v: %w", s.model.Name, at, ctx.Err())
	case bounded == nil || !errors.Is(bounded.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s: %v: %w", s.model.Name, at, err)
	case at == Waiting:
		return fmt.Errorf("%s: %w", s.model.Name, ErrNoFinger)
	default:
		return fmt.Errorf("%s: %v: %w", s.model.Name, at, ErrTimeout)
	}
}

// Close puts the scanner to rest and gives it up. Twice is once.
func (s *Session) Close() error {
	s.use.Lock()
	defer s.use.Unlock()
	if s.State() == Closed {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), restLimit)
	defer cancel()
	rest := s.sensor.close(ctx)
	if s.State() == Failed {
		rest = nil // it has been told
	}
	return errors.Join(rest, s.move(Closed), s.t.Close())
}

func (s *Session) tell(ev Event) {
	if s.opts.Watch != nil {
		s.opts.Watch(ev)
	}
}

// stage is the state of one capture with its time limit.
type stage struct {
	s      *Session
	wait   time.Duration
	ctx    context.Context //nolint:containedctx // the running state's, to tell whose time was up
	cancel context.CancelFunc
}

func (st *stage) enter(ctx context.Context, to State) (context.Context, error) {
	st.leave()
	if err := st.s.move(to); err != nil {
		return nil, err
	}
	limit := limits[to%State(len(limits))]
	if to == Waiting {
		limit = st.wait
	}
	st.ctx, st.cancel = context.WithTimeout(ctx, limit)
	return st.ctx, nil
}

func (st *stage) leave() {
	if st.cancel != nil {
		st.cancel()
	}
}

func (st *stage) hint(h Hint) { st.s.tell(Event{State: st.s.State(), Hint: h}) }

func (st *stage) preview(img *image.Gray) {
	st.s.tell(Event{State: st.s.State(), Hint: HintPreview, Preview: img})
}

func randomSeed() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint32(b[:])
}

// answered does what a device answers to at once. One that does not has failed,
// also while a finger is waited for.
func answered(ctx context.Context, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	err := do(bounded)
	if err != nil && ctx.Err() == nil && errors.Is(bounded.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %v", ErrTimeout, answerLimit)
	}
	return err
}
