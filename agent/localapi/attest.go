package localapi

import (
	"context"
	"net/http"
	"net/url"

	"github.com/dhamani-iq/dhamani/agent"
)

// attestRequest is the body of POST /v1/visits/{id}/attest: one way and one
// reason of agent.Attestations.
type attestRequest struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// attest notes how a patient is known without finger and PIN.
func (s *Server) attest(w http.ResponseWriter, r *http.Request) {
	var ask attestRequest
	if refused := readJSON(r, &ask); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	visit, err := s.backend.Attest(r.PathValue("id"), ask.By, ask.Reason)
	if err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeJSON(w, http.StatusOK, visit)
}

// Attest notes how the patient of a visit is known without finger and PIN, and
// returns the visit. It owes *Error with the codes attest_form, visit_unknown
// and operator_needed.
func (c *Client) Attest(ctx context.Context, visit, by, reason string) (agent.Visit, error) {
	return call[agent.Visit](ctx, c, http.MethodPost, "/v1/visits/"+url.PathEscape(visit)+"/attest", attestRequest{by, reason})
}
