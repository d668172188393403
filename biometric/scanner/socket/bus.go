package socket

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Name is how the scanner behind a socket is called.
const Name = "soft"

// Bus is the scanner behind the socket at Path: one, or none while nobody
// serves it. It shows as a soft scanner, whatever it says of itself.
type Bus struct{ Path string }

var _ scanner.Bus = Bus{}

// List names the scanner. A socket that others could serve is
// scanner.ErrDenied.
func (b Bus) List(ctx context.Context) ([]scanner.Device, error) {
	t, d, err := b.dial(ctx)
	if errors.Is(err, scanner.ErrUnplugged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []scanner.Device{d}, t.Close()
}

// Open takes the scanner.
func (b Bus) Open(ctx context.Context, name string) (scanner.Transport, error) {
	if name != Name {
		return nil, fmt.Errorf("open scanner %s: %w", name, scanner.ErrUnplugged)
	}
	t, _, err := b.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("open scanner %s: %w", name, err)
	}
	if _, err := t.ask(ctx, message{kind: kindOpen}); err != nil {
		return nil, errors.Join(fmt.Errorf("open scanner %s: %w", name, err), t.Close())
	}
	return t, nil
}

// dial connects and reads what the scanner says of itself.
func (b Bus) dial(ctx context.Context) (*transport, scanner.Device, error) {
	if err := private(b.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, scanner.Device{}, scanner.ErrUnplugged
	} else if err != nil {
		return nil, scanner.Device{}, err
	}
	conn, err := (&net.Dialer{Timeout: transferTime}).DialContext(ctx, "unix", b.Path)
	if err != nil {
		if ctx.Err() != nil {
			return nil, scanner.Device{}, ctx.Err()
		}
		return nil, scanner.Device{}, scanner.ErrUnplugged
	}
	d, r, err := greet(conn)
	if err != nil {
		return nil, scanner.Device{}, errors.Join(err, conn.Close())
	}
	t := &transport{sender: sender{conn: conn}, waiting: make(map[uint32]chan message), done: make(chan struct{})}
	go t.read(r)
	return t, d, nil
}

func greet(conn net.Conn) (scanner.Device, *bufio.Reader, error) {
	if err := conn.SetReadDeadline(time.Now().Add(transferTime)); err != nil {
		return scanner.Device{}, nil, err
	}
	r := bufio.NewReader(conn)
	m, err := readMessage(r)
	if err != nil {
		return scanner.Device{}, nil, fmt.Errorf("%w: %w", scanner.ErrProtocol, err)
	}
	d, err := parseHello(m)
	if err != nil {
		return scanner.Device{}, nil, fmt.Errorf("%w: %w", scanner.ErrProtocol, err)
	}
	d.Name = Name
	return d, r, conn.SetReadDeadline(time.Time{})
}

// transport drives the scanner behind a connection. Its goroutine reads the
// answers until Close.
type transport struct {
	sender
	done chan struct{} // the goroutine has gone

	mu      sync.Mutex // guards what follows
	ended   error      // why nothing more is answered
	next    uint32
	waiting map[uint32]chan message // one place each; closed when ended
}

var (
	_ scanner.Transport = (*transport)(nil)
	_ scanner.Presenter = (*transport)(nil)
)

func (t *transport) read(r *bufio.Reader) {
	defer close(t.done)
	for {
		m, err := readMessage(r)
		if err != nil || m.kind != kindAnswer {
			t.end(scanner.ErrUnplugged)
			return
		}
		t.mu.Lock()
		if to, ok := t.waiting[m.id]; ok {
			to <- m
			delete(t.waiting, m.id)
		}
		if errors.Is(errorOf(m.arg), scanner.ErrUnplugged) && t.ended == nil {
			t.ended = scanner.ErrUnplugged
		}
		t.mu.Unlock()
	}
}

// end makes everything that waits, and will, fail with err.
func (t *transport) end(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended == nil {
		t.ended = err
	}
	for id, to := range t.waiting {
		close(to)
		delete(t.waiting, id)
	}
}

