package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
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
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
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
	return centre{Authority: a, station: 9001, subjects: make(map[record.PatientID][]byte)}
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

// TestCardRead issues a card, puts it into a virtual reader and reads it with
// the certificates of several workstations.
func TestCardRead(t *testing.T) {
	testpcsc.Use(t)
	c := newCentre(t)
	station, err := home.Load(c.enrolled(t, c.station, cvc.RoleIssuer))
	if err != nil {
		t.Fatal(err)
	}
	soft := softcard.New(softcard.Options{})
	desk := personalise.Station{Readers: oneCard{soft}, Centre: c, Author: station.Author}
	issued, err := desk.Issue(t.Context(), "", testPatient())
	if err != nil {
		t.Fatal(err)
	}
	// Enrolled after the issuer, so that their trust lists name it.
	physician := c.enrolled(t, 101, cvc.RolePhysician)
	reception := c.enrolled(t, 102, cvc.RoleReceptionist)
	stranger := newCentre(t).enrolled(t, 101, cvc.RolePhysician)
	plug(t, soft)

	run := func(t *testing.T, dir string, args ...string) (string, error) {
		t.Helper()
		var out bytes.Buffer
		root := newRootCommand(&globals{})
		root.SetIn(strings.NewReader(testPassphrase + "\n"))
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetArgs(append(slices.Clone(args), "--home", dir))
		err := root.ExecuteContext(t.Context())
		return out.String(), err
	}
	read := func(t *testing.T, dir string, args ...string) (got cardRecord) {
		t.Helper()
		out, err := run(t, dir, append(args, "--json")...)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}

	t.Run("physician", func(t *testing.T) {
		got := read(t, physician, asOperator...)
		if got.Patient != issued.Patient || got.Card != issued.Card || got.Identity.Names.Latin.Family != "Holder" {
			t.Errorf("read %+v", got)
		}
		if got.Summary == nil || len(got.Summary.Allergies) != 1 {
			t.Errorf("summary %+v", got.Summary)
		}
		if len(got.Entries) != 2 || got.Entries[0].ID != issued.Entries[1] || got.Entries[1].ID != issued.Entries[0] {
			t.Fatalf("entries %+v, want %v from the last to the first", got.Entries, issued.Entries)
		}
		for i, want := range []string{"I10", "J20.9"} {
			e := got.Entries[i]
			if e.Problem != "" || e.Entry == nil || e.Entry.Diagnoses[0].Code.Value != want {
				t.Errorf("entry %d: %+v, want diagnosis %s", i, e, want)
			}
		}
	})
	t.Run("another person", func(t *testing.T) {
		got := read(t, physician, append(slices.Clone(asOperator), "--person", "2")...)
		if got.Person != 2 || got.Summary != nil || len(got.Entries) != 0 {
			t.Errorf("the child has %d entries, summary %v", len(got.Entries), got.Summary)
		}
		out, err := run(t, physician, append(slices.Clone(asOperator), "--person", "2")...)
		if err != nil || !strings.Contains(out, "Test Child") {
			t.Errorf("%v\n%s", err, out)
		}
		if _, err := run(t, physician, append(slices.Clone(asOperator), "--person", "3")...); !errors.Is(err, envelope.ErrPerson) {
			t.Errorf("a person whom the card does not carry: %v", err)
		}
	})
	t.Run("table", func(t *testing.T) {
		out, err := run(t, physician, asOperator...)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Test Holder", issued.Card.String(), issued.Patient.String(), "J20.9"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
	})
	t.Run("reception", func(t *testing.T) {
		got := read(t, reception, "card", "read")
		if alone := read(t, physician, "card", "read"); alone.Role != "receptionist" || alone.Summary != nil {
			t.Errorf("a workstation without its operator reads as %s, summary %v", alone.Role, alone.Summary != nil)
		}
		if got.Identity == nil || got.Summary != nil {
			t.Errorf("a receptionist reads identity %v, summary %v", got.Identity != nil, got.Summary != nil)
		}
		for _, e := range got.Entries {
			if e.Entry != nil && len(e.Entry.Diagnoses) > 0 {
				t.Error("a receptionist reads a diagnosis")
			}
		}
	})
	t.Run("another centre", func(t *testing.T) {
		out, err := run(t, stranger, "card", "read")
		if code, _ := table.Judge(err); code != exitUntrusted {
			t.Errorf("a card of an unknown issuer: %v\n%s", err, out)
		}
	})
	t.Run("info", func(t *testing.T) {
		for dir, want := range map[string]string{
			physician:   trustGood,
			stranger:    "issuer is not in the trust list",
			t.TempDir(): trustUnchecked,
		} {
			out, err := run(t, dir, "card", "info")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out, want) || !strings.Contains(out, "operational") {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
	})
}
