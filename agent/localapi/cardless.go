package localapi

import (
	"net/http"

	"github.com/dhamani-iq/dhamani/agent"
)

// cardless opens a visit of a patient whose card is not there.
func (s *Server) cardless(w http.ResponseWriter, r *http.Request) {
	var ask agent.Cardless
	if refused := readJSON(r, &ask); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	visit, err := s.backend.OpenCardless(r.Context(), ask)
	if err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeJSON(w, http.StatusCreated, openedVisit{visit})
}

type openedVisit struct {
	Visit string `json:"visit"`
}
