package testpiv

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/internal/wait"
)

// Plug puts the card into the virtual reader at addr until remove is called or
// tb ends. A reader that has not noticed yet that its last card left, for 0.4 s
// at most, is tried again.
func (c *Card) Plug(tb testing.TB, addr string) (remove func()) {
	tb.Helper()
	var conn net.Conn
	var err error
	var d net.Dialer
	for range 3000 { // a minute, for a machine that is busy
		if conn, err = d.DialContext(tb.Context(), "tcp", addr); err == nil {
			break
		}
		if wait.For(tb.Context(), 20*time.Millisecond) != nil {
			break
		}
	}
	if err != nil {
		tb.Fatalf("plug piv card: %v", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.serve(conn)
	}()
	remove = func() {
		_ = conn.Close()
		<-done
	}
	tb.Cleanup(remove)
	return remove
}

// serve answers vpcd's frames: a length of two bytes, then as many bytes; one
// byte alone is a control code (0 off, 1 on, 2 reset, 4 for the ATR).
func (c *Card) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // the test is over
	var head [2]byte
	for {
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint16(head[:]))
		if _, err := io.ReadFull(conn, frame); err != nil {
			return
		}
		var answer []byte
		switch {
		case len(frame) > 1:
			if answer = c.Process(frame); answer == nil {
				return
			}
		case len(frame) == 1 && frame[0] == 4:
			answer = ATR()
		default:
			c.Reset()
			continue
		}
		out := binary.BigEndian.AppendUint16(nil, uint16(len(answer))) // #nosec G115 -- a short answer
		if _, err := conn.Write(append(out, answer...)); err != nil {
			return
		}
	}
}
