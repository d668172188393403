package localapi

import (
	"log/slog"
	"net"
	"sync"

	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// gate is a listener that bounds the connections open at a time and turns
// away those whose other side may not speak to it.
type gate struct {
	net.Listener
	log   *slog.Logger
	check func(net.Conn) error // nil lets everybody in
	slots chan struct{}
	done  chan struct{}
	once  sync.Once
}

func newGate(l net.Listener, log *slog.Logger, check func(net.Conn) error) *gate {
	return &gate{Listener: l, log: log, check: check, slots: make(chan struct{}, maxConnections), done: make(chan struct{})}
}

// Accept waits for a free slot and the next welcome connection.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case g.slots <- struct{}{}:
	case <-g.done:
		return nil, net.ErrClosed
	}
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			<-g.slots
			return nil, err
		}
		if g.check == nil {
			return &guest{Conn: conn, gate: g}, nil
		}
		if err := g.check(conn); err != nil {
			g.log.Warn("connection to the control socket refused", logkey.Error, err)
			_ = conn.Close() // nothing was said on it
			continue
		}
		return &guest{Conn: conn, gate: g}, nil
	}
}

// Close closes the listener and ends a waiting Accept.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.done) })
	return g.Listener.Close()
}

// guest gives its slot back once, when it is closed.
type guest struct {
	net.Conn
	gate *gate
	once sync.Once
}

func (c *guest) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.gate.slots })
	return err
}
