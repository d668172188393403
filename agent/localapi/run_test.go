package localapi_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// runServer runs s until the test ends or the returned function is called.
func runServer(t *testing.T, s *localapi.Server) func() error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(time.Minute):
			return errors.New("server did not end")
		}
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return stop
}

func TestRunRefusesOpenAddresses(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.168.1.5:80", "localhost:0", "[::]:0", "127.0.0.1"} {
		t.Run(addr, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "s")
			s := localapi.New(localapi.Config{Addr: addr, Socket: socket}, apitest.New())
			if err := s.Run(t.Context()); !errors.Is(err, localapi.ErrNotLoopback) {
				t.Errorf("run: %v, want ErrNotLoopback", err)
			}
			if _, err := os.Stat(socket); err == nil {
				t.Error("the socket stayed open")
			}
		})
	}
}

// TestShutdownEndsStreams: an open stream does not hold the end up until
// patience is out, which is after 5 s. The soonest of some ends counts, for a
// machine that is busy.
func TestShutdownEndsStreams(t *testing.T) {
	soonest := time.Hour
	for try := 0; try < 5 && soonest > 2*time.Second; try++ {
		soonest = min(soonest, endWithStream(t))
	}
	if soonest > 2*time.Second {
		t.Errorf("shutdown took %v with an open stream", soonest)
	}
}

func endWithStream(t *testing.T) time.Duration {
	t.Helper()
	backend := apitest.New()
	s := start(t, backend, localapi.Config{})
	opened, ended := make(chan struct{}), make(chan error, 1)
	backend.Publish(agent.Event{Kind: agent.KindServiceUp})
	go func() {
		ended <- s.client.Events(t.Context(), "", func(localapi.Cursor, agent.Event) error { close(opened); return nil })
	}()
	<-opened
	begin := time.Now()
	if err := s.stop(); err != nil {
		t.Fatalf("run: %v", err)
	}
	took := time.Since(begin)
	if err := <-ended; !errors.Is(err, localapi.ErrNotRunning) {
		t.Errorf("stream ended with %v, want ErrNotRunning", err)
	}
	return took
}

func TestClient(t *testing.T) {
	backend := apitest.New()
	patient := apitest.Patient(time.Now())
	backend.Tap(patient)
	c := start(t, backend, localapi.Config{}).client
	ctx := t.Context()

	health, err := c.Health(ctx)
	if err != nil || health.Facility != 1207 || health.Role != "physician" {
		t.Errorf("health %+v, %v", health, err)
	}
	readers, err := c.Readers(ctx)
	if err != nil || len(readers) != 1 || !readers[0].Present {
		t.Errorf("readers %+v, %v", readers, err)
	}
	visits, err := c.Visits(ctx)
	if err != nil || len(visits) != 1 || visits[0].ID != patient.ID || len(visits[0].Entries) != len(patient.Entries) {
		t.Errorf("%d visits, %v", len(visits), err)
	}
	visit, err := c.Visit(ctx, patient.ID)
	if err != nil || visit.Identity.Names.Latin.String() != "Zainab Hasan Kadhim Al-Musawi" || visit.Patient != patient.Patient {
		t.Errorf("visit of %v, %v", visit.Patient, err)
	}
	var refused *localapi.Error
	if _, err := c.Visit(ctx, "../health"); !errors.As(err, &refused) || refused.Code != "visit_unknown" || refused.Status != http.StatusNotFound {
		t.Errorf("unknown visit: %v", err)
	}
	draft := &record.Entry{Class: record.ClassAmbulatory, Diagnoses: []record.Diagnosis{{Code: record.Code{System: terms.ICD10, Value: "I10"}}}}
	written, err := c.Append(ctx, patient.ID, draft)
	if err != nil || written.ID == (record.EntryID{}) {
		t.Errorf("append: %+v, %v", written, err)
	}
	status, err := c.Sync(ctx)
	if err != nil || status.Outbox != 1 {
		t.Errorf("sync %+v, %v", status, err)
	}
	backend.Refuse(agent.ErrSectionLocked, nil)
	if _, err := c.Append(ctx, patient.ID, draft); !errors.As(err, &refused) || refused.Code != "section_locked" || refused.Status != http.StatusForbidden {
		t.Errorf("locked: %v", err)
	}
	backend.Refuse(nil, agent.ErrWriteUnknown)
	written, err = c.Append(ctx, patient.ID, draft)
	if !errors.As(err, &refused) || refused.Status != http.StatusAccepted || refused.Code != "card_write_unknown" {
		t.Errorf("torn: %v", err)
	}
	if written.ID == (record.EntryID{}) || !strings.Contains(strings.Join(written.Where, " "), agent.AtUnknown) {
		t.Errorf("torn: %+v", written)
	}
}

func TestDialWithoutAgent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	if _, err := localapi.Dial(path); !errors.Is(err, localapi.ErrNotRunning) {
		t.Errorf("no socket: %v, want ErrNotRunning", err)
	}
	s := start(t, apitest.New(), localapi.Config{})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Health(t.Context()); !errors.Is(err, localapi.ErrNotRunning) {
		t.Errorf("ended agent: %v, want ErrNotRunning", err)
	}
}
