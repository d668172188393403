package pcsc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
)

// eventLimit is generous: an insertion is seen after 0.4 s, on a machine that
// has time.
const eventLimit = time.Minute

// second is what this program does when it was started as the second program of
// a test; it says whether it was.
var second = func() (code int, started bool) { return 0, false }

func TestMain(m *testing.M) {
	if code, started := second(); started {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// A T=1 card without history, and one that can be told from it.
var (
	atrA = []byte{0x3B, 0x80, 0x80, 0x01, 0x01}
	atrB = []byte{0x3B, 0x81, 0x80, 0x01, 0x42, 0x42}
)

// vcard is a card in a virtual reader. It answers what respond returns; nil
// tears it out in the middle of the command.
type vcard struct {
	conn  net.Conn
	ended chan struct{}
}

// insert puts a card into the reader behind addr until remove or the test's end.
func insert(tb testing.TB, addr string, atr []byte, respond func(cmd []byte) []byte) *vcard {
	tb.Helper()
	var d net.Dialer
	var conn net.Conn
	deadline := time.Now().Add(eventLimit)
	for { // vpcd accepts the next card only after it noticed that the last one went
		var err error
		if conn, err = d.DialContext(tb.Context(), "tcp", addr); err == nil {
			break
		}
		if time.Now().After(deadline) {
			tb.Fatalf("insert a card: %v", err)
		}
	}
	v := &vcard{conn: conn, ended: make(chan struct{})}
	go v.serve(atr, respond)
	tb.Cleanup(v.remove)
	return v
}

func (v *vcard) remove() {
	_ = v.conn.Close()
	<-v.ended
}

func (v *vcard) serve(atr []byte, respond func([]byte) []byte) {
	defer close(v.ended)
	defer func() { _ = v.conn.Close() }()
	var length [2]byte
	for {
		if _, err := io.ReadFull(v.conn, length[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(v.conn, frame); err != nil {
			return
		}
		var answer []byte
		switch {
		case len(frame) == 1 && frame[0] == 4:
			answer = atr
		case len(frame) == 1:
			continue // power off, power on, reset
		default:
			if answer = respond(frame); answer == nil {
				return
			}
		}
		out := binary.BigEndian.AppendUint16(nil, uint16(len(answer)))
		if _, err := v.conn.Write(append(out, answer...)); err != nil {
			return
		}
	}
}

// echo answers a command with itself.
func echo(cmd []byte) []byte { return append(bytes.Clone(cmd), 0x90, 0x00) }

// always answers every command with the same.
func always(answer ...byte) func([]byte) []byte {
	return func([]byte) []byte { return answer }
}

func newService(testing.TB) *pcsc.Service { return pcsc.New(slog.New(slog.DiscardHandler)) }

// watch is a running Watch.
type watch struct {
	tb     testing.TB
	events chan card.Event
	cancel context.CancelFunc
	ended  chan error
	once   sync.Once
}

func startWatch(tb testing.TB, s *pcsc.Service) *watch {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	w := &watch{tb: tb, events: make(chan card.Event, 100), cancel: cancel, ended: make(chan error, 1)}
	go func() { w.ended <- s.Watch(ctx, func(ev card.Event) { w.events <- ev }) }()
	tb.Cleanup(w.stop)
	return w
}

// stop ends the watch and checks that it ends as it should.
func (w *watch) stop() {
	w.once.Do(func() {
		w.cancel()
		select {
		case err := <-w.ended:
			if !errors.Is(err, context.Canceled) {
				w.tb.Errorf("Watch returned %v, want context.Canceled", err)
			}
		case <-time.After(eventLimit):
			w.tb.Errorf("Watch did not end")
		}
	})
}

// expect returns the next event of the kind in the reader, which must come
// before any other event of that reader.
func (w *watch) expect(kind card.EventKind, reader string) card.Event {
	w.tb.Helper()
	limit := time.After(eventLimit)
	for {
		select {
		case ev := <-w.events:
			if ev.Reader != reader {
				continue
			}
			if ev.Kind != kind {
				w.tb.Fatalf("event %v in %q, want %v", ev.Kind, reader, kind)
			}
			return ev
		case <-limit:
			w.tb.Fatalf("no event %v in %q", kind, reader)
		}
	}
}

// connect connects as soon as the card is seen by the service.
func connect(tb testing.TB, s *pcsc.Service, reader string) card.Transport {
	tb.Helper()
	deadline := time.Now().Add(eventLimit)
	for {
		tr, err := s.Connect(tb.Context(), reader)
		if err == nil {
			tb.Cleanup(func() {
				if err := tr.Close(); err != nil {
					tb.Errorf("close: %v", err)
				}
			})
			return tr
		}
		if !errors.Is(err, card.ErrNoCard) || time.Now().After(deadline) {
			tb.Fatalf("connect: %v", err)
		}
	}
}

// awaitEmpty waits until the service has seen the card leave.
func awaitEmpty(tb testing.TB, s *pcsc.Service, reader string) {
	tb.Helper()
	deadline := time.Now().Add(eventLimit)
	for {
		readers, err := s.List(context.Background()) // also in a cleanup, when tb's context has ended
		if err != nil {
			tb.Fatal(err)
		}
		if !slices.ContainsFunc(readers, func(r pcsc.Reader) bool { return r.Name == reader && r.Present }) {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("the card is still in %q", reader)
		}
	}
}

// service takes the machine's readers; the first one is used unless a test
// needs both.
func service(tb testing.TB) (*testpcsc.Service, testpcsc.Slot) {
	tb.Helper()
	return testpcsc.Use(tb), testpcsc.Slots()[0]
}
