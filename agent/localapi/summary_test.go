package localapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

// TestSummary reads the summary of visits that could open all, and less.
func TestSummary(t *testing.T) {
	backend := apitest.New()
	whole := apitest.Patient(time.Now())
	part := apitest.Patient(time.Now())
	part.ID, part.Locked, part.Summary = "part", true, nil
	locked := *part.Entries[0].Entry
	locked.ID, locked.Prescriptions, locked.Missing = record.EntryID{1}, nil, []record.Section{record.SectionMedication, record.SectionSensitive}
	part.Entries = []agent.VisitEntry{{ID: record.EntryID{1}, Author: "Dr. <b>", Signer: agent.SignerOperator, Facility: 3, Entry: &locked}}
	early := apitest.Patient(time.Now())
	early.ID, early.Ready = "early", false
	backend.Tap(whole)
	backend.Tap(part)
	backend.Tap(early)
	api := start(t, backend, localapi.Config{}).client

	read := func(visit, lang string) string {
		var out bytes.Buffer
		if err := api.Summary(context.Background(), visit, lang, false, &out); err != nil {
			t.Fatal(err)
		}
		if _, _, err := fhir.Import(bytes.NewReader(out.Bytes())); err != nil || !json.Valid(out.Bytes()) {
			t.Fatal(err)
		}
		return out.String()
	}
	if s := read(whole.ID, "ckb"); !strings.Contains(s, "پوختەی نەخۆش") || strings.Contains(s, "withheld") {
		t.Errorf("summary of all: %.300s", s)
	}
	s := read("part", "")
	for _, want := range []string{`"code":"withheld"`, `summary, medicines\u003c/li`, `Dr. \u003cb`, "Facility 1207"} {
		if !strings.Contains(s, want) {
			t.Errorf("summary of a part lacks %s: %s", want, s)
		}
	}
	for _, path := range []string{"early", "nobody"} {
		var refused *localapi.Error
		if err := api.Summary(context.Background(), path, "en", false, new(bytes.Buffer)); !errors.As(err, &refused) || refused.Code != "visit_unknown" {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := api.Summary(context.Background(), whole.ID, "fr", false, new(bytes.Buffer)); err == nil {
		t.Error("a language that is not there")
	}
}
