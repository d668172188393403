package localapi

import (
	"mime"
	"net/http"
	"strings"
)

// headers go out with every answer. The page's scripts, styles and fonts come
// from its own origin only, nothing inline, and Trusted Types keep data from
// ever becoming markup.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; " +
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'",
	"Cross-Origin-Embedder-Policy": "require-corp",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

// guard checks a request from TCP before anything else sees it: any program
// and any web page on this machine can send one. The order is that of the
// cost and of what an answer would give away.
func (s *Server) guard(next http.Handler) http.Handler {
	_, port, _ := strings.Cut(strings.TrimPrefix(s.origin, "http://"), ":")
	hosts := map[string]bool{strings.TrimPrefix(s.origin, "http://"): true, "localhost:" + port: true}
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		switch {
		case !hosts[r.Host]: // a foreign name that was made to point here
			writeRefusal(w, refuseHost)
		case !sameOriginFetch(r), crossOrigin.Check(r) != nil:
			writeRefusal(w, refuseOrigin)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// sameOriginFetch judges Sec-Fetch-Site (Fetch Metadata, W3C): the page's own
// requests, an address that the user opened, and programs that are no
// browsers. Pages of other ports of this machine are "same-site" and refused.
func sameOriginFetch(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin":
		return true
	case "none": // typed, or opened by the shortcut: a navigation, never an API call
		return r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/v1/")
	default:
		return false
	}
}

// bound checks a request's method, the type of its body and its length. It
// holds on the socket too.
func bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxSmallBody)
		switch {
		case strings.HasSuffix(r.URL.Path, "/entries"), strings.HasSuffix(r.URL.Path, "/check"):
			limit = maxEntryBody
		case r.URL.Path == "/v1/claim":
			limit = maxClaimBody
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			limit = 0
		case http.MethodDelete:
			if limit = 0; r.URL.Path != operatorPath && !strings.HasSuffix(r.URL.Path, "/finger") {
				writeRefusal(w, refuseMethod)
				return
			}
		case http.MethodPost:
			if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
				writeRefusal(w, refuseType)
				return
			}
		default:
			writeRefusal(w, refuseMethod)
			return
		}
		if r.ContentLength > limit {
			writeRefusal(w, refuseSize)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}
