package agent

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/internal/wait"
)

const (
	tapTries     = 3 // a reset or busy card is tapped again while it is there
	tapRetryWait = 300 * time.Millisecond
)

// reader owns one card reader: its goroutine alone talks to the card in it.
type reader struct {
	a       *Agent
	name    string
	wake    chan struct{}
	calls   chan call
	done    chan struct{}
	endOnce sync.Once

	again atomic.Bool // the device that another slot had is free

	mu       sync.Mutex // guards what follows
	present  bool
	atr      []byte
	inserted uint64 // insertions seen

	// Owned by the goroutine.
	served uint64 // the insertion that tap has dealt with
	who    actor  // on whose behalf the card is read
	open   *openCard
}

// call is work for the reader's goroutine.
type call struct {
	do   func()
	done chan struct{}
}

func newReader(a *Agent, name string) *reader {
	return &reader{
		a: a, name: name,
		wake: make(chan struct{}, 1), calls: make(chan call), done: make(chan struct{}),
	}
}

// note takes the state of the slot from the reader watch.
func (r *reader) note(present bool, atr []byte) {
	r.mu.Lock()
	r.present, r.atr = present, atr
	if present {
		r.inserted++
	}
	r.mu.Unlock()
	r.nudge()
}

// nudge has the goroutine look at the slot and at who is signed in.
func (r *reader) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reader) end() { r.endOnce.Do(func() { close(r.done) }) }

func (r *reader) stateNow() ReaderState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ReaderState{Name: r.name, Present: r.present, ATR: hex.EncodeToString(r.atr)}
}

func (r *reader) slot() (present bool, inserted uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.present, r.inserted
}

func (r *reader) run(ctx context.Context) {
	defer r.release()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.done:
			return
		case <-r.wake:
			r.serve(ctx)
		case job := <-r.calls:
			select { // a call is never answered of a card that has gone
			case <-r.wake:
				r.serve(ctx)
			default:
			}
			job.do()
			close(job.done)
		}
	}
}

// serve brings the goroutine in line with the slot and with who is signed in:
// a card that has gone is let go, a new one is tapped. A card that is there
// when someone signs in is tapped again; when someone signs out, it is not.
func (r *reader) serve(ctx context.Context) {
	present, inserted := r.slot()
	if who := r.a.actor(); who.gen != r.who.gen {
		r.release()
		r.who = who
		if who.signed {
			r.served = 0
		}
	}
	if r.who.signed && r.who.reader == r.name {
		return // it holds the operator's own card
	}
	if !present || inserted != r.served {
		r.release()
	}
	if again := r.again.Swap(false); !present || inserted == r.served && !again {
		return
	}
	r.served = inserted
	for try := 1; ; try++ {
		err := r.tap(ctx)
		if err == nil {
			return
		}
		if !errors.Is(err, errSameCard) && !errors.Is(err, ErrTwoCards) { // these wait for the other slot
			r.release()
		}
		if ctx.Err() != nil || errors.Is(err, errOperatorChanged) {
			return // the change has sent a nudge
		}
		if errors.Is(err, errSameCard) {
			return
		}
		still, now := r.slot()
		again := still && now == inserted && try < tapTries &&
			(errors.Is(err, card.ErrReset) || errors.Is(err, card.ErrBusy) || errors.Is(err, card.ErrRemoved) ||
				errors.Is(err, card.ErrLengths))
		if !again {
			r.a.fail(r.name, "", err)
			return
		}
		r.a.cfg.Log.DebugContext(ctx, "tap again", logkey.Reader, r.name, logkey.Error, err)
		if wait.For(ctx, tapRetryWait) != nil {
			return
		}
	}
}

func (r *reader) audit(action, code string) cache.Audit {
	return r.who.audit(r.a.cfg.Facility, action, code)
}

// release ends the card session, if there is one. The card may have gone, so
// an error of closing says nothing new.
func (r *reader) release() {
	if r.open != nil {
		_ = r.open.session.Close()
		r.open = nil
	}
	r.a.unclaim(r)
}

// call has the reader's goroutine do something and waits until it is done. It
// owes card.ErrNoReader.
func (r *reader) call(ctx context.Context, do func()) error {
	job := call{do: do, done: make(chan struct{})}
	select {
	case r.calls <- job:
	case <-r.done:
		return card.ErrNoReader
	case <-ctx.Done():
		return ctx.Err()
	}
	<-job.done // once taken, it is carried to its end: its outcome must be known
	return nil
}

// atReader has do done by the goroutine of a reader. It owes card.ErrNoReader.
func (a *Agent) atReader(ctx context.Context, name string, do func(*reader) error) error {
	a.mu.Lock()
	r := a.readers[name]
	a.mu.Unlock()
	if r == nil {
		return card.ErrNoReader
	}
	var err error
	if cerr := r.call(ctx, func() { err = do(r) }); cerr != nil {
		return cerr
	}
	return err
}
