package central

import (
	"context"
	"errors"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// failure is an error with the answer that the client gets. The cause stays here.
type failure struct {
	status int
	body   wire.Error
	cause  error // nil for what is the client's doing alone
}

func (f *failure) Error() string { return f.body.Code }
func (f *failure) Unwrap() error { return f.cause }

func refuse(status int, code, message string) *failure {
	return &failure{status: status, body: wire.Error{Code: code, Message: message}}
}

// later refuses with the time after which to try again, at least a second.
func later(status int, code, message string, wait time.Duration) *failure {
	f := refuse(status, code, message)
	f.body.RetryAfter = uint32(min(max(math.Ceil(wait.Seconds()), 1), 600))
	return f
}

// failed maps an error of a lower layer.
func failed(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if busy, ok := errors.AsType[*store.BusyError](err); ok {
		return later(http.StatusServiceUnavailable, wire.CodeUnavailable, "the commit queue is full", busy.After)
	}
	switch {
	case errors.Is(err, store.ErrClosed):
		return later(http.StatusServiceUnavailable, wire.CodeShuttingDown, "the centre is shutting down", 5*time.Second)
	case errors.Is(err, errRevoked):
		return refuse(http.StatusForbidden, wire.CodeRevoked, "the workstation is not enrolled")
	}
	f := refuse(http.StatusInternalServerError, wire.CodeInternal, "internal error")
	f.cause = err
	return f
}

// handler answers a request of a known workstation. It either returns a
// failure or has answered.
type handler func(w http.ResponseWriter, r *http.Request, p peer) error

// Handler returns the API. It expects the verified client certificate in the
// request's TLS state.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range []struct {
		method, path string
		handle       handler
	}{
		{http.MethodPost, wire.PathRecords, s.pushRecords},
		{http.MethodGet, wire.PathChanges, s.getChanges},
		{http.MethodGet, wire.PathPatients + "{patient}/records", s.getPatient},
		{http.MethodGet, wire.PathPatients + "{patient}/standing/{person}", s.getStanding},
		{http.MethodGet, wire.PathLists + "{list}", s.getList},
		{http.MethodPost, wire.PathCards, s.issueCard},
		{http.MethodPost, wire.PathLogReceipts, s.signLogReceipt},
		{http.MethodPost, wire.PathReleases, s.releaseKeys},
		{http.MethodGet, wire.PathHealth, s.getHealth},
	} {
		mux.Handle(route.method+" "+route.path, s.guard(route.path, route.handle))
		mux.Handle(route.path, s.guard(route.path, func(http.ResponseWriter, *http.Request, peer) error {
			return refuse(http.StatusMethodNotAllowed, wire.CodeMethod, "the path takes "+route.method)
		}))
	}
	mux.Handle("/", s.guard("", func(http.ResponseWriter, *http.Request, peer) error {
		return refuse(http.StatusNotFound, wire.CodeNotFound, "no such path")
	}))
	return mux
}

// guard identifies the caller, counts the request against its rate, and
// answers and logs what the handler returns. Neither the patient in a path nor
// anything of a body is logged.
func (s *Server) guard(route string, handle handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		p, err := s.admit(r)
		if err == nil {
			err = handle(w, r, p)
		}
		level, status, code := s.log.DebugContext, http.StatusOK, ""
		if err != nil {
			f := failed(err)
			status, code = f.status, f.body.Code
			if f.status == http.StatusInternalServerError && r.Context().Err() == nil {
				level = s.log.ErrorContext
			}
			s.writeError(w, r, f)
		}
		args := []any{
			logkey.Path, route, logkey.Facility, p.facility, logkey.Status, status, logkey.Took, time.Since(begin),
		}
		if err != nil {
			args = append(args, logkey.Code, code)
			if f := failed(err); f.cause != nil {
				args = append(args, logkey.Error, f.cause.Error())
			}
		}
		level(r.Context(), "request answered", args...)
	})
}

func (s *Server) admit(r *http.Request) (peer, error) {
	if s.stopping.Load() {
		return peer{}, later(http.StatusServiceUnavailable, wire.CodeShuttingDown, "the centre is shutting down", 5*time.Second)
	}
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return peer{}, errRevoked
	}
	p, err := s.identify(r.Context(), r.TLS.VerifiedChains[0][0])
	if err != nil {
		return peer{}, err
	}
	if wait := s.allowRequest(p.facility); wait > 0 {
		return p, later(http.StatusTooManyRequests, wire.CodeRateLimited, "too many requests", wait)
	}
	return p, nil
}

// readMessage reads a request's body into m, within limit bytes. It returns
// the bytes, unpacked.
func readMessage(w http.ResponseWriter, r *http.Request, limit int, m wire.Message) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != wire.ContentCBOR {
		return nil, refuse(http.StatusUnsupportedMediaType, wire.CodeMediaType, "the body must be "+wire.ContentCBOR)
	}
	tooLarge := refuse(http.StatusRequestEntityTooLarge, wire.CodeTooLarge, "the body is larger than "+strconv.Itoa(limit)+" bytes")
	if r.ContentLength > int64(limit) {
		return nil, tooLarge
	}
	raw, err := wire.ReadBody(http.MaxBytesReader(w, r.Body, int64(limit)+1), r.Header.Get("Content-Encoding"), limit)
	_, cut := errors.AsType[*http.MaxBytesError](err)
	switch {
	case cut || errors.Is(err, wire.ErrTooLarge):
		return nil, tooLarge
	case errors.Is(err, wire.ErrEncoding):
		return nil, refuse(http.StatusUnsupportedMediaType, wire.CodeMediaType, "the encoding must be none or zstd")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, wire.CodeBadRequest, "the body cannot be read")
	}
	if err := wire.Decode(raw, m); err != nil {
		return nil, refuse(http.StatusBadRequest, wire.CodeBadRequest, "the body is malformed")
	}
	return raw, nil
}

// writeMessage answers with a message.
func writeMessage(w http.ResponseWriter, r *http.Request, m wire.Message) error {
	raw, err := wire.Encode(m)
	if err != nil {
		return err
	}
	writeBody(w, r, http.StatusOK, wire.ContentCBOR, raw)
	return nil
}

// writeBody compresses what is worth it, if the client takes it. A client
// that has gone is no failure: it will ask again.
func writeBody(w http.ResponseWriter, r *http.Request, status int, kind string, raw []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	if acceptsZstd(r) {
		packed, encoding := wire.PackBody(raw)
		if encoding != "" {
			h.Set("Content-Encoding", encoding)
			raw = packed
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	_, _ = w.Write(raw) // #nosec G705 -- CBOR or COSE, never HTML
}

func acceptsZstd(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), wire.EncodingZstd) {
			return !strings.HasPrefix(strings.ReplaceAll(q, " ", ""), "q=0")
		}
	}
	return false
}

func (s *Server) writeError(w http.ResponseWriter, r *http.Request, f *failure) {
	if errors.Is(f.cause, context.Canceled) {
		return // the client has gone
	}
	raw, err := wire.Encode(&f.body)
	if err != nil {
		s.log.ErrorContext(r.Context(), "error answer is malformed", logkey.Error, err.Error())
	}
	if f.body.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatUint(uint64(f.body.RetryAfter), 10))
	}
	writeBody(w, r, f.status, wire.ContentCBOR, raw)
}
