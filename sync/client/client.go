// Package client exchanges entries and lists with the centre: it pushes the
// outbox, follows the change feed, refreshes the trust and block lists and
// fetches a patient's records, as docs/formats/wire.md describes.
//
// An entry leaves the outbox only against a receipt that the caller's Verify
// has accepted, or with a rejection that names it. Whatever else the centre or
// the network does (garbage, silence, half an answer, the same answer twice),
// the entry stays, and the loop tries again after a wait with full jitter.
package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Store keeps what is exchanged. Every method is durable when it returns, may
// be repeated without effect, and is safe for concurrent use.
type Store interface {
	// OutboxBatch returns the head of the outbox: at most count entries and
	// size bytes, but one at least if there is one.
	OutboxBatch(count, size int) ([]wire.Envelope, error)
	// OutboxLen and QuarantineLen count entries; they are cheap.
	OutboxLen() int
	QuarantineLen() int
	// Acknowledge takes accepted entries out of the outbox and puts rejected
	// ones into the quarantine, in one transaction. It passes over entries that
	// are not in the outbox.
	Acknowledge(results []wire.Result, receipt []byte) error
	// Postpone moves entries to the end of the outbox.
	Postpone(ids []record.EntryID) error
	// Cursor returns the place in the change feed, "" for the beginning.
	Cursor() (string, error)
	// ApplyChanges keeps entries and the cursor behind them in one transaction.
	ApplyChanges(items []wire.Envelope, next string) error
	// ResetCursor goes back to the beginning of the change feed.
	ResetCursor() error
	// List returns a signed list, or nil; PutList keeps a verified one. The
	// client also keeps each list's entity tag, under the list's name and ".tag".
	List(name string) ([]byte, error)
	PutList(name string, raw []byte) error
}

// Config says how to reach the centre and whom to believe. Verify, Accept, TLS
// and BaseURL are needed.
type Config struct {
	// BaseURL is the centre's https address without a path.
	BaseURL string
	// TLS holds the workstation's certificate and the centre's CA.
	TLS *tls.Config
	// Verify checks the centre's receipt for a batch: its signature, and that
	// it covers exactly these entries.
	Verify func(receipt []byte, batch [16]byte, ids []record.EntryID) error
	// Accept verifies a signed list, takes it into use and returns its version.
	// A list that is in use already, or older, must do no harm.
	Accept func(name string, raw []byte) (version uint64, err error)
	// OnStatus, if set, is called after every exchange that changed more of the
	// status than its times. It must not block.
	OnStatus func(Status)
	// Log may be nil.
	Log *slog.Logger
}

// tuning holds the times and sizes; tests set other ones.
type tuning struct {
	timeout     time.Duration // of one request, without what it asks the centre to wait
	listTimeout time.Duration // of a list, which may be long on a slow line
	wait        time.Duration // that the centre may hold a request for changes
	pollEvery   time.Duration // at most so long between polls, when the centre does not wait
	listEvery   time.Duration // between refreshes of the lists
	backoffBase time.Duration
	backoffMost time.Duration
	kickGap     time.Duration // a Kick does not shorten a wait to less than this
	retryMost   time.Duration // longest Retry-After that is obeyed
	batchCount  int
	batchBytes  int
	postpone    int // failures of a single entry until it is moved to the end
}

func defaultTuning() tuning {
	return tuning{
		timeout: time.Minute, listTimeout: 5 * time.Minute, wait: wire.MaxWait - 5*time.Second,
		pollEvery: 15 * time.Second, listEvery: 10 * time.Minute,
		backoffBase: time.Second, backoffMost: 5 * time.Minute, kickGap: time.Second, retryMost: time.Hour,
		batchCount: wire.MaxItems, batchBytes: wire.MaxBody - 64<<10, postpone: 3,
	}
}

// Client exchanges with one centre. It is safe for concurrent use.
type Client struct {
	cfg     Config
	store   Store
	http    *http.Client
	tuning  tuning
	kick    chan struct{} // wakes the push loop; one pending kick is enough
	listed  chan struct{} // closed when the lists have been asked for once
	running atomic.Bool

	push pushState // owned by the push loop

	mu     sync.Mutex // guards what follows
	status Status
	errs   [numActivities]string    // code of each activity's last failure
	next   [numActivities]time.Time // when each activity tries again
	shown  Status                   // as OnStatus had it last

	termsTag string // of the edition in use
}

