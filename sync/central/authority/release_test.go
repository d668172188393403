package authority

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// ward is a facility with an operator of a role and a patient.
type ward struct {
	a       *Authority
	author  *ecdsa.PrivateKey
	kid     [4]byte
	patient record.PatientID
}

func newWard(t *testing.T, role cvc.Roles) *ward {
	t.Helper()
	a, _ := newAuthority(t)
	if _, err := a.Enrol(t.Context(), requestOf(t, newKey(t)), desk(12)); err != nil {
		t.Fatal(err)
	}
	w := &ward{a: a, author: newKey(t)}
	grant, err := a.EnrolOperator(t.Context(), operatorRequest(t, 12, w.author, newKey(t)), OperatorOptions{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	w.kid = grant.AuthorKID
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := (&record.Identity{Names: record.Names{Latin: &record.Name{Given: []string{"Synthetic"}}}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	card, err := a.IssueCard(t.Context(), Station{Facility: 9001}, &wire.CardRequest{
		Card: [8]byte{1, 2, 3}, CardKey: [65]byte(key.PublicKey().Bytes()), Identity: identity,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.patient = card.Patient
	return w
}

func (w *ward) order() wire.ReleaseOrder {
	return wire.ReleaseOrder{
		Patient: w.patient, Proof: wire.ProofPhoto, Reason: wire.ReasonForgotten, At: uint64(time.Now().Unix()), Facility: 12,
	}
}

func (w *ward) ask(t *testing.T, author *ecdsa.PrivateKey, order wire.ReleaseOrder, facility uint32) (*wire.Release, error) {
	t.Helper()
	req, key, err := wire.SignRelease(author, trust.KIDOf(&author.PublicKey), order)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.a.Release(t.Context(), Station{Facility: facility, Author: [4]byte{1}}, req)
	if err != nil {
		return nil, err
	}
	other := *req
	other.Order = append([]byte{}, req.Order...)
	other.Order[len(other.Order)-1] ^= 1
	if _, err := key.Open(&other, answer); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("the answer opens for another order: %v", err)
	}
	return key.Open(req, answer)
}

func TestReleaseByRole(t *testing.T) {
	for role, want := range map[cvc.Roles][]record.Section{
		cvc.RoleReceptionist: {record.SectionCoverage},
		cvc.RoleNurse:        {record.SectionCoverage, record.SectionSummary, record.SectionClinical},
		cvc.RolePhysician: {
			record.SectionCoverage, record.SectionSummary, record.SectionMedication, record.SectionLaboratory, record.SectionClinical,
		},
		cvc.RolePharmacist: {record.SectionCoverage, record.SectionSummary, record.SectionMedication},
		cvc.RoleLaboratory: {record.SectionCoverage, record.SectionLaboratory},
		cvc.RoleEmergency:  {record.SectionSummary},
	} {
		t.Run(role.String(), func(t *testing.T) {
			w := newWard(t, role)
			got, err := w.ask(t, w.author, w.order(), 12)
			if err != nil {
				t.Fatal(err)
			}
			given := make(map[record.Section][]byte)
			for s, key := range got.Keys.Map() {
				if len(key) > 0 {
					given[s] = key
				}
			}
			if len(given) != len(want) {
				t.Errorf("%d keys, want %v", len(given), want)
			}
			for _, s := range want {
				if given[s] == nil {
					t.Errorf("no key of section %s", s)
				}
			}
			subjects, err := envelope.ParseSubjects(got.Subjects)
			if err != nil {
				t.Fatal(err)
			}
			subject, err := subjects.Of(0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := envelope.KeysFromMap(given, subject); err != nil {
				t.Errorf("keys are not the person's: %v", err)
			}
			if got.Card == ([8]byte{}) || len(got.Identity) == 0 {
				t.Errorf("card %x, identity of %d bytes", got.Card, len(got.Identity))
			}
			err = w.a.store.View(t.Context(), func(r store.Reader) error {
				lines, err := r.Releases(0, 1)
				if err != nil {
					return err
				}
				if v := lines[0]; v.Operator != w.kid || v.Role != role.String() || v.Proof != "photo" || v.Reason != "forgotten" || v.Patient != w.patient {
					t.Errorf("line %+v", v)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReleaseRefused(t *testing.T) {
	w := newWard(t, cvc.RoleNurse)
	workstation := newKey(t)
	if _, err := w.a.Enrol(t.Context(), requestOf(t, workstation), desk(12)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		author   *ecdsa.PrivateKey
		facility uint32
		change   func(*wire.ReleaseOrder)
		want     error
	}{
		"unknown key":       {newKey(t), 12, func(*wire.ReleaseOrder) {}, ErrForbidden},
		"a workstation":     {workstation, 12, func(*wire.ReleaseOrder) {}, ErrForbidden},
		"another clinic":    {w.author, 13, func(*wire.ReleaseOrder) {}, ErrForbidden},
		"order of another":  {w.author, 12, func(o *wire.ReleaseOrder) { o.Facility = 13 }, ErrForbidden},
		"old order":         {w.author, 12, func(o *wire.ReleaseOrder) { o.At -= 3600 }, ErrForbidden},
		"order of tomorrow": {w.author, 12, func(o *wire.ReleaseOrder) { o.At += 86400 }, ErrForbidden},
		"unknown patient":   {w.author, 12, func(o *wire.ReleaseOrder) { o.Patient[0] ^= 1 }, store.ErrNotFound},
		"unknown person":    {w.author, 12, func(o *wire.ReleaseOrder) { o.Person = 9 }, envelope.ErrPerson},
	} {
		t.Run(name, func(t *testing.T) {
			order := w.order()
			c.change(&order)
			if _, err := w.ask(t, c.author, order, c.facility); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	for range releasesAnHour {
		if _, err := w.ask(t, w.author, w.order(), 12); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.ask(t, w.author, w.order(), 12); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more than the hour's: %v", err)
	}
	if err := w.a.RevokeAuthor(t.Context(), w.kid, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ask(t, w.author, w.order(), 12); !errors.Is(err, ErrForbidden) {
		t.Errorf("revoked operator: %v", err)
	}
}
