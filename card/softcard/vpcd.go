package softcard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Addresses at which vpcd, the virtual reader of pcscd, waits for its two
// cards.
const (
	VPCDSlot0 = "127.0.0.1:35963"
	VPCDSlot1 = "127.0.0.1:35964"
)

// Slot is a card that lies in a slot of vpcd. Remove takes it out.
type Slot struct {
	contact *contact
	conn    *net.TCPConn
	done    chan struct{}

	mu      sync.Mutex // guards the two below
	removed bool
	err     error
}

// Plug puts the card into the virtual reader that listens at addr, a host and
// a port. A reader that has not noticed yet that its last card left, for 0.4 s
// at most, may refuse the connection; try again. The slot lives until Remove, until ctx ends, until the reader goes
// away, or until the card loses its power or goes elsewhere.
func (c *Card) Plug(ctx context.Context, addr string) (*Slot, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("plug soft card: %w", err)
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("plug soft card: %w", errors.Join(errors.New("not a tcp connection"), conn.Close()))
	}
	s := &Slot{conn: tcp, done: make(chan struct{})}
	s.contact = c.insert(func() { _ = tcp.Close() })
	go s.run(ctx)
	return s, nil
}

// Remove takes the card out of the slot and returns when it is out.
func (s *Slot) Remove() {
	s.mu.Lock()
	s.removed = true
	s.mu.Unlock()
	_ = s.conn.Close() // unblocks run, which reports what went wrong before
	<-s.done
}

// Done is closed when the card is out of the slot.
func (s *Slot) Done() <-chan struct{} { return s.done }

// Err says why the card is out of the slot: nil while it is in and after
// Remove; ctx.Err; io.EOF when the reader closed the slot; ErrFrame;
// card.ErrRemoved when its power was cut or Card.Remove took it, card.ErrReset
// when it was put elsewhere; or a network error.
func (s *Slot) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// run serves the reader until the slot ends.
func (s *Slot) run(ctx context.Context) {
	defer close(s.done)
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	err := s.serve(ctx)
	stop()
	if gone := s.contact.reason(); gone != nil {
		err = gone // the connection was closed for it
	}
	_ = s.contact.Close()
	_ = s.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.removed:
	case ctx.Err() != nil:
		s.err = ctx.Err()
	default:
		s.err = fmt.Errorf("soft card left its slot: %w", err)
	}
}

// serve answers frames; it never returns nil.
func (s *Slot) serve(ctx context.Context) error {
	buf := make([]byte, maxFrame)
	for {
		frame, err := readFrame(quickReader{s.conn}, buf)
		if err != nil {
			return err
		}
		var reply []byte
		if len(frame) == 1 {
			reply, err = s.control(frame[0])
		} else {
			reply, err = s.contact.Transmit(ctx, frame)
		}
		if err != nil {
			return err
		}
		if reply == nil {
			continue
		}
		if err := writeFrame(s.conn, reply); err != nil {
			return err
		}
	}
}

// control carries out a control code; only one of them has an answer.
func (s *Slot) control(code byte) ([]byte, error) {
	switch code {
	case controlOff:
		s.contact.setPower(false)
	case controlOn, controlReset:
		s.contact.setPower(true)
	case controlATR:
		return s.contact.ATR(), nil
	default:
		return nil, fmt.Errorf("control code %02X: %w", code, ErrFrame)
	}
	return nil, nil
}

// quickReader has every read acknowledged at once; see quickAck.
type quickReader struct{ conn *net.TCPConn }

func (r quickReader) Read(p []byte) (int, error) {
	quickAck(r.conn)
	return r.conn.Read(p)
}
