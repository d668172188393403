package localapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
)

// check tells what should be heard before a draft is written. It is a POST
// because of the draft: nothing is changed, and nothing kept of it.
func (s *Server) check(w http.ResponseWriter, r *http.Request) {
	draft := new(record.Entry)
	if refused := readJSON(r, draft); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	report, err := s.backend.Check(r.PathValue("id"), draft)
	if err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeJSON(w, http.StatusOK, report)
}

// alertsRefusal is the answer to a draft with alerts that nobody has answered:
// the whole report goes along.
type alertsRefusal struct {
	Error agent.Failure `json:"error"`
	alerts.Report
}

// writeAppendRefusal answers a write that was refused.
func writeAppendRefusal(w http.ResponseWriter, err error) {
	refused := refusalOf(err)
	if open, ok := errors.AsType[*agent.AlertsError](err); ok {
		writeJSON(w, refused.status, alertsRefusal{refused.Failure, *open.Report})
		return
	}
	writeRefusal(w, refused)
}

// Check tells what should be heard before a draft is written.
func (c *Client) Check(ctx context.Context, visit string, draft *record.Entry) (*alerts.Report, error) {
	return call[*alerts.Report](ctx, c, http.MethodPost, "/v1/visits/"+url.PathEscape(visit)+"/check", draft)
}
