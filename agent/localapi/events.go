package localapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// The event stream (text/event-stream, WHATWG HTML 9.2):
//
//	retry: 2000
//	event: hello
//	data: {"epoch":"EPOCH","heartbeat_ms":15000}
//
//	id: EPOCH.SEQ
//	event: KIND
//	data: agent.Event as JSON
//
//	: beat
//
// A client that comes back sends the last id that it saw in Last-Event-ID (or
// ?after=) and gets what it missed. The epoch names one life of the server,
// because event numbers begin anew with it; a cursor of another epoch starts
// at the oldest event kept. Who does not take what is written within 10 s is
// dropped.

// Cursor is a place in the event stream. The empty one is its oldest end.
type Cursor string

// CursorNow asks for what happens from now on only.
const CursorNow Cursor = "now"

// fromNow is a number that no event has; Subscribe takes it as "from now on".
const fromNow = ^uint64(0)

func (s *Server) cursor(seq uint64) Cursor {
	return Cursor(s.epoch + "." + strconv.FormatUint(seq, 10))
}

// after returns the event number that a client has seen last; zero when the
// cursor is not one of this epoch.
func (s *Server) after(r *http.Request) uint64 {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == string(CursorNow) {
		return fromNow
	}
	epoch, number, _ := strings.Cut(text, ".")
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil || epoch != s.epoch {
		return 0
	}
	return seq
}

// stream is one open event stream.
type stream struct {
	out     http.ResponseWriter
	control *http.ResponseController
}

// send writes one block and sees it off within streamWriteTime.
func (t stream) send(block []byte) error {
	if err := t.control.SetWriteDeadline(time.Now().Add(streamWriteTime)); err != nil {
		return err
	}
	if _, err := t.out.Write(block); err != nil {
		return err
	}
	return t.control.Flush()
}

func eventBlock(id Cursor, kind string, v any) ([]byte, error) {
	data, err := json.Marshal(v) // JSON has no line breaks
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	var b bytes.Buffer
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", kind, data)
	return b.Bytes(), nil
}

func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		writeRefusal(w, refuseBusy)
		return
	}
	own := sessionFrom(r.Context())
	var ended <-chan struct{} // never, on the socket
	if own != nil {
		ended = own.ended
		s.sessions.stream(own, +1, time.Now())
		defer func() { s.sessions.stream(own, -1, time.Now()) }()
	}
	after := s.after(r)
	events, cancel := s.backend.Subscribe(after)
	defer cancel()

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	out := stream{w, http.NewResponseController(w)}
	hello, err := eventBlock("", "hello", helloEvent{s.epoch, s.cfg.Heartbeat.Milliseconds()})
	if err != nil || out.control.SetReadDeadline(time.Time{}) != nil || out.send(append([]byte("retry: 2000\n"), hello...)) != nil {
		return
	}
	beat := time.NewTicker(s.cfg.Heartbeat)
	defer beat.Stop()
	for {
		var block []byte
		select {
		case <-s.stop:
			return
		case <-r.Context().Done():
			return
		case <-ended:
			return
		case <-beat.C:
			if own != nil && !s.sessions.stream(own, 0, time.Now()) {
				return
			}
			block = []byte(": beat\n\n")
		case ev, ok := <-events:
			if !ok { // fell behind, or the agent ends: come back with the cursor
				return
			}
			if block, err = eventBlock(s.cursor(ev.Seq), ev.Kind, ev); err != nil {
				s.log.ErrorContext(r.Context(), "event not sent", logkey.Error, err)
				return
			}
		}
		if out.send(block) != nil {
			return
		}
	}
}

type helloEvent struct {
	Epoch       string `json:"epoch"`
	HeartbeatMS int64  `json:"heartbeat_ms"`
}
