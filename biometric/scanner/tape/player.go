package tape

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/internal/wait"
)

// patience is how long a transfer may be early: two goroutines of a driver may
// ask in another order than was recorded.
const patience = time.Second

// Status of a completed transfer: Linux error numbers, negative.
const (
	statusCancelled  = -2   // ENOENT: the driver took it back
	statusNoDevice   = -19  // ENODEV
	statusStalled    = -32  // EPIPE
	statusReset      = -104 // ECONNRESET: taken back as well
	statusUnplugged  = -108 // ESHUTDOWN
	statusTimeout    = -110 // ETIMEDOUT
	statusInProgress = -115 // EINPROGRESS: of every submission
	statusFailed     = -71  // EPROTO
)

// errOf words a completion's status.
func errOf(status int32) error {
	switch status {
	case 0:
		return nil
	case statusNoDevice, statusUnplugged:
		return scanner.ErrUnplugged
	case statusStalled:
		return scanner.ErrStalled
	case statusTimeout:
		return scanner.ErrTimeout
	default:
		return fmt.Errorf("%w: status %d", scanner.ErrTransfer, status)
	}
}

// Play opens a recording from its beginning as a transport. It is strict:
// every transfer must be the recorded one, in the recorded order, or it and all
// later ones fail with ErrMismatch; after the last one with ErrEnd.
func (t *Tape) Play() scanner.Transport {
	return &player{steps: t.steps, running: make(map[uint64]*call)}
}

// PlayPaced is Play by a device that takes as long for each transfer as it
// took in the recording, where that has times.
func (t *Tape) PlayPaced() scanner.Transport {
	return &player{steps: t.steps, running: make(map[uint64]*call), paced: true}
}

// maxPace is the longest that a transfer is held back; a recording may say
// anything.
const maxPace = time.Minute

var _ scanner.Transport = (*player)(nil)

// call is a transfer that the driver has asked for.
type call struct {
	step
	asked time.Time
	pace  time.Duration // how long after asked it may end; valid once ended is closed
	ended chan struct{}
	got   []byte // valid once ended is closed
	n     int
	err   error
}

func (c *call) end(got []byte, n int, err error) {
	c.got, c.n, c.err = got, n, err
	close(c.ended)
}

type player struct {
	mu      sync.Mutex       // guards what follows
	steps   []step           // what is still to come
	early   []*call          // asked for, and not yet due
	running map[uint64]*call // begun, by the recorded number
	paced   bool             // does not change
	failed  error            // for every call from now on
}

// ask registers a call and plays on.
func (p *player) ask(s step) (*call, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil && len(p.steps) == 0 {
		p.fail(ErrEnd)
	}
	if p.failed != nil {
		return nil, p.failed
	}
	c := &call{step: s, asked: time.Now(), ended: make(chan struct{})}
	p.early = append(p.early, c)
	p.advance()
	return c, nil
}

// advance plays until the recording wants a transfer that nobody has asked
// for. What still runs at its end has no answer, but for what the driver took
// back itself.
func (p *player) advance() {
	for len(p.steps) > 0 {
		s := p.steps[0]
		if s.done {
			p.complete(s)
		} else {
			c := p.due(s)
			if c == nil {
				return
			}
			c.at = s.at
			p.running[s.id] = c
		}
		p.steps = p.steps[1:]
	}
	for id, c := range p.running {
		delete(p.running, id)
		c.end(nil, 0, ErrEnd)
	}
}

func (p *player) complete(s step) {
	c := p.running[s.id]
	delete(p.running, s.id)
	if c != nil && p.paced {
		c.pace = min(max(0, time.Duration(s.at-c.at)*time.Microsecond), maxPace)
	}
	switch {
	case c == nil, s.status == statusCancelled, s.status == statusReset:
	case c.ep&0x80 != 0 || c.setup.In():
		if len(s.data) > c.size {
			c.end(nil, 0, fmt.Errorf("%w: more than was asked for", scanner.ErrTransfer))
			return
		}
		c.end(bytes.Clone(s.data), len(s.data), errOf(s.status))
	default:
		c.end(nil, s.size, errOf(s.status))
	}
}