// New makes a client; Run starts it. The store may be nil for a client that is
// not run and only asks: Health, Patient, Push, IssueCard. It owes ErrConfig.
func New(cfg Config, store Store) (*Client, error) {
	u, err := url.Parse(cfg.BaseURL)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "":
		return nil, fmt.Errorf("address of the centre: %w", ErrConfig)
	case cfg.TLS == nil || cfg.Verify == nil || cfg.Accept == nil:
		return nil, fmt.Errorf("TLS, Verify or Accept is missing: %w", ErrConfig)
	}
	cfg.BaseURL = "https://" + u.Host
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Client{
		cfg: cfg, store: store, tuning: defaultTuning(),
		http: &http.Client{
			Transport: newTransport(cfg.TLS),
			// The centre never redirects; following one would send entries elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		kick: make(chan struct{}, 1), listed: make(chan struct{}),
	}, nil
}

// newTransport keeps one HTTP/2 connection alive, on TLS 1.3 and nothing older.
func newTransport(cfg *tls.Config) *http.Transport {
	cfg = cfg.Clone()
	cfg.MinVersion = tls.VersionTLS13
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: cfg, Protocols: &protocols,
		DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		IdleConnTimeout: 10 * time.Minute, TLSHandshakeTimeout: 20 * time.Second,
		// Pings find out that a line is dead, and keep its address translation alive.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 25 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// Run exchanges with the centre until ctx ends; it returns nil then. Failures
// of the network, the centre and the store are retried and shown in Status.
// A client runs once.
func (c *Client) Run(ctx context.Context) error {
	if c.store == nil {
		return fmt.Errorf("run client without a store: %w", ErrConfig)
	}
	if c.running.Swap(true) {
		return fmt.Errorf("run client a second time: %w", ErrConfig)
	}
	defer c.http.CloseIdleConnections()
	c.UseStoredLists()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.pushLoop(ctx) })
	group.Go(func() error { return c.pullLoop(ctx) })
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// Kick makes the push loop look into the outbox now. It never blocks. It also
// cuts a wait after a failure short, but not one that the centre asked for.
func (c *Client) Kick() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// Health asks the centre how it is.
func (c *Client) Health(ctx context.Context) (*wire.Health, error) {
	got := new(wire.Health)
	err := c.call(ctx, request{path: wire.PathHealth, timeout: c.tuning.timeout}, got)
	if err != nil {
		return nil, fmt.Errorf("ask the centre's health: %w", err)
	}
	return got, nil
}

// IssueCard asks the centre to issue a card. It owes ErrOffline, ErrProtocol
// and *ServerError; after ErrOffline it is not known whether the card was
// issued, and the same request may be made again.
func (c *Client) IssueCard(ctx context.Context, req wire.CardRequest) (*wire.CardGrant, error) {
	body, err := wire.Encode(&req)
	if err != nil {
		return nil, fmt.Errorf("issue card: %w", err)
	}
	grant := new(wire.CardGrant)
	if err := c.call(ctx, request{path: wire.PathCards, body: body, timeout: c.tuning.timeout}, grant); err != nil {
		return nil, fmt.Errorf("issue card: %w", err)
	}
	if !req.Patient.IsZero() && grant.Patient != req.Patient {
		return nil, fmt.Errorf("issue card: grant for another patient: %w", ErrProtocol)
	}
	if len(grant.Fingers) != len(req.Fingers) {
		return nil, fmt.Errorf("issue card: answer for %d fingers of %d: %w", len(grant.Fingers), len(req.Fingers), ErrProtocol)
	}
	return grant, nil
}

// LogReceipt asks the centre to sign that it holds the entries of a card's log.
// It owes ErrOffline, ErrProtocol and *ServerError: wire.CodeNotHeld when the
// centre lacks an entry, wire.CodeConflict when it has not signed the state
// from which the request counts. The signature is the card's to check.
func (c *Client) LogReceipt(ctx context.Context, req wire.LogReceiptRequest) (*wire.LogReceipt, error) {
	body, err := wire.Encode(&req)
	if err != nil {
		return nil, fmt.Errorf("ask for a log receipt: %w", err)
	}
	got := new(wire.LogReceipt)
	if err := c.call(ctx, request{path: wire.PathLogReceipts, body: body, timeout: c.tuning.timeout}, got); err != nil {
		return nil, fmt.Errorf("ask for a log receipt: %w", err)
	}
	if int(got.Seq-req.Seq) != len(req.Entries()) {
		return nil, fmt.Errorf("log receipt for %d entries instead of %d: %w", got.Seq-req.Seq, len(req.Entries()), ErrProtocol)
	}
	return got, nil
}

// wakeOther is called after a success, so that the push loop, if it waits
// because the line was dead, learns that it is not.
func (c *Client) wakeOther() {
	c.mu.Lock()
	waiting := c.errs[activityPush] == CodeOffline || c.errs[activityLists] == CodeOffline
	c.mu.Unlock()
	if waiting {
		c.Kick()
	}
}
