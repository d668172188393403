package localapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

// verifyTime bounds a verification; a card compares a finger within seconds.
const verifyTime = 30 * time.Second

// verifyRequest is the body of POST /v1/visits/{id}/verify: the PIN, or the
// reference of an enrolled finger and the minutiae of the one on the scanner
// (base64).
type verifyRequest struct {
	PIN      string `json:"pin,omitempty"` // #nosec G117 -- on its way to the card
	Finger   uint8  `json:"finger,omitempty"`
	Minutiae []byte `json:"minutiae,omitempty"`
}

// verifyRefusal is the answer to a verification that failed: the tries left go
// along when the card counts them.
type verifyRefusal struct {
	Error agent.Failure `json:"error"`
	Left  *int          `json:"left,omitempty"`
}

// verify has the card of a visit compare a PIN or a finger, and answers with
// the visit as it is then. Both are on the card's side of things: nothing of
// them is kept here.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	var ask verifyRequest
	if refused := readJSON(r, &ask); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	defer clear(ask.Minutiae)
	id := r.PathValue("id")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), verifyTime)
	defer cancel()
	err := s.backend.Verify(ctx, id, agent.Proof{
		PIN: redact.NewString(ask.PIN), Finger: ask.Finger, Minutiae: redact.NewBytes(ask.Minutiae),
	})
	if err != nil {
		writeVerifyRefusal(w, err)
		return
	}
	visit, ok := s.backend.Visit(id)
	if !ok {
		writeRefusal(w, refuseVisit)
		return
	}
	writeJSON(w, http.StatusOK, visit)
}

// Verify shows the card of a visit a PIN or a finger, and returns the visit as
// it is then. It owes *Error with the codes verify_wrong, verify_blocked and
// verify_none.
func (c *Client) Verify(ctx context.Context, visit string, proof agent.Proof) (agent.Visit, error) {
	return call[agent.Visit](ctx, c, http.MethodPost, "/v1/visits/"+url.PathEscape(visit)+"/verify",
		verifyRequest{PIN: proof.PIN.Reveal(), Finger: proof.Finger, Minutiae: proof.Minutiae.Reveal()})
}
