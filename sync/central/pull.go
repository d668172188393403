package central

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// pageBytes bounds the sealed bytes of a page, so that the message with its
// heads and the patient's identity stays under wire.MaxBody.
const pageBytes = wire.MaxBody - 64<<10

// number reads a decimal query parameter in low..high; absent means preset.
func number(r *http.Request, name string, preset, low, high uint64) (uint64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return preset, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < low || n > high {
		return 0, refuse(http.StatusBadRequest, wire.CodeBadRequest, "parameter "+name+" is malformed")
	}
	return n, nil
}

// getChanges is GET /v1/changes.
func (s *Server) getChanges(w http.ResponseWriter, r *http.Request, p peer) error {
	limit, err := number(r, wire.QueryMax, wire.MaxItems, 1, wire.MaxItems)
	if err != nil {
		return err
	}
	wait, err := number(r, wire.QueryWait, 0, 0, uint64(wire.MaxWait/time.Second))
	if err != nil {
		return err
	}
	gone := refuse(http.StatusGone, wire.CodeEpoch, "the cursor is of another epoch")
	var after uint64
	if cursor := wire.Cursor(r.URL.Query().Get(wire.QueryCursor)); cursor != "" {
		epoch, pos, err := cursor.Split()
		if err != nil {
			return refuse(http.StatusBadRequest, wire.CodeBadRequest, "the cursor is malformed")
		}
		if epoch != s.store.Epoch() {
			return gone
		}
		after = pos
	}
	feed, err := s.waitForChanges(r.Context(), p, after, int(limit), time.Duration(wait)*time.Second) // #nosec G115 -- bounded above
	if err != nil {
		return err
	}
	if after > feed.Head {
		return gone // a position that this database never gave out
	}
	return writeMessage(w, r, &wire.ChangesPage{
		Epoch: s.store.Epoch(), Items: feed.Items, Next: wire.MakeCursor(s.store.Epoch(), feed.Next), More: feed.More,
	})
}

// waitForChanges returns a page as soon as there is something to say, at the
// latest after wait, or when the server stops.
func (s *Server) waitForChanges(ctx context.Context, p peer, after uint64, limit int, wait time.Duration) (*store.Feed, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		woken, cancel := s.store.Wake(p.facility) // before the look, so that nothing is missed between
		feed, err := s.store.Changes(ctx, p.facility, after, limit, pageBytes)
		if err != nil || len(feed.Items) > 0 || feed.More || after > feed.Head || wait == 0 {
			cancel()
			return feed, err
		}
		select {
		case <-woken:
			cancel()
			continue
		case <-timer.C:
		case <-s.stop:
		case <-ctx.Done():
			err = ctx.Err()
		}
		cancel()
		return feed, err
	}
}

