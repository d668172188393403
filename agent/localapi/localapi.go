// Package localapi is the agent's door to the programs of its own machine:
// JSON over HTTP on 127.0.0.1 for the reception page, and the same paths on a
// unix socket for the command line and the administrator. It holds the Go
// client of that socket too.
//
//	GET  /v1/health                 agent.Health
//	GET  /v1/readers                [agent.ReaderState]
//	GET  /v1/sync                   client.Status
//	GET  /v1/visits                 [agent.Visit], newest first
//	GET  /v1/visits/{id}            agent.Visit
//	GET  /v1/visits/{id}/summary    a FHIR document (application/fhir+json): the patient summary; ?lang=ar|ckb|en, ?sensitive=1
//	POST /v1/visits/{id}/person     {"person"} -> agent.Visit, which shows that person on the card
//	POST /v1/visits/{id}/entries    record.Entry -> 201 agent.Written; 409 with an alerts.Report when alerts are not answered
//	POST /v1/visits/{id}/check      record.Entry -> alerts.Report, and nothing is written
//	POST /v1/visits/{id}/verify     {"pin"} or {"finger","minutiae"} -> agent.Visit
//	POST /v1/visits/{id}/finger     {"way"} -> agent.Fingered, once a finger was captured and compared
//	DELETE /v1/visits/{id}/finger   ends that capture
//	POST /v1/visits/{id}/attest     {"by","reason"} -> agent.Visit: how the patient is known without finger and PIN
//	POST /v1/cardless               agent.Cardless -> 201 {"visit"}: a visit without the card
//	POST /v1/lookup                 {"line"} -> [agent.Found]: a stripe's line or a number
//	POST /v1/claim                  {"text"} -> agent.Claimed: what a QR code says
//	GET  /v1/terms                  ?q=words, slot=, system=, lang=ar|ckb|en, limit=1..50 -> FoundTerms: codes by their words
//	GET  /v1/operator               Signed: who is signed in, and who may be
//	POST /v1/operator               {"id","secret"} -> agent.OperatorInfo: sign in
//	DELETE /v1/operator             sign out: the open visits end
//	POST /v1/operator/active        the operator is at work: no time-out for now
//	GET  /v1/events                 server-sent events, see events.go
//	POST /v1/session                {"code"} -> {"token"} and a cookie (TCP only)
//	POST /v1/session/end            ends the session (TCP only)
//	GET  /v1/lists/{name}           SignedList: trust, alerts or cover (socket only)
//	POST /v1/pagecode               -> {"url","expires"} (socket only)
//
// A refusal is {"error":{"code","action","text":{"ar","ckb","en"}}}, the JSON
// of agent.Failure.
package localapi

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/client"
)

// DefaultAddr is the loopback address at which the page is found. The port
// lies outside 4501-4600, which MOSIP's biometric devices claim.
const DefaultAddr = "127.0.0.1:47110"

// ErrNotLoopback is returned when the address asked for can be reached from
// another machine.
var ErrNotLoopback = errors.New("not a loopback address with a port")

// Backend is the agent as this package needs it; *agent.Agent is one. The
// channel of Subscribe is closed for a subscriber that falls behind and when
// the agent ends. ShowPerson, Append, Check, OpenCardless, Lookup, Claim, ListOperators
// and Prove owe errors that agent.Classify knows.
type Backend interface {
	Visits() []agent.Visit
	Visit(id string) (agent.Visit, bool)
	ShowPerson(ctx context.Context, visitID string, person uint8) (agent.Visit, error)
	Append(ctx context.Context, visitID string, entry *record.Entry) (agent.Written, error)
	Check(visitID string, draft *record.Entry) (*alerts.Report, error)
	Eligibility(visitID string, q agent.CoverQuestion) (*entitle.Answer, error)
	Verify(ctx context.Context, visitID string, proof agent.Proof) error
	VerifyFinger(ctx context.Context, visitID, way string) (agent.Fingered, error)
	CancelFinger(visitID string) error
	Attest(visitID, by, reason string) (agent.Visit, error)
	OpenCardless(ctx context.Context, ask agent.Cardless) (visit string, err error)
	Lookup(ctx context.Context, line string) ([]agent.Found, error)
	Claim(text string) (agent.Claimed, error)
	Subscribe(after uint64) (<-chan agent.Event, func())
	Readers() []agent.ReaderState
	Sync() client.Status
	List(name string) ([]byte, error)
	Health() agent.Health
	ListOperators() ([]agent.OperatorRef, error)
	Operator() (agent.OperatorInfo, bool)
	Prove(ctx context.Context, id string, secret redact.String) (agent.OperatorInfo, error)
	SignOut()
	Active()
}

// Config tells a Server where to listen and what to serve.
type Config struct {
	// Addr is the loopback address of the page and its API, for example
	// DefaultAddr; port 0 takes a free one. Empty: no TCP at all.
	Addr string
	// Socket is the path of the unix socket. Empty: no socket.
	Socket string
	// Page serves everything outside /v1/ on TCP, normally web.Handler().
	Page http.Handler
	// Log takes what the server has to say; nil discards it.
	Log *slog.Logger
	// Heartbeat is the pause between signs of life on an event stream;
	// zero means 15 s.
	Heartbeat time.Duration
	// Ready, if set, is called once when both doors are open, with the URL
	// of the page (empty without TCP).
	Ready func(pageURL string)
}

// Server serves one backend. Make it with New and start it with Run.
type Server struct {
	cfg      Config
	backend  Backend
	log      *slog.Logger
	sessions *sessions
	writes   *writes
	epoch    string        // names this life of the server in event cursors
	streams  chan struct{} // one token for each open event stream
	stop     chan struct{} // closed when Run is asked to end
	origin   string        // "http://127.0.0.1:PORT"; set by Run before it serves
}

// Limits of the server, on purpose far above what a reception needs.
const (
	maxStreams      = 32
	maxConnections  = 128
	maxEntryBody    = 64 << 10
	maxClaimBody    = 4 << 10
	maxSmallBody    = 1 << 10
	maxHeader       = 16 << 10
	shutdownTime    = 5 * time.Second
	writeEntryTime  = 30 * time.Second
	streamWriteTime = 10 * time.Second
)

// New returns a server that does nothing yet.
func New(cfg Config, backend Backend) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Heartbeat <= 0 {
		cfg.Heartbeat = 15 * time.Second
	}
	if cfg.Page == nil {
		cfg.Page = http.NotFoundHandler()
	}
	return &Server{
		cfg: cfg, backend: backend, log: cfg.Log,
		sessions: newSessions(), writes: newWrites(),
		epoch: rand.Text()[:8], streams: make(chan struct{}, maxStreams), stop: make(chan struct{}),
	}
}
