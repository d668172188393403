package localapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record/fhir"
)

// summary answers with a patient summary of the person whom a visit shows: a
// FHIR document of what the role could open, which says so where it could not.
// ?lang= is the language of its words; ?sensitive=1 has it carry what is
// sensitive too, as far as the role could open it.
func (s *Server) summary(w http.ResponseWriter, r *http.Request) {
	ask := r.URL.Query()
	lang, sensitive := ask.Get("lang"), ask.Get("sensitive")
	if !slices.Contains([]string{"", "ar", "ckb", "en"}, lang) || !slices.Contains([]string{"", "0", "1"}, sensitive) {
		writeRefusal(w, refuseUnknown)
		return
	}
	visit, ok := s.backend.Visit(r.PathValue("id"))
	if !ok {
		writeRefusal(w, refuseVisit)
		return
	}
	bundle, o, err := visit.Bundle(time.Now())
	if err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	o.Form, o.Language, o.Sensitive = fhir.Summary, lang, sensitive == "1"
	o.Facility = s.backend.Health().Facility
	var body bytes.Buffer
	if err := fhir.Write(bundle, o, &body); err != nil {
		writeRefusal(w, refusalOf(err))
		return
	}
	writeBody(w, http.StatusOK, "application/fhir+json; charset=utf-8", body.Bytes())
}

// Summary copies the patient summary of a visit, a FHIR document, to w.
func (c *Client) Summary(ctx context.Context, visit, lang string, sensitive bool, w io.Writer) error {
	query := url.Values{"lang": {lang}}
	if sensitive {
		query.Set("sensitive", "1")
	}
	path := "/v1/visits/" + url.PathEscape(visit) + "/summary?" + query.Encode()
	answer, err := c.send(ctx, http.MethodGet, path, nil, "application/fhir+json")
	if err != nil {
		return err
	}
	raw, err := readAnswer(answer)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}