// getPatient is GET /v1/patients/{patient}/records. From here on the facility
// follows the patient: the interest is durable before the records are read, so
// what comes after them is in the facility's feed.
func (s *Server) getPatient(w http.ResponseWriter, r *http.Request, p peer) error {
	id, err := record.ParsePatientID(r.PathValue("patient"))
	if err != nil {
		return refuse(http.StatusBadRequest, wire.CodeBadRequest, "the patient identifier is malformed")
	}
	after, err := number(r, wire.QueryAfter, 0, 0, 1<<62)
	if err != nil {
		return err
	}
	var patient store.Patient
	err = s.store.View(r.Context(), func(reader store.Reader) (err error) {
		patient, err = reader.Patient(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return refuse(http.StatusNotFound, wire.CodeNoPatient, "the centre issued no such patient")
	}
	if err != nil {
		return err
	}
	if err := s.store.Interest(r.Context(), p.facility, id); err != nil {
		return err
	}
	ids, err := s.store.IDs(r.Context(), id)
	if err != nil {
		return err
	}
	digest := wire.Digest(ids)
	if text := r.URL.Query().Get(wire.QueryDigest); text != "" {
		theirs, err := wire.ParseDigest(text)
		if err != nil {
			return refuse(http.StatusBadRequest, wire.CodeBadRequest, "the digest is malformed")
		}
		if theirs == digest {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	page, err := s.store.Patient(r.Context(), id, after, wire.MaxItems, pageBytes)
	if err != nil {
		return err
	}
	identity, cover, err := s.auth.Content(patient)
	if err != nil {
		return err
	}
	return writeMessage(w, r, &wire.PatientResponse{
		Subjects: patient.Subjects, Items: page.Items, Identity: identity, Cover: cover, Digest: digest, Next: page.Next,
	})
}

// getStanding is GET /v1/patients/{patient}/standing/{person}.
func (s *Server) getStanding(w http.ResponseWriter, r *http.Request, _ peer) error {
	id, err := record.ParsePatientID(r.PathValue("patient"))
	if err != nil {
		return refuse(http.StatusBadRequest, wire.CodeBadRequest, "the patient identifier is malformed")
	}
	person, err := strconv.ParseUint(r.PathValue("person"), 10, 8)
	if err != nil || person >= wire.MaxPersons {
		return refuse(http.StatusBadRequest, wire.CodeBadRequest, "the person's number is malformed")
	}
	raw, err := s.auth.Standing(r.Context(), id, uint8(person), time.Now()) // #nosec G115 -- bounded
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, envelope.ErrPerson) {
		return refuse(http.StatusNotFound, wire.CodeNoPatient, "the centre issued no such patient")
	}
	if err != nil {
		return err
	}
	writeBody(w, r, http.StatusOK, wire.ContentCOSE, raw)
	return nil
}

// getList is GET /v1/lists/{list}.
func (s *Server) getList(w http.ResponseWriter, r *http.Request, _ peer) error {
	name := r.PathValue("list")
	if name == wire.ListTerms {
		return s.getTerms(w, r)
	}
	var list store.List
	err := s.store.View(r.Context(), func(reader store.Reader) (err error) {
		list, err = reader.List(name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return refuse(http.StatusNotFound, wire.CodeNotFound, "no such list")
	}
	if err != nil {
		return err
	}
	tag := fmt.Sprintf("%q", list.Name+"-"+strconv.FormatUint(list.Version, 10))
	if name == wire.ListAlerts || name == wire.ListCover {
		tag = wire.EditionTag(name, uint32(list.Version), list.Raw) // #nosec G115 -- an edition's number
	}
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	writeBody(w, r, http.StatusOK, wire.ContentCOSE, list.Raw)
	return nil
}

// issueCard is POST /v1/cards.
func (s *Server) issueCard(w http.ResponseWriter, r *http.Request, p peer) error {
	if p.role != wire.RoleIssuer {
		return refuse(http.StatusForbidden, wire.CodeForbidden, "the facility issues no cards")
	}
	var req wire.CardRequest
	if _, err := readMessage(w, r, wire.MaxCardBody, &req); err != nil {
		return err
	}
	grant, err := s.auth.IssueCard(r.Context(), authority.Station{Facility: p.facility, Author: p.author}, &req)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refuse(http.StatusNotFound, wire.CodeNoPatient, "the centre issued no such patient or card")
	case errors.Is(err, authority.ErrConflict), errors.Is(err, store.ErrExists):
		return refuse(http.StatusConflict, wire.CodeConflict, "the request contradicts what was issued")
	case errors.Is(err, authority.ErrRequest):
		return refuse(http.StatusBadRequest, wire.CodeBadRequest, "the card's content is refused")
	case err != nil:
		return err
	}
	if len(grant.Fingers) > 0 {
		s.doubles.Wake()
	}
	if left := wire.FingersLeftOut(grant.Fingers); len(left) > 0 {
		s.log.WarnContext(r.Context(), "fingers cannot be used and are left out", logkey.Facility, p.facility, logkey.Code, strings.Join(left, " "))
	}
	return writeMessage(w, r, grant)
}

// getHealth is GET /v1/health.
func (s *Server) getHealth(w http.ResponseWriter, r *http.Request, _ peer) error {
	trustVersion, blockVersion := s.auth.Trust().Versions()
	return writeMessage(w, r, &wire.Health{
		Name: s.auth.Config().Name, Version: wire.Version, Epoch: s.store.Epoch(),
		Time:  uint64(max(time.Now().Unix(), 0)), // #nosec G115 -- not negative
		Trust: trustVersion, Block: blockVersion,
	})
}
