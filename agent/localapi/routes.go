package localapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
)

// tokenHeader carries the half of a session's secret that is not the cookie.
const tokenHeader = "Dhamani-Token" // #nosec G101 -- a header's name

// pageHandler is what TCP gets: the guards, then the session, then the API;
// the page itself holds no data and needs no session.
func (s *Server) pageHandler() http.Handler {
	api := http.NewServeMux()
	s.routes(api)
	api.HandleFunc("POST /v1/session/end", s.endSession)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/session", s.openSession)
	mux.Handle("/v1/", s.withSession(api))
	mux.Handle("/", s.cfg.Page)
	return s.guard(bound(mux))
}

// socketHandler is what the unix socket gets: whoever is connected has been
// checked when the connection came in.
func (s *Server) socketHandler() http.Handler {
	mux := http.NewServeMux()
	s.routes(mux)
	mux.HandleFunc("POST /v1/pagecode", s.pageCode)
	mux.HandleFunc("GET /v1/lists/{name}", s.list)
	return bound(mux)
}

func (s *Server) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.backend.Health())
	})
	mux.HandleFunc("GET /v1/readers", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, orEmpty(s.backend.Readers()))
	})
	mux.HandleFunc("GET /v1/sync", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.backend.Sync())
	})
	mux.HandleFunc("GET /v1/visits", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, orEmpty(s.backend.Visits()))
	})
	mux.HandleFunc("GET /v1/visits/{id}", func(w http.ResponseWriter, r *http.Request) {
		visit, ok := s.backend.Visit(r.PathValue("id"))
		if !ok {
			writeRefusal(w, refuseVisit)
			return
		}
		writeJSON(w, http.StatusOK, visit)
	})
	mux.HandleFunc("GET /v1/visits/{id}/summary", s.summary)
	mux.HandleFunc("POST /v1/visits/{id}/person", s.showPerson)
	mux.HandleFunc("POST /v1/visits/{id}/entries", s.appendEntry)
	mux.HandleFunc("POST /v1/visits/{id}/check", s.check)
	mux.HandleFunc("POST /v1/visits/{id}/eligibility", s.eligibility)
	mux.HandleFunc("POST /v1/visits/{id}/verify", s.verify)
	mux.HandleFunc("POST /v1/visits/{id}/finger", s.verifyFinger)
	mux.HandleFunc("DELETE /v1/visits/{id}/finger", s.cancelFinger)
	mux.HandleFunc("POST /v1/visits/{id}/attest", s.attest)
	mux.HandleFunc("POST /v1/cardless", s.cardless)
	mux.HandleFunc("POST /v1/lookup", s.lookup)
	mux.HandleFunc("POST /v1/claim", s.claim)
	mux.HandleFunc("GET /v1/terms", s.terms)
	s.operatorRoutes(mux)
	mux.HandleFunc("GET /v1/events", s.events)
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, _ *http.Request) { writeRefusal(w, refuseUnknown) })
}

// showPerson has a visit show another person on its card.
func (s *Server) showPerson(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Person uint8 `json:"person"`
	}
	if refused := readJSON(r, &ask); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	visit, err := s.backend.ShowPerson(r.Context(), r.PathValue("id"), ask.Person)
	if err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeJSON(w, http.StatusOK, visit)
}

// lookup finds the patients whom a line of a magnetic stripe reader names. It
// is no GET, because what names a person does not belong into an address.
func (s *Server) lookup(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Line string `json:"line"`
	}
	if refused := readJSON(r, &ask); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	found, err := s.backend.Lookup(r.Context(), ask.Line)
	if err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeJSON(w, http.StatusOK, orEmpty(found))
}

// claim checks the text of a QR code.
func (s *Server) claim(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Text string `json:"text"`
	}
	if refused := readJSON(r, &ask); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	said, err := s.backend.Claim(ask.Text)
	if err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeJSON(w, http.StatusOK, said)
}

// orEmpty makes an empty list of no list, which JSON tells apart.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// cookieName names the port, because browsers send a cookie to every port.
func (s *Server) cookieName() string {
	return "dhamani_" + s.origin[len("http://127.0.0.1:"):]
}

// withSession lets only requests of a session pass.
func (s *Server) withSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found := s.sessionOf(r)
		if found == nil {
			writeRefusal(w, refuseSession)
			return
		}
		next.ServeHTTP(w, r.WithContext(withSession(r.Context(), found)))
	})
}

func (s *Server) sessionOf(r *http.Request) *session {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return nil
	}
	return s.sessions.find(cookie.Value, r.Header.Get(tokenHeader), time.Now())
}

// openSession turns the one-time code from the page's URL into a session.
func (s *Server) openSession(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Code string `json:"code"`
	}
	if refused := readJSON(r, &ask); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	cookie, token, err := s.sessions.open(ask.Code, time.Now())
	switch {
	case errors.Is(err, errTries):
		s.log.WarnContext(r.Context(), "page codes tried too often")
		writeRefusal(w, refuseTries)
	case err != nil:
		writeRefusal(w, refuseCode)
	default:
		http.SetCookie(w, &http.Cookie{ // #nosec G124 -- plain HTTP on loopback: Secure would lose the cookie
			Name: s.cookieName(), Value: cookie, Path: "/v1/", MaxAge: int(sessionLife / time.Second),
			HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
		writeJSON(w, http.StatusOK, struct {
			Token string `json:"token"`
		}{token})
	}
}

// endSession ends the session that asks for it, and its event streams.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) {
	s.sessions.end(sessionFrom(r.Context()))
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- plain HTTP on loopback
		Name: s.cookieName(), Path: "/v1/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	writeJSON(w, http.StatusOK, struct{}{})
}

// PageCode is the address of the page with a one-time code in its fragment,
// which a browser sends to nobody.
type PageCode struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}

func (s *Server) pageCode(w http.ResponseWriter, _ *http.Request) {
	if s.origin == "" {
		writeRefusal(w, refuseUnknown)
		return
	}
	code, expires := s.sessions.newCode(time.Now())
	writeJSON(w, http.StatusOK, PageCode{URL: s.origin + "/#code=" + code, Expires: expires.UTC()})
}

var _ Backend = (*agent.Agent)(nil)