// due takes the early call that s is from the others. One that is like it but
// for its content is a mismatch.
func (p *player) due(s step) *call {
	for i, c := range p.early {
		if c.bulk != s.bulk || c.ep != s.ep {
			continue
		}
		if c.setup == s.setup && c.size == s.size && !bytes.Equal(c.data, s.data) {
			p.fail(fmt.Errorf("%w: other content in %v", ErrMismatch, s))
			return nil
		}
		if c.setup != s.setup || c.size != s.size {
			p.fail(fmt.Errorf("%w: %v, where %v was", ErrMismatch, c.step, s))
			return nil
		}
		p.early = append(p.early[:i:i], p.early[i+1:]...)
		return c
	}
	return nil
}

// String words a submission without what it carries.
func (s step) String() string {
	if s.bulk {
		return fmt.Sprintf("%d bytes on endpoint %#02x", s.size, s.ep)
	}
	return fmt.Sprintf("request %#02x/%#02x/%#04x/%#04x of %d bytes", s.setup.Type, s.setup.Request, s.setup.Value, s.setup.Index, s.size)
}

// fail ends every call, these and later ones, with err.
func (p *player) fail(err error) {
	p.failed = err
	for _, c := range p.early {
		c.end(nil, 0, err)
	}
	for _, c := range p.running {
		c.end(nil, 0, err)
	}
	p.early = nil
	clear(p.running)
}

// wait waits for a call's end. A call that stays early is not what was
// recorded.
func (p *player) wait(ctx context.Context, c *call) ([]byte, int, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-c.ended:
			if err := hold(ctx, c); err != nil {
				return nil, 0, err
			}
			return c.got, c.n, c.err
		case <-timer.C:
			p.refuse(c)
		case <-ctx.Done():
			if p.forget(c) {
				return nil, 0, ctx.Err()
			}
			<-c.ended
			return c.got, c.n, c.err
		}
	}
}

// hold waits until an ended call may end.
func hold(ctx context.Context, c *call) error {
	left := time.Until(c.asked.Add(c.pace))
	if c.pace == 0 || left <= 0 {
		return nil
	}
	return wait.For(ctx, left)
}

// refuse fails all when c is still early.
func (p *player) refuse(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.early {
		if e == c && len(p.steps) > 0 {
			p.fail(fmt.Errorf("%w: %v, where %v was", ErrMismatch, c.step, p.steps[0]))
			return
		}
	}
}

// forget takes a call back, and tells whether it had not ended.
func (p *player) forget(c *call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-c.ended:
		return false
	default:
	}
	for i, e := range p.early {
		if e == c {
			p.early = append(p.early[:i:i], p.early[i+1:]...)
			break
		}
	}
	for id, r := range p.running {
		if r == c {
			delete(p.running, id)
		}
	}
	c.end(nil, 0, context.Canceled)
	return true
}

func (p *player) Control(ctx context.Context, setup scanner.Setup, data []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s := step{setup: setup, size: len(data)}
	if setup.In() {
		s.ep = 0x80
	} else {
		s.data = bytes.Clone(data)
	}
	c, err := p.ask(s)
	if err != nil {
		return 0, err
	}
	got, n, err := p.wait(ctx, c)
	if setup.In() {
		copy(data, got)
	}
	return n, err
}

func (p *player) Submit(endpoint uint8, size int) (scanner.Pending, error) {
	c, err := p.ask(step{bulk: true, ep: endpoint, size: size})
	if err != nil {
		return nil, err
	}
	return pending{p, c}, nil
}

func (p *player) Write(ctx context.Context, endpoint uint8, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := p.ask(step{bulk: true, ep: endpoint, size: len(data), data: bytes.Clone(data)})
	if err != nil {
		return err
	}
	_, n, err := p.wait(ctx, c)
	if err == nil && n != len(data) {
		err = fmt.Errorf("%w: %d of %d bytes", scanner.ErrTransfer, n, len(data))
	}
	return err
}

func (p *player) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail(scanner.ErrClosed)
	return nil
}

type pending struct {
	p *player
	c *call
}

func (w pending) Wait(ctx context.Context) ([]byte, error) {
	got, _, err := w.p.wait(ctx, w.c)
	return got, err
}