// send gives a message its number and sends it.
func (t *transport) send(m message) (uint32, chan message, error) {
	t.mu.Lock()
	if t.ended != nil {
		defer t.mu.Unlock()
		return 0, nil, t.ended
	}
	t.next++
	m.id = t.next
	to := make(chan message, 1)
	t.waiting[m.id] = to
	t.mu.Unlock()
	if err := t.put(m); err != nil {
		t.end(scanner.ErrUnplugged)
		return 0, nil, t.why()
	}
	return m.id, to, nil
}

func (t *transport) why() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

// ask sends what is answered at once and returns the answer's data.
func (t *transport) ask(ctx context.Context, m message) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	_, to, err := t.send(m)
	if err != nil {
		return nil, err
	}
	late := time.NewTimer(2 * transferTime)
	defer late.Stop()
	select {
	case answer, ok := <-to:
		if !ok {
			return nil, t.why()
		}
		return answer.data, errorOf(answer.arg)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late.C:
		return nil, scanner.ErrTimeout
	}
}

func (t *transport) Control(ctx context.Context, setup scanner.Setup, data []byte) (int, error) {
	if len(data) > 1<<16-1 {
		return 0, fmt.Errorf("control transfer of %d bytes: %w", len(data), scanner.ErrTransfer)
	}
	got, err := t.ask(ctx, control(setup, data))
	switch {
	case err != nil:
		return 0, err
	case !setup.In():
		return len(data), nil
	case len(got) > len(data):
		return 0, scanner.ErrProtocol
	}
	return copy(data, got), nil
}

func (t *transport) Write(ctx context.Context, endpoint uint8, data []byte) error {
	_, err := t.ask(ctx, message{kind: kindWrite, arg: endpoint, data: data})
	return err
}

// Presentation asks what the device says of the last image. An answer that is
// none is as good as silence.
func (t *transport) Presentation() (scanner.Presentation, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), transferTime)
	defer cancel()
	said, err := t.ask(ctx, message{kind: kindPresent})
	if err != nil || len(said) != 2 || scanner.Verdict(said[0]) > scanner.Artefact || said[1] > 100 {
		return scanner.Presentation{}, false
	}
	return scanner.Presentation{Verdict: scanner.Verdict(said[0]), Score: said[1]}, true
}

func (t *transport) Submit(endpoint uint8, size int) (scanner.Pending, error) {
	if size < 0 || size > maxData {
		return nil, fmt.Errorf("read of %d bytes: %w", size, scanner.ErrTransfer)
	}
	id, to, err := t.send(message{kind: kindSubmit, arg: endpoint, data: binary.BigEndian.AppendUint32(nil, uint32(size))}) // #nosec G115 -- checked
	if err != nil {
		return nil, err
	}
	return &read{t: t, id: id, size: size, to: to}, nil
}

// Close gives the scanner up; the goroutine has gone when it returns.
func (t *transport) Close() error {
	t.mu.Lock()
	if t.ended == nil || !errors.Is(t.ended, scanner.ErrClosed) {
		t.ended = scanner.ErrClosed
	}
	t.mu.Unlock()
	err := t.conn.Close()
	<-t.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// read is a pending read.
type read struct {
	t    *transport
	id   uint32
	size int
	to   chan message
}

func (r *read) Wait(ctx context.Context) ([]byte, error) {
	select {
	case m, ok := <-r.to:
		return r.answer(m, ok)
	case <-ctx.Done():
	}
	if r.t.put(message{kind: kindCancel, id: r.id}) != nil {
		return nil, ctx.Err()
	}
	late := time.NewTimer(transferTime)
	defer late.Stop()
	select {
	case m, ok := <-r.to: // it may have arrived meanwhile
		if data, err := r.answer(m, ok); !errors.Is(err, errTakenBack) {
			return data, err
		}
	case <-late.C:
	}
	return nil, ctx.Err()
}

func (r *read) answer(m message, ok bool) ([]byte, error) {
	switch {
	case !ok:
		return nil, r.t.why()
	case len(m.data) > r.size:
		return nil, scanner.ErrProtocol
	}
	return m.data, errorOf(m.arg)
}
