package central_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/standing"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// write seals an entry and pushes it.
func (w *workstation) write(t *testing.T, p *patient, e *record.Entry) record.EntryID {
	t.Helper()
	e.Normalise()
	sections, err := e.Sections()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := envelope.Seal(p.subject, p.keys, envelope.Author{KID: w.grant.AuthorKID, Signer: w.author},
		envelope.Meta{Person: e.Person, Time: e.Meta().Start}, sections, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.push(t.Context(), newBatch(t), wire.Envelope{Patient: p.id, Sealed: raw})
	if err != nil || res.Results[0].Status != wire.StatusNew {
		t.Fatalf("%+v, %v", res, err)
	}
	return envelope.IDOf(raw)
}

// TestStanding has a clinic charge, amend and ask what the centre makes of it.
func TestStanding(t *testing.T) {
	c := newCentre(t, unlimited)
	w, other := c.enrol(t, 101, cvc.RoleReceptionist), c.enrol(t, 102, cvc.RoleReceptionist)
	p := c.newPatient(t, 101)
	now := time.Now().UTC()
	cost := func(service record.Service) *record.Cost {
		return &record.Cost{Total: record.Int(10000), Service: service}
	}
	visit := w.write(t, p, &record.Entry{Start: now, Cost: cost(record.ServiceVisit), Notes: []record.Note{{Text: "cough"}}})
	wrong := w.write(t, p, &record.Entry{Start: now, Cost: cost(record.ServiceDental)})
	w.write(t, p, &record.Entry{Start: now, Amends: &wrong, EnteredInError: true})
	free := w.write(t, p, &record.Entry{Start: now, Cost: cost(record.ServiceOperation)})
	w.write(t, p, &record.Entry{Start: now, Amends: &free, Notes: []record.Note{{Text: "no charge"}}})
	other.write(t, p, &record.Entry{Start: now, Amends: &visit, EnteredInError: true, Cost: cost(record.ServiceVisit)})
	w.write(t, p, &record.Entry{Start: now, Notes: []record.Note{{Text: "nothing claimed"}}})
	ask := func(path string) (int, []byte) {
		status, raw, err := other.raw(t.Context(), http.MethodGet, path, http.Header{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return status, raw
	}
	status, raw := ask(wire.PatientStandingPath(p.id.String(), 0))
	if status != http.StatusOK || len(raw) > wire.MaxSealed {
		t.Fatalf("status %d, %d bytes", status, len(raw))
	}
	got, err := standing.Open(c.auth.Trust(), p.subject, p.keys, raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Charges) != 1 || got.Charges[0].Ref != entitle.RefOf(visit) || got.Charges[0].Facility != 101 || got.Charges[0].Paid != 10000 {
		t.Errorf("charges %+v", got.Charges)
	}
	if len(got.Amendments) != 3 {
		t.Errorf("amendments %+v", got.Amendments)
	}
	if int(got.Year) != entitle.Default().Year(now) || got.More || now.Sub(got.At) > 2*time.Minute {
		t.Errorf("standing %+v", got)
	}
	// Nothing has changed: the entries are not opened again.
	if _, again := ask(wire.PatientStandingPath(p.id.String(), 0)); !bytes.Equal(again, raw) {
		t.Error("another word on the same charges")
	}
	if _, child := ask(wire.PatientStandingPath(p.id.String(), 1)); bytes.Equal(child, raw) {
		t.Error("one word on two persons")
	}
	w.write(t, p, &record.Entry{Start: now, Cost: cost(record.ServiceOperation)})
	_, raw = ask(wire.PatientStandingPath(p.id.String(), 0))
	if got, err := standing.Open(c.auth.Trust(), p.subject, p.keys, raw); err != nil || len(got.Charges) != 2 {
		t.Errorf("after another charge: %+v, %v", got, err)
	}
	// An amendment that moves the visit years back, written with a new card.
	station := c.enrol(t, 9001, cvc.RoleIssuer)
	fresh := c.newPatient(t, 9001)
	moved := station.write(t, fresh, &record.Entry{Start: now, Cost: cost(record.ServiceVisit)})
	station.write(t, fresh, &record.Entry{Start: now.AddDate(-3, 0, 0), Cost: cost(record.ServiceVisit)})
	station.write(t, fresh, &record.Entry{Start: now.AddDate(-3, 0, 0), Amends: &moved, Cost: cost(record.ServiceVisit)})
	_, raw = ask(wire.PatientStandingPath(fresh.id.String(), 0))
	if got, err := standing.Open(c.auth.Trust(), fresh.subject, fresh.keys, raw); err != nil || len(got.Charges) != 0 ||
		len(got.Amendments) != 1 || got.Amendments[0].Of != entitle.RefOf(moved) || got.Amendments[0].Facility != 9001 {
		t.Errorf("of a visit that was years ago: %+v, %v", got, err)
	}
	for path, want := range map[string]int{
		wire.PatientStandingPath("0000000000000", 0):   http.StatusNotFound,
		wire.PatientStandingPath(p.id.String(), 15):    http.StatusNotFound,
		wire.PatientStandingPath(p.id.String(), 16):    http.StatusBadRequest,
		wire.PatientStandingPath("x", 0):               http.StatusBadRequest,
		wire.PatientStandingPath(p.id.String(), 0)[:9]: http.StatusNotFound,
	} {
		if status, _ := ask(path); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
}
