package localapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/record"
)

// idempotencyHeader names a write, so that a page which lost the answer can
// ask again without writing the visit twice.
const idempotencyHeader = "Idempotency-Key"

const (
	maxWrites    = 64
	maxWriteName = 64
	writeKept    = 10 * time.Minute
)

// appendEntry writes one entry. The write goes on when the page that asked
// for it has gone: half of it may be on the card already.
func (s *Server) appendEntry(w http.ResponseWriter, r *http.Request) {
	visit, name := r.PathValue("id"), r.Header.Get(idempotencyHeader)
	entry := new(record.Entry)
	if refused := readJSON(r, entry); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	if len(name) > maxWriteName {
		writeRefusal(w, refuseSize)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), writeEntryTime)
	defer cancel()
	written, err := s.writes.do(visit, name, time.Now(), func() (agent.Written, error) {
		return s.backend.Append(ctx, visit, entry)
	})
	switch {
	case err == nil:
		writeJSON(w, http.StatusCreated, appendAnswer{Written: written})
	case written.ID != (record.EntryID{}):
		failure := agent.Classify(err)
		writeJSON(w, http.StatusAccepted, appendAnswer{Written: written, Failure: &failure})
	default:
		writeAppendRefusal(w, err)
	}
}

// appendAnswer is the answer to a write. Failure is set, with status 202, when
// the entry is kept and will arrive, but not everything went well.
type appendAnswer struct {
	agent.Written
	Failure *agent.Failure `json:"failure,omitempty"`
}

// writes remembers named writes for a while.
type writes struct {
	mu    sync.Mutex
	known map[writeKey]*write
}

type writeKey struct{ visit, name string }

type write struct {
	at      time.Time
	done    chan struct{}
	written agent.Written // valid when done is closed, like err
	err     error
}

func newWrites() *writes { return &writes{known: make(map[writeKey]*write)} }

// do runs one write, or answers with the result of the same one before. A
// write that left nothing behind is forgotten, so that it may be tried again.
func (t *writes) do(visit, name string, now time.Time, run func() (agent.Written, error)) (agent.Written, error) {
	if name == "" {
		return run()
	}
	key := writeKey{visit, name}
	t.mu.Lock()
	if same, ok := t.known[key]; ok {
		t.mu.Unlock()
		<-same.done
		return same.written, same.err
	}
	t.makeRoom(now)
	mine := &write{at: now, done: make(chan struct{})}
	t.known[key] = mine
	t.mu.Unlock()

	mine.written, mine.err = run()
	if mine.err != nil && mine.written.ID == (record.EntryID{}) {
		t.mu.Lock()
		delete(t.known, key)
		t.mu.Unlock()
	}
	close(mine.done)
	return mine.written, mine.err
}

// makeRoom forgets what is too old, and the oldest when there are too many.
func (t *writes) makeRoom(now time.Time) {
	var oldest writeKey
	var found *write
	for key, each := range t.known {
		if now.Sub(each.at) >= writeKept {
			delete(t.known, key)
		} else if found == nil || each.at.Before(found.at) {
			oldest, found = key, each
		}
	}
	if len(t.known) >= maxWrites {
		delete(t.known, oldest)
	}
}
