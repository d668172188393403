// Package central is the central API of docs/formats/wire.md: HTTP/2 over
// mutual TLS 1.3, over a storage engine and an authority.
//
// An entry is acknowledged only when it is durable, with the signed receipt in
// the same transaction. Every entry's signature has been checked against the
// trust list before; an entry that fails the check gets a code of its own, is
// kept in the quarantine and holds up nothing else.
package central

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/dedup"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// Limits bound what clients can ask of the server. A zero field takes its default.
type Limits struct {
	// RequestsPerSecond is each facility's sustained rate (100), BurstRequests
	// what it may spend at once (400).
	RequestsPerSecond float64
	BurstRequests     float64
	// EntriesPerSecond is each facility's sustained rate of pushed entries
	// (5,000), BurstEntries what it may spend at once (50,000).
	EntriesPerSecond float64
	BurstEntries     float64
	// Pushes is how many pushes are read and checked at once (64).
	Pushes int
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field *float64
		value float64
	}{
		{&l.RequestsPerSecond, 100},
		{&l.BurstRequests, 400},
		{&l.EntriesPerSecond, 5_000},
		{&l.BurstEntries, 50_000},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	if l.Pushes <= 0 {
		l.Pushes = 64
	}
	return l
}

const (
	shutdownGrace   = 30 * time.Second // above a stalled disk and the 10 s that net/http waits for the preface of HTTP/2
	reloadEvery     = time.Second
	refreshEvery    = time.Hour
	readTimeout     = 60 * time.Second
	writeTimeout    = 120 * time.Second // above wire.MaxWait
	keepAlive       = 15 * time.Minute
	maxHeaderBytes  = 16 << 10
	streamsPerConn  = 100
	headerReadLimit = 10 * time.Second
)

// Server is the central API. New makes one; it does nothing until Serve.
type Server struct {
	auth   *authority.Authority
	store  store.Store
	limits Limits
	log    *slog.Logger

	peers    peerCache
	rates    rateTable
	subjects subjectCache
	pushes   chan struct{} // one token for each push under way
	doubles  *dedup.Finder

	stopping atomic.Bool
	stop     chan struct{} // closed when stopping begins: long polls end
}

// New returns a server over a store and an authority, which stay the caller's.
func New(auth *authority.Authority, st store.Store, limits Limits, log *slog.Logger) *Server {
	limits = limits.withDefaults()
	return &Server{
		auth: auth, store: st, limits: limits, log: log,
		pushes: make(chan struct{}, limits.Pushes), stop: make(chan struct{}),
		doubles: dedup.New(auth, st, log),
	}
}

// Serve answers on the listener, over TLS, until ctx ends; then it lets the
// requests under way finish for at most 30 seconds. It returns nil after a
// shutdown in good order. A server serves once.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	srv := &http.Server{
		Handler:           s.Handler(),
		TLSConfig:         s.auth.ServerTLS(),
		Protocols:         &protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: streamsPerConn},
		ReadHeaderTimeout: headerReadLimit,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       keepAlive,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := srv.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-gctx.Done()
		return s.shutdown(context.WithoutCancel(ctx), srv)
	})
	g.Go(func() error { s.upkeep(gctx); return nil })
	g.Go(func() error { s.doubles.Run(gctx); return nil })
	s.log.InfoContext(ctx, "centre serves", logkey.Address, listener.Addr().String())
	err := g.Wait()
	s.log.InfoContext(ctx, "centre stopped")
	return err
}

func (s *Server) shutdown(ctx context.Context, srv *http.Server) error {
	if s.stopping.CompareAndSwap(false, true) {
		close(s.stop)
	}
	ctx, cancel := context.WithTimeout(ctx, shutdownGrace)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return fmt.Errorf("shut down: %w", errors.Join(err, srv.Close()))
	}
	return nil
}

// upkeep takes over the lists that the administrator's commands sign in other
// processes, and signs anew what grows old.
func (s *Server) upkeep(ctx context.Context) {
	reload, refresh := time.NewTicker(reloadEvery), time.NewTicker(refreshEvery)
	defer reload.Stop()
	defer refresh.Stop()
	do := func(what func(context.Context) error, message string) {
		if err := what(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "upkeep failed", logkey.Step, message, logkey.Error, err.Error())
		}
	}
	do(s.auth.Refresh, "refresh")
	for {
		select {
		case <-ctx.Done():
			return
		case <-reload.C:
			do(s.auth.Reload, "reload")
		case <-refresh.C:
			do(s.auth.Refresh, "refresh")
		}
	}
}
