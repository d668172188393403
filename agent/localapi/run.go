package localapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
)

// door is one open listener with what is served behind it.
type door struct {
	net.Listener
	handler http.Handler
}

// Run opens the doors, serves until ctx is done, and returns when every
// connection has ended, a few seconds later at most. A Server runs once. It
// owes ErrNotLoopback, ErrSocketInUse and what listening can return.
func (s *Server) Run(ctx context.Context) error {
	doors, err := s.open(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, d := range doors {
		server := s.httpServer(d.handler)
		group.Go(func() error {
			if err := server.Serve(d.Listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", d.Addr().Network(), err)
			}
			return nil
		})
		group.Go(func() error { return shutdown(ctx, server) })
	}
	group.Go(func() error {
		<-ctx.Done()
		close(s.stop) // event streams end at once, writes get their time
		return nil
	})
	if s.cfg.Ready != nil {
		s.cfg.Ready(s.origin)
	}
	return group.Wait()
}

// open opens every door of the configuration, or none.
func (s *Server) open(ctx context.Context) ([]door, error) {
	var doors []door
	if s.cfg.Socket != "" {
		socket, err := listenSocket(ctx, s.cfg.Socket)
		if err != nil {
			return nil, fmt.Errorf("open control socket: %w", err)
		}
		doors = append(doors, door{newGate(socket, s.log, checkPeer), s.socketHandler()})
	}
	if s.cfg.Addr != "" {
		page, err := listenLoopback(ctx, s.cfg.Addr)
		if err != nil {
			for _, d := range doors {
				err = errors.Join(err, d.Close())
			}
			return nil, fmt.Errorf("open page address: %w", err)
		}
		s.origin = "http://" + page.Addr().String()
		doors = append(doors, door{newGate(page, s.log, nil), s.pageHandler()})
	}
	return doors, nil
}

func listenLoopback(ctx context.Context, addr string) (net.Listener, error) {
	parsed, err := netip.ParseAddrPort(addr)
	if err != nil || !parsed.Addr().IsLoopback() {
		return nil, fmt.Errorf("%q: %w", addr, ErrNotLoopback)
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", addr)
}

func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      writeEntryTime + 10*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// shutdown waits for ctx, lets running requests finish and then ends what is
// left.
func shutdown(ctx context.Context, server *http.Server) error {
	<-ctx.Done()
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := server.Shutdown(rest); err != nil {
		return server.Close()
	}
	return nil
}
