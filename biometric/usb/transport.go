//go:build cgo

package usb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/gousb"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

const (
	controlLimit = time.Second     // gousb cannot take a control transfer back
	writeLimit   = 5 * time.Second // for a caller who sets none
)

// transport is one claimed device with its own libusb context.
type transport struct {
	lib  *gousb.Context
	dev  *gousb.Device
	cfg  *gousb.Config
	intf *gousb.Interface

	life context.Context //nolint:containedctx // ends what is pending when the transport is closed
	stop context.CancelCauseFunc

	busy sync.RWMutex // held for reading by a transfer, for writing by Close

	mu      sync.Mutex            // guards what follows
	pending map[*pending]struct{} // reads that nobody has waited for
	closed  bool
	running sync.WaitGroup // reads that somebody waits for
}

var _ scanner.Transport = (*transport)(nil)

// enter begins a transfer that may not outlive the device; leave must follow.
func (t *transport) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return t.use()
}

// use is enter for a call without a context.
func (t *transport) use() (leave func(), err error) {
	t.busy.RLock()
	if t.life.Err() != nil {
		t.busy.RUnlock()
		return nil, scanner.ErrClosed
	}
	return t.busy.RUnlock, nil
}

func (t *transport) Control(ctx context.Context, setup scanner.Setup, data []byte) (int, error) {
	leave, err := t.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	n, err := t.dev.Control(setup.Type, setup.Request, setup.Value, setup.Index, data)
	if err != nil {
		return 0, fail(err)
	}
	return n, nil
}

func (t *transport) Write(ctx context.Context, endpoint uint8, data []byte) error {
	leave, err := t.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	out, err := t.intf.OutEndpoint(int(endpoint & 0x0F))
	if err != nil {
		return fmt.Errorf("%w: %w", scanner.ErrProtocol, err)
	}
	limited, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	stop := context.AfterFunc(t.life, cancel) //nolint:contextcheck // the device's life
	defer stop()
	n, err := out.WriteContext(limited, data)
	switch {
	case err == nil && n != len(data):
		return fmt.Errorf("%w: %d of %d bytes", scanner.ErrTransfer, n, len(data))
	case err == nil:
		return nil
	case t.life.Err() != nil:
		return scanner.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return scanner.ErrTimeout
	default:
		return fail(err)
	}
}

// Submit uses gousb's streams: they alone submit before they wait. A stream
// that is closed at once is a single read.
func (t *transport) Submit(endpoint uint8, size int) (scanner.Pending, error) {
	leave, err := t.use()
	if err != nil {
		return nil, err
	}
	defer leave()
	in, err := t.intf.InEndpoint(int(endpoint & 0x0F))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", scanner.ErrProtocol, err)
	}
	stream, err := in.NewStream(size, 1)
	if err != nil {
		return nil, fail(err)
	}
	_ = stream.Close() // always nil
	p := &pending{t: t, stream: stream, size: size}
	t.mu.Lock()
	t.pending[p] = struct{}{}
	t.mu.Unlock()
	return p, nil
}

type pending struct {
	t      *transport
	stream *gousb.ReadStream
	size   int
}

// claim makes the caller the one who waits.
func (p *pending) claim() bool {
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	if _, free := p.t.pending[p]; !free {
		return false
	}
	delete(p.t.pending, p)
	p.t.running.Add(1)
	return true
}

func (p *pending) Wait(ctx context.Context) ([]byte, error) {
	if !p.claim() {
		return nil, scanner.ErrClosed
	}
	defer p.t.running.Done()
	until, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(p.t.life, cancel) //nolint:contextcheck // the device's life
	defer stop()
	data := make([]byte, p.size)
	n, err := p.stream.ReadContext(until, data)
	switch {
	case err == nil:
		return data[:n], nil
	case p.t.life.Err() != nil:
		return nil, scanner.ErrClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		return nil, fail(err)
	}
}

func (t *transport) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	t.mu.Unlock()
	t.stop(scanner.ErrClosed)
	t.busy.Lock()
	defer t.busy.Unlock()
	t.mu.Lock()
	left := make([]*pending, 0, len(t.pending))
	for p := range t.pending {
		left = append(left, p)
	}
	t.mu.Unlock()
	for _, p := range left {
		_, _ = p.Wait(t.life) // only takes it back
	}
	t.running.Wait()
	return t.release()
}

// release gives everything back in the order in which libusb wants it, also
// when one of them does not want to go.
func (t *transport) release() error {
	t.stop(scanner.ErrClosed)
	if t.intf != nil {
		t.intf.Close()
	}
	var unwilling error
	if t.cfg != nil {
		unwilling = t.cfg.Close()
	}
	unwilling = errors.Join(unwilling, t.dev.Close(), t.lib.Close())
	if unwilling != nil {
		return fmt.Errorf("close scanner: %w", fail(unwilling))
	}
	return nil
}
