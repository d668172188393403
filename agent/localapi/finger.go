package localapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
)

// fingerTime bounds the capture of a finger, three impressions at most, and
// its comparison.
const fingerTime = 2 * time.Minute

// fingerRequest is the body of POST /v1/visits/{id}/finger: who compares,
// agent.OnCard or agent.OnHost; empty is the card.
type fingerRequest struct {
	Way string `json:"way,omitempty"`
}

// verifyFinger captures a finger and has it compared. The answer comes when
// that is over; who goes away before ends the capture.
func (s *Server) verifyFinger(w http.ResponseWriter, r *http.Request) {
	var ask fingerRequest
	if refused := readJSON(r, &ask); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	control := http.NewResponseController(w)
	end := time.Now().Add(fingerTime)
	if control.SetReadDeadline(end) != nil || control.SetWriteDeadline(end.Add(streamWriteTime)) != nil {
		return // the connection is gone
	}
	ctx, cancel := context.WithDeadline(r.Context(), end)
	defer cancel()
	done, err := s.backend.VerifyFinger(ctx, r.PathValue("id"), ask.Way)
	if err != nil {
		writeVerifyRefusal(w, err)
		return
	}
	writeJSON(w, http.StatusOK, done)
}

// cancelFinger ends the capture of a visit.
func (s *Server) cancelFinger(w http.ResponseWriter, r *http.Request) {
	if err := s.backend.CancelFinger(r.PathValue("id")); err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeJSON(w, http.StatusOK, struct{}{})
}

// writeVerifyRefusal answers with a failure, and the tries left where the card
// counts them.
func writeVerifyRefusal(w http.ResponseWriter, err error) {
	refused := refusalOf(err)
	if left, counted := agent.VerifyLeft(err); counted {
		writeJSON(w, refused.status, verifyRefusal{refused.Failure, &left})
		return
	}
	writeRefusal(w, refused)
}

func fingerPath(visit string) string { return "/v1/visits/" + url.PathEscape(visit) + "/finger" }

// VerifyFinger captures a finger of the person whom a visit shows and has it
// compared: way is agent.OnCard, agent.OnHost or empty for the card. The end
// of ctx ends the capture.
func (c *Client) VerifyFinger(ctx context.Context, visit, way string) (agent.Fingered, error) {
	return call[agent.Fingered](ctx, c, http.MethodPost, fingerPath(visit), fingerRequest{way})
}

// CancelFinger ends the capture of a visit's finger.
func (c *Client) CancelFinger(ctx context.Context, visit string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, fingerPath(visit), nil)
	return err
}
