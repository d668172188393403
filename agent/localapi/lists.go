package localapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

// SignedList is a list of the centre as it was signed.
type SignedList struct {
	Raw []byte `json:"raw,omitempty"` // absent: none was fetched yet
}

// list is GET /v1/lists/{name} of the unix socket: it hands a signed list over
// that the centre gives to every clinic, for who checks it themselves.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !slices.Contains([]string{"trust", "alerts", "cover"}, name) {
		writeRefusal(w, refuseUnknown)
		return
	}
	raw, err := s.backend.List(name)
	if err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeJSON(w, http.StatusOK, SignedList{raw})
}

// List returns a signed list that the agent keeps: trust, alerts or cover. What
// it is worth is for the caller to check.
func (c *Client) List(ctx context.Context, name string) ([]byte, error) {
	answer, err := call[SignedList](ctx, c, http.MethodGet, "/v1/lists/"+url.PathEscape(name), nil)
	return answer.Raw, err
}
