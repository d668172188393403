// Package sbi serves the MOSIP Secure Biometric Interface, versions 0.9.5 and
// 1.0, on loopback: any client of that interface can find our scanners, ask
// about them, capture a finger and watch the images. docs/formats/sbi.md says
// what of it is served.
package sbi

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// The ports of the interface; the first free one is taken.
const (
	FirstPort = 4501
	LastPort  = 4600
)

// ErrNoPort says that every port of the interface is in use.
var ErrNoPort = errors.New("no free port from 4501 to 4600")

// Config is what a Server is made of. Hub, Identity and Log are needed.
type Config struct {
	Hub      *scanner.Hub
	Identity *Identity
	Version  string // of the program
	// Environment is Staging, Developer, Pre-Production or Production;
	// Developer when empty. Requests for another one are refused.
	Environment string
	// Origins are the web origins that may ask. Programs that are no browsers
	// send none and may always.
	Origins []string
	// Recipient is whom captures for authentication are encrypted for; without
	// one they are refused.
	Recipient *x509.Certificate
	Log       *slog.Logger
	Ready     func(address string) // called once it listens
}

// Server answers the interface's five requests.
type Server struct {
	cfg     Config
	port    int
	preview *preview
}

// New makes a server; Run starts it.
func New(cfg Config) *Server {
	if cfg.Environment == "" {
		cfg.Environment = "Developer"
	}
	return &Server{cfg: cfg, preview: newPreview()}
}

// Run serves until ctx ends. It owes ErrNoPort and what serving returns.
func (s *Server) Run(ctx context.Context) error {
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve scanners: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		return server.Close() // captures and streams have ended with ctx
	})
	if s.cfg.Ready != nil {
		s.cfg.Ready(s.address())
	}
	return group.Wait()
}

func (s *Server) listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	for s.port = FirstPort; s.port <= LastPort; s.port++ {
		if l, err := config.Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(s.port)); err == nil {
			return l, nil
		}
	}
	return nil, ErrNoPort
}

func (s *Server) address() string { return "http://127.0.0.1:" + strconv.Itoa(s.port) + "/" }

// Handler is what Run serves: each request of the interface is a method of its
// own on a fixed path.
func (s *Server) Handler() http.Handler {
	type endpoint struct{ method, path string }
	routes := map[endpoint]http.HandlerFunc{
		{"MOSIPDISC", "/device"}: s.discover,
		{"MOSIPDINFO", "/info"}:  s.info,
		{"CAPTURE", "/capture"}:  s.capture,
		{"RCAPTURE", "/capture"}: s.register,
		{"STREAM", "/stream"}:    s.stream,
	}
	return s.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve, ok := routes[endpoint{r.Method, r.URL.Path}]
		if !ok {
			s.answer(w, r, http.StatusNotFound, failure(codeURL))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		serve(w, r)
	}))
}

const maxBody = 64 << 10

// methods are those of the interface, for a browser that asks before.
const methods = "MOSIPDISC, MOSIPDINFO, CAPTURE, RCAPTURE, STREAM"

// guard checks who asks before anything else: the name that the request came
// by, and the page's origin where there is one.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Origin")
		h.Set("Location", strings.TrimSuffix(s.address(), "/"))
		port := strconv.Itoa(s.port)
		if r.Host != "127.0.0.1:"+port && r.Host != "localhost:"+port {
			http.Error(w, "this service has another name", http.StatusMisdirectedRequest)
			return
		}
		origin := r.Header.Get("Origin")
		if paired := slices.Contains(s.cfg.Origins, origin); origin != "" && !paired || origin == "" && r.Header.Get("Sec-Fetch-Site") != "" {
			http.Error(w, "this origin is not paired", http.StatusForbidden)
			return
		}
		if origin != "" {
			h.Set("Access-Control-Allow-Origin", origin)
		}
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", methods)
			h.Set("Access-Control-Allow-Headers", "Content-Type")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// answer sends JSON.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.cfg.Log.DebugContext(r.Context(), "answer was not taken", logkey.Error, err)
	}
}

// decode reads a request's JSON: one value, with no field that the interface
// does not have.
func decode(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	if dec.More() {
		return errors.New("read request: text behind the end")
	}
	return nil
}

// quality is that of the template that comes of an image, 0 to 100. An image
// that cannot hold a finger has none.
func quality(img *image.Gray, dpi int) int {
	t, err := extract.Extract(img, dpi)
	if err != nil {
		return 0
	}
	return int(t.Views[0].Quality)
}
