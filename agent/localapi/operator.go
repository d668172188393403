package localapi

import (
	"net/http"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

const operatorPath = "/v1/operator"

// Signed tells who is signed in, nil for nobody, and who may be.
type Signed struct {
	Operator  *agent.OperatorInfo `json:"operator"`
	Operators []agent.OperatorRef `json:"operators"`
}

// credential is what an operator signs in with.
type credential struct {
	ID     string `json:"id"`
	Secret string `json:"secret"` // passphrase or PIN
}

func (s *Server) operatorRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+operatorPath, s.getOperator)
	mux.HandleFunc("POST "+operatorPath, s.signIn)
	mux.HandleFunc("DELETE "+operatorPath, func(w http.ResponseWriter, _ *http.Request) {
		s.backend.SignOut()
		writeJSON(w, http.StatusOK, struct{}{})
	})
	mux.HandleFunc("POST "+operatorPath+"/active", func(w http.ResponseWriter, _ *http.Request) {
		s.backend.Active()
		writeJSON(w, http.StatusOK, struct{}{})
	})
}

func (s *Server) getOperator(w http.ResponseWriter, r *http.Request) {
	list, err := s.backend.ListOperators()
	if err != nil {
		s.log.WarnContext(r.Context(), "operators that cannot be read", logkey.Error, err)
	}
	answer := Signed{Operators: orEmpty(list)}
	if who, ok := s.backend.Operator(); ok {
		answer.Operator = &who
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	var ask credential
	if refused := readJSON(r, &ask); refused != nil {
		writeRefusal(w, *refused)
		return
	}
	who, err := s.backend.Prove(r.Context(), ask.ID, redact.NewString(ask.Secret))
	if err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeJSON(w, http.StatusOK, who)
}
