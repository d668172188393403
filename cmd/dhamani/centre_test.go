package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/operators"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/central"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// oneCard is a reader with a card that is not in any PC/SC reader.
type oneCard struct{ card *softcard.Card }

func (oneCard) Watch(ctx context.Context, _ func(card.Event)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (r oneCard) Connect(context.Context, string) (card.Transport, error) {
	return r.card.Transport(), nil
}

// centre is the authority without its network.
type centre struct {
	*authority.Authority
	store    store.Store
	station  uint32 // facility that issues
	subjects map[record.PatientID][]byte
}

func (c centre) IssueCard(ctx context.Context, req wire.CardRequest) (*wire.CardGrant, error) {
	grant, err := c.Authority.IssueCard(ctx, authority.Station{Facility: c.station}, &req)
	if err == nil {
		c.subjects[grant.Patient] = grant.Subjects
	}
	return grant, err
}

func (c centre) Push(_ context.Context, items []wire.Envelope) ([]wire.Result, error) {
	results := make([]wire.Result, len(items))
	for i, item := range items {
		results[i] = wire.Result{ID: envelope.IDOf(item.Sealed), Status: wire.StatusNew}
	}
	return results, nil
}

func (c centre) Patient(_ context.Context, id record.PatientID, _ [16]byte) (*wire.PatientResponse, error) {
	return &wire.PatientResponse{Subjects: c.subjects[id], Digest: wire.Digest(nil)}, nil
}

// testOperator is the operator of a clinical role in a folder of enrolled.
const (
	testOperator   = "somebody"
	testPassphrase = "a test's passphrase"
)

// enrolled makes an enrolled workstation's folder. With a clinical role it has
// an operator of that role.
func (c centre) enrolled(t *testing.T, facility uint32, role cvc.Roles) string {
	t.Helper()
	if role == cvc.RoleReceptionist || role == cvc.RoleIssuer {
		return c.workstation(t, facility, role)
	}
	dir := c.workstation(t, facility, cvc.RoleReceptionist)
	h, err := home.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := operators.Of(h).Request(testOperator, "Somebody", redact.NewString(testPassphrase))
	if err != nil {
		t.Fatal(err)
	}
	request := new(wire.OperatorRequest)
	if err := wire.Decode(raw, request); err != nil {
		t.Fatal(err)
	}
	grant, err := c.EnrolOperator(t.Context(), request, authority.OperatorOptions{Role: role, Rights: authority.RightsOf(role)})
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = wire.Encode(grant); err != nil {
		t.Fatal(err)
	}
	if _, err := operators.Of(h).Accept(raw); err != nil {
		t.Fatal(err)
	}
	return dir
}

// asOperator reads a card with the role of a folder's operator.
var asOperator = []string{"card", "read", "--operator", testOperator}

func (c centre) workstation(t *testing.T, facility uint32, role cvc.Roles) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	raw, err := home.Request(dir, "Facility", "desk")
	if err != nil {
		t.Fatal(err)
	}
	request := new(wire.EnrolRequest)
	if err := wire.Decode(raw, request); err != nil {
		t.Fatal(err)
	}
	grant, err := c.Enrol(t.Context(), request, authority.EnrolOptions{
		Facility: facility, Role: role, Rights: authority.RightsOf(role),
	})
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = wire.Encode(grant); err != nil {
		t.Fatal(err)
	}
	if err := home.Accept(dir, raw); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newCentre(t *testing.T) centre {
	t.Helper()
	dir := t.TempDir()
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "centre.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	a, err := authority.Init(t.Context(), t.TempDir(), st,
		authority.Config{Name: "Centre", URL: "https://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	return centre{Authority: a, store: st, station: 9001, subjects: make(map[record.PatientID][]byte)}
}

// testPatient is nobody: a holder with an allergy and two encounters.
func testPatient() *fhir.Bundle {
	visit := func(day int, diagnosis string) *record.Entry {
		return &record.Entry{
			Start:     time.Date(2026, 3, day, 9, 30, 0, 0, time.UTC),
			Diagnoses: []record.Diagnosis{{Code: record.Code{System: terms.ICD10, Value: diagnosis}}},
		}
	}
	return &fhir.Bundle{
		Identity: &record.Identity{
			Names: record.Names{Latin: &record.Name{Given: []string{"Test"}, Family: "Holder"}},
			Family: []record.Member{{
				Person: 2, Relation: record.RelationChild, Names: record.Names{Latin: &record.Name{Given: []string{"Test"}, Family: "Child"}},
			}},
		},
		Summary: &record.Summary{
			AsOf:      record.At(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)),
			Allergies: []record.Allergy{{Code: record.Code{System: terms.ATC, Value: "J01CA04"}}},
		},
		Entries: []*record.Entry{visit(1, "J20.9"), visit(2, "I10")},
	}
}

// issued makes a patient's card, which is in no reader yet, at the desk of the
// centre's station.
func (c centre) issued(t *testing.T, patient *fhir.Bundle) (*softcard.Card, personalise.Result) {
	t.Helper()
	station, err := home.Load(c.enrolled(t, c.station, cvc.RoleIssuer))
	if err != nil {
		t.Fatal(err)
	}
	soft := softcard.New(softcard.Options{})
	desk := personalise.Station{Readers: oneCard{soft}, Centre: c, Author: station.Author}
	result, err := desk.Issue(t.Context(), "", patient)
	if err != nil {
		t.Fatal(err)
	}
	return soft, result
}

// servedCentre is a centre with its network.
func servedCentre(t *testing.T) (c centre, stop func()) {
	t.Helper()
	dir := t.TempDir()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "centre.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := authority.Init(t.Context(), dir, st, authority.Config{Name: "Centre", URL: "https://" + listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- central.New(auth, st, central.Limits{}, slog.New(slog.DiscardHandler)).Serve(ctx, listener)
	}()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, st.Close()); err != nil {
			t.Error(err)
		}
	})
	return centre{Authority: auth, station: 9001}, cancel
}
