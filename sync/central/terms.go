package central

import (
	"errors"
	"math"
	"net/http"

	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// getTerms is GET /v1/lists/terms: the edition behind the one that the client
// has, or 304 when it has the newest. A client whose newest is another than the
// centre's of that number, or that is ahead, gets the centre's newest, and so
// learns that they are of two lines.
func (s *Server) getTerms(w http.ResponseWriter, r *http.Request) error {
	after, err := number(r, wire.QueryAfter, 1, 1, math.MaxUint32)
	if err != nil {
		return err
	}
	var head, next store.List
	err = s.store.View(r.Context(), func(reader store.Reader) (err error) {
		head, err = reader.List(wire.ListTerms)
		if next = head; err == nil && after < head.Version {
			next, err = reader.List(wire.EditionName(wire.ListTerms, uint32(after+1))) // #nosec G115 -- bounded above
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		base := terms.Base()
		head = store.List{Version: 1, Raw: base.Digest[:]}
	} else if err != nil {
		return err
	}
	known := wire.EditionTag(wire.ListTerms, uint32(head.Version), head.Raw) // #nosec G115 -- an edition's number
	switch {
	case r.Header.Get("If-None-Match") == known, head.Version == 1 && after == 1:
		w.Header().Set("ETag", known)
		w.WriteHeader(http.StatusNotModified)
		return nil
	case head.Version == 1:
		return refuse(http.StatusConflict, wire.CodeConflict, "the centre has published no such edition")
	}
	w.Header().Set("ETag", wire.EditionTag(wire.ListTerms, uint32(next.Version), next.Raw)) // #nosec G115 -- an edition's number
	writeBody(w, r, http.StatusOK, wire.ContentCOSE, next.Raw)
	return nil
}
