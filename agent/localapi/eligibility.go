package localapi

import (
	"context"
	"net/http"
	"net/url"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// eligibility answers what the cover of the person whom a visit shows pays for
// a service here and now.
func (s *Server) eligibility(w http.ResponseWriter, r *http.Request) {
	var ask agent.CoverQuestion
	if refused := readJSON(r, &ask); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	answer, err := s.backend.Eligibility(r.PathValue("id"), ask)
	if err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// Eligibility asks what the cover pays for a service to the person whom a
// visit shows. It owes *Error.
func (c *Client) Eligibility(ctx context.Context, visit string, q agent.CoverQuestion) (*entitle.Answer, error) {
	answer, err := call[entitle.Answer](ctx, c, http.MethodPost, "/v1/visits/"+url.PathEscape(visit)+"/eligibility", q)
	if err != nil {
		return nil, err
	}
	return &answer, nil
}
