package central

import (
	"errors"
	"net/http"

	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// signLogReceipt is POST /v1/log-receipts. What a store shows is durable, so
// what the receipt speaks of is.
func (s *Server) signLogReceipt(w http.ResponseWriter, r *http.Request, p peer) error {
	var req wire.LogReceiptRequest
	if _, err := readMessage(w, r, wire.MaxCardBody, &req); err != nil {
		return err
	}
	receipt, err := s.auth.LogReceipt(r.Context(), p.facility, &req)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refuse(http.StatusNotFound, wire.CodeNoPatient, "the centre issued no such card")
	case errors.Is(err, authority.ErrNotHeld):
		return refuse(http.StatusConflict, wire.CodeNotHeld, "the centre does not hold every entry")
	case errors.Is(err, authority.ErrConflict):
		return refuse(http.StatusConflict, wire.CodeConflict, "the request contradicts what was signed")
	case errors.Is(err, authority.ErrNoReceipts):
		return refuse(http.StatusNotFound, wire.CodeNotFound, "the centre signs no receipts for logs")
	case err != nil:
		return err
	}
	return writeMessage(w, r, receipt)
}
