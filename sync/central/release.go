package central

import (
	"errors"
	"net/http"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// releaseKeys is POST /v1/releases.
func (s *Server) releaseKeys(w http.ResponseWriter, r *http.Request, p peer) error {
	if p.role != wire.RoleClinic {
		return refuse(http.StatusForbidden, wire.CodeForbidden, "only clinics may ask for keys without a card")
	}
	req := new(wire.ReleaseRequest)
	if _, err := readMessage(w, r, wire.MaxCardBody, req); err != nil {
		return err
	}
	answer, err := s.auth.Release(r.Context(), authority.Station{Facility: p.facility, Author: p.author}, req)
	switch {
	case errors.Is(err, wire.ErrMalformed):
		return refuse(http.StatusBadRequest, wire.CodeBadRequest, "the order is malformed")
	case errors.Is(err, authority.ErrForbidden):
		return refuse(http.StatusForbidden, wire.CodeForbidden, "the order is not one that counts")
	case errors.Is(err, authority.ErrOrderUsed):
		return refuse(http.StatusConflict, wire.CodeConflict, "the order was answered before; sign another one")
	case errors.Is(err, authority.ErrTooMany):
		return later(http.StatusTooManyRequests, wire.CodeRateLimited, "too many releases to this operator", 10*time.Minute)
	case errors.Is(err, store.ErrNotFound), errors.Is(err, envelope.ErrPerson):
		return refuse(http.StatusNotFound, wire.CodeNoPatient, "the centre does not know the patient")
	case err != nil:
		return err
	}
	return writeMessage(w, r, answer)
}
