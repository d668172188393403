// Package faulty breaks a scanner's transfers: one at a chosen place, in a
// chosen way. It is for tests.
package faulty

import (
	"context"
	"fmt"
	"sync"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Kind is a way to fail.
type Kind uint8

// The faults.
const (
	None    Kind = iota
	Short        // half of what was moved
	Empty        // nothing was moved, and no error
	Stall        // the device refuses
	Hang         // no answer until the caller's time is up
	Garbage      // other bytes than the device's
	Endless      // this and all later reads are full of something
	Gone         // this and all later transfers fail: unplugged
)

// Kinds are all faults.
var Kinds = []Kind{Short, Empty, Stall, Hang, Garbage, Endless, Gone}

func (k Kind) String() string {
	return [...]string{"none", "short", "empty", "stall", "hang", "garbage", "endless", "gone"}[k]
}

// Transport is another one whose transfer number at fails.
type Transport struct {
	inner scanner.Transport
	kind  Kind
	at    int

	mu     sync.Mutex // guards what follows
	count  int
	closed chan struct{}
	once   sync.Once
}

var _ scanner.Transport = (*Transport)(nil)

// New makes transfer number at, from 1, of t fail.
func New(t scanner.Transport, kind Kind, at int) *Transport {
	return &Transport{inner: t, kind: kind, at: at, closed: make(chan struct{})}
}

// Count is how many transfers were asked for.
func (t *Transport) Count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// next is what happens to the next transfer.
func (t *Transport) next() Kind {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	lasting := t.kind == Endless || t.kind == Gone
	if t.count == t.at || lasting && t.count > t.at {
		return t.kind
	}
	return None
}

// hang waits for the end of the caller's patience or of the transport.
func (t *Transport) hang(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.closed:
		return scanner.ErrClosed
	}
}

// refusal is the error of a fault at which nothing happens.
func refusal(k Kind) error {
	if k == Stall {
		return scanner.ErrStalled
	}
	if k == Gone {
		return scanner.ErrUnplugged
	}
	return nil
}

// noise fills b with what means nothing.
func noise(b []byte) {
	for i := range b {
		b[i] = byte((i*i*31 + i*7 + 0xA5) & 0xFF)
	}
}

// Control passes on, or fails.
func (t *Transport) Control(ctx context.Context, setup scanner.Setup, data []byte) (int, error) {
	kind := t.next()
	if err := refusal(kind); err != nil {
		return 0, err
	}
	if kind == Hang {
		return 0, t.hang(ctx)
	}
	if kind == Empty {
		return 0, nil
	}
	n, err := t.inner.Control(ctx, setup, data)
	if kind == Short {
		n /= 2
	}
	if setup.In() && (kind == Garbage || kind == Endless) {
		noise(data[:n])
	}
	return n, err
}

// Write passes on, or fails.
func (t *Transport) Write(ctx context.Context, endpoint uint8, data []byte) error {
	kind := t.next()
	if err := refusal(kind); err != nil {
		return err
	}
	if kind == Hang {
		return t.hang(ctx)
	}
	if kind == Short {
		return fmt.Errorf("%w: %d of %d bytes", scanner.ErrTransfer, len(data)/2, len(data))
	}
	return t.inner.Write(ctx, endpoint, data)
}

// Submit passes on; Wait fails.
func (t *Transport) Submit(endpoint uint8, size int) (scanner.Pending, error) {
	kind := t.next()
	if err := refusal(kind); err != nil {
		return nil, err
	}
	p, err := t.inner.Submit(endpoint, size)
	if err != nil {
		return nil, err
	}
	return pending{t, p, kind, size}, nil
}

type pending struct {
	t    *Transport
	p    scanner.Pending
	kind Kind
	size int
}

func (p pending) Wait(ctx context.Context) ([]byte, error) {
	if p.kind == Hang || p.kind == Empty || p.kind == Endless {
		taken, cancel := context.WithCancel(ctx)
		cancel()
		_, _ = p.p.Wait(taken) // only takes it back
		if p.kind == Hang {
			return nil, p.t.hang(ctx)
		}
		if err := ctx.Err(); err != nil || p.kind == Empty {
			return nil, err
		}
		data := make([]byte, p.size)
		noise(data)
		return data, nil
	}
	data, err := p.p.Wait(ctx)
	if p.kind == Short {
		data = data[:len(data)/2]
	}
	if p.kind == Garbage {
		noise(data)
	}
	return data, err
}

// Close closes the other.
func (t *Transport) Close() error {
	t.once.Do(func() { close(t.closed) })
	return t.inner.Close()
}
