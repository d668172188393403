package socket

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Scanner is what can be served; *soft.Scanner is one. Open owes
// scanner.ErrBusy and scanner.ErrUnplugged.
type Scanner interface {
	Device(name string) scanner.Device
	Open() (scanner.Transport, error)
}

// transferTime bounds a transfer that answers at once, and a write to the
// socket.
const transferTime = 2 * time.Second

// maxDrivers is how many connections are served at the same time; one of them
// has the scanner.
const maxDrivers = 8

// Listen opens a socket at path that only its owner may use. A socket that
// nobody serves any more is replaced.
func Listen(ctx context.Context, path string) (net.Listener, error) {
	if conn, err := (&net.Dialer{Timeout: transferTime}).DialContext(ctx, "unix", path); err == nil {
		return nil, errors.Join(fmt.Errorf("socket %s: %w", path, scanner.ErrBusy), conn.Close())
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("replace socket: %w", err)
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open socket: %w", err), l.Close())
	}
	return l, nil
}

// Serve lets drivers use a scanner until ctx ends, and closes the listener.
// Who speaks another language is cut off.
func Serve(ctx context.Context, l net.Listener, s Scanner) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxDrivers + 1)
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var failed error
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() == nil {
				failed = fmt.Errorf("accept driver: %w", err)
			}
			break
		}
		group.Go(func() error { serveDriver(ctx, conn, s); return nil })
	}
	_ = l.Close() // a second time is no harm
	return errors.Join(failed, group.Wait())
}

// driver is one connection.
type driver struct {
	sender
	s Scanner
	t scanner.Transport // nil before kindOpen

	mu      sync.Mutex                    // guards pending
	pending map[uint32]context.CancelFunc // reads, by id
	reads   sync.WaitGroup
}

func serveDriver(ctx context.Context, conn net.Conn, s Scanner) {
	d := &driver{sender: sender{conn: conn}, s: s, pending: make(map[uint32]context.CancelFunc)}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if d.put(hello(s.Device(""))) == nil {
		for r := bufio.NewReader(conn); ; {
			m, err := readMessage(r)
			if err != nil || d.take(ctx, m) != nil {
				break
			}
		}
	}
	cancel()
	if d.t != nil {
		_ = d.t.Close() // the driver has gone
	}
	d.reads.Wait()
	_ = conn.Close()
}

func (d *driver) answer(id uint32, data []byte, err error) error {
	return d.put(message{kind: kindAnswer, arg: statusOf(err), id: id, data: data})
}

// take carries one message out, in the order in which they come.
func (d *driver) take(ctx context.Context, m message) error {
	if m.kind == kindOpen && d.t == nil && len(m.data) == 0 {
		t, err := d.s.Open()
		if err == nil {
			d.t = t
		}
		return d.answer(m.id, nil, err)
	}
	if d.t == nil {
		return errMessage
	}
	bounded, cancel := context.WithTimeout(ctx, transferTime)
	defer cancel()
	switch m.kind {
	case kindControl:
		setup, data, err := parseControl(m.data)
		if err != nil {
			return err
		}
		n, err := d.t.Control(bounded, setup, data)
		if !setup.In() || err != nil {
			data = nil
		} else {
			data = data[:n]
		}
		return d.answer(m.id, data, err)
	case kindWrite:
		return d.answer(m.id, nil, d.t.Write(bounded, m.arg, m.data))
	case kindPresent:
		var said []byte
		if p, can := d.t.(scanner.Presenter); can {
			if p, ok := p.Presentation(); ok {
				said = []byte{byte(p.Verdict), p.Score}
			}
		}
		return d.answer(m.id, said, nil)
	case kindSubmit:
		return d.submit(ctx, m)
	case kindCancel:
		d.mu.Lock()
		defer d.mu.Unlock()
		if back, ok := d.pending[m.id]; ok {
			back()
		}
		return nil
	case kindHello, kindOpen, kindAnswer: // the server's own, or out of turn
	}
	return errMessage
}

// submit hands a read over before the next message is looked at; its answer
// comes when it ends.
func (d *driver) submit(ctx context.Context, m message) error {
	if len(m.data) != 4 || binary.BigEndian.Uint32(m.data) > maxData {
		return errMessage
	}
	ctx, cancel := context.WithCancel(ctx)
	if !d.note(m.id, cancel) {
		cancel()
		return errMessage
	}
	p, err := d.t.Submit(m.arg, int(binary.BigEndian.Uint32(m.data)))
	d.reads.Go(func() {
		defer cancel()
		var data []byte
		if err == nil {
			if data, err = p.Wait(ctx); errors.Is(err, context.Canceled) {
				err = errTakenBack
			}
		}
		d.forget(m.id)
		_ = d.answer(m.id, data, err) // a driver that has gone ends its connection
	})
	return nil
}

// note keeps what takes a read back; it reports false for one too many, or one
// with the number of another.
func (d *driver) note(id uint32, cancel context.CancelFunc) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, twice := d.pending[id]; twice || len(d.pending) >= maxPending {
		return false
	}
	d.pending[id] = cancel
	return true
}

func (d *driver) forget(id uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pending, id)
}
