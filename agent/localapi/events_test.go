package localapi_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
)

// collect reads events after a cursor until n have come.
func collect(t *testing.T, c *localapi.Client, after localapi.Cursor, n int) (last localapi.Cursor, seqs []uint64) {
	t.Helper()
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := c.Events(ctx, after, func(at localapi.Cursor, ev agent.Event) error {
		last, seqs = at, append(seqs, ev.Seq)
		if len(seqs) == n {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("events after %q: %v, got %v", after, err, seqs)
	}
	return last, seqs
}

func publish(b *apitest.Agent, n int) {
	for range n {
		b.Publish(agent.Event{Kind: agent.KindSyncStatus})
	}
}

func TestEventsGoOnAtTheCursor(t *testing.T) {
	backend := apitest.New()
	publish(backend, 5)
	s := start(t, backend, localapi.Config{})
	cursor, seqs := collect(t, s.client, "", 3)
	if seqs[0] != 1 || seqs[2] != 3 {
		t.Errorf("from the start: %v", seqs)
	}
	if _, seqs = collect(t, s.client, cursor, 2); seqs[0] != 4 {
		t.Errorf("after %s: %v, want from 4", cursor, seqs)
	}
	for _, foreign := range []localapi.Cursor{"OTHERLIFE.3", "3", "x.y", ".3", "..", localapi.Cursor(strings.Repeat("9", 300))} {
		if _, seqs = collect(t, s.client, foreign, 1); seqs[0] != 1 {
			t.Errorf("after foreign cursor %.20q: %v, want from 1", foreign, seqs)
		}
	}
}

func TestEventsSurviveACut(t *testing.T) {
	backend := apitest.New()
	publish(backend, 1)
	s := start(t, backend, localapi.Config{})
	var seqs []uint64
	done := errors.New("done")
	err := s.client.Events(t.Context(), "", func(_ localapi.Cursor, ev agent.Event) error {
		seqs = append(seqs, ev.Seq)
		switch ev.Seq {
		case 1:
			backend.CutOff()
			publish(backend, 2)
		case 3:
			return done
		}
		return nil
	})
	if !errors.Is(err, done) || len(seqs) != 3 {
		t.Errorf("events %v, %v; want each of 1 to 3 once", seqs, err)
	}
}

// rawStream is an open answer of the event stream, closed when the test ends.
type rawStream struct {
	status int
	header http.Header
	body   io.Reader
}

// open opens an event stream over TCP.
func (s *server) open(t *testing.T, header http.Header) rawStream {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return rawStream{answer.StatusCode, answer.Header, answer.Body}
}

func (s *server) sessionHeader(t *testing.T) http.Header {
	t.Helper()
	cookie, token := s.session(t)
	return http.Header{"Cookie": {cookie}, "Dhamani-Token": {token}}
}

func TestStreamText(t *testing.T) {
	backend := apitest.New()
	publish(backend, 2)
	s := start(t, backend, localapi.Config{Heartbeat: 20 * time.Millisecond})
	answer := s.open(t, s.sessionHeader(t))
	if got := answer.header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("type %q", got)
	}
	if got := answer.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("cache control %q", got)
	}
	lines := bufio.NewScanner(answer.body)
	var text []string
	for lines.Scan() && lines.Text() != ": beat" {
		text = append(text, lines.Text())
	}
	if len(text) < 12 || text[0] != "retry: 2000" || text[1] != "event: hello" || !strings.HasSuffix(text[4], ".1") || text[5] != "event: sync_status" {
		t.Errorf("stream begins %q", text)
	}
}

func TestStreamEndsWithItsSession(t *testing.T) {
	s := start(t, apitest.New(), localapi.Config{})
	header := s.sessionHeader(t)
	answer := s.open(t, header)
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, answer.body)
		ended <- err
	}()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/session/end", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header.Clone()
	request.Header.Set("Content-Type", "application/json")
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	end, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := end.Body.Close(); err != nil || end.StatusCode != http.StatusOK {
		t.Fatalf("end session: %d, %v", end.StatusCode, err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("stream: %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("the stream outlived its session")
	}
	if again := s.open(t, header); again.status != http.StatusUnauthorized {
		t.Errorf("ended session: %d, want 401", again.status)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	s := start(t, apitest.New(), localapi.Config{})
	header := s.sessionHeader(t)
	open := 0
	for range 40 {
		answer := s.open(t, header)
		if answer.status != http.StatusOK {
			if answer.status != http.StatusServiceUnavailable || answer.header.Get("Retry-After") == "" {
				t.Errorf("refused with %d, Retry-After %q", answer.status, answer.header.Get("Retry-After"))
			}
			break
		}
		open++
	}
	if open != 32 {
		t.Errorf("%d streams were opened, want 32", open)
	}
}
