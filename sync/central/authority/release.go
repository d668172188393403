package authority

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Bounds of the releases for visits without a card.
const (
	releaseLife    = 30 * time.Minute // a visit
	releasesAnHour = 12               // to one operator
	releasesADay   = 40
)

var (
	// ErrTooMany is returned for an operator who has asked too often.
	ErrTooMany = errors.New("too many releases")
	// ErrOrderUsed is returned for an order that has been answered.
	ErrOrderUsed = errors.New("order was answered before")
	// ErrForbidden is returned for an order by somebody who may not give it.
	ErrForbidden = errors.New("release is not allowed")
)

// releaseRoles says to which roles the key of a section is released, as a card
// would give it (docs/formats/card.md). The sensitive section needs the
// patient's own verification by the card, so that it is released to nobody.
var releaseRoles = [record.NumSections]cvc.Roles{
	record.SectionCoverage: cvc.RoleReceptionist | cvc.RoleNurse | cvc.RolePhysician | cvc.RolePharmacist | cvc.RoleLaboratory,
	record.SectionSummary:  cvc.RolePhysician | cvc.RoleNurse | cvc.RolePharmacist | cvc.RoleEmergency,

	record.SectionMedication: cvc.RolePharmacist | cvc.RolePhysician,
	record.SectionLaboratory: cvc.RoleLaboratory | cvc.RolePhysician,
	record.SectionClinical:   cvc.RoleNurse | cvc.RolePhysician,
}

// Release gives an operator one person's section keys for one visit without the
// card: those that the operator's role may have, sealed to the order's fresh
// key. A line is written before anything is returned. It owes
// wire.ErrMalformed, ErrForbidden for an order that is not of an enrolled
// operator of the station's facility, does not verify or is not of now,
// ErrOrderUsed, ErrTooMany, store.ErrNotFound for a patient whom the centre does not know and
// envelope.ErrPerson for a person whom the patient's cards do not carry.
func (a *Authority) Release(ctx context.Context, station Station, req *wire.ReleaseRequest) (*wire.ReleaseAnswer, error) {
	answer, err := a.releaseFor(ctx, station, req, time.Now())
	if err != nil {
		return nil, fmt.Errorf("release keys: %w", err)
	}
	return answer, nil
}

func (a *Authority) releaseFor(ctx context.Context, station Station, req *wire.ReleaseRequest, now time.Time) (*wire.ReleaseAnswer, error) {
	order, signed, err := req.Parse()
	if err != nil {
		return nil, err
	}
	kid := [4]byte(signed.KID)
	key, err := a.trust.Author(kid, now)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrForbidden, err)
	case key.Usage != trust.UsageOperator || key.Facility != station.Facility || order.Facility != station.Facility:
		return nil, fmt.Errorf("key %x at facility %d: %w", kid, station.Facility, ErrForbidden)
	case signed.Verify(key.Public, wire.ReleaseAAD()) != nil:
		return nil, fmt.Errorf("signature of key %x: %w", kid, ErrForbidden)
	}
	at := time.Unix(int64(min(order.At, 1<<40)), 0) // #nosec G115 -- bounded
	if off := now.Sub(at); off > wire.ReleaseSkew || off < -wire.ReleaseSkew {
		return nil, fmt.Errorf("order of %s: %w", at.UTC().Format(time.RFC3339), ErrForbidden)
	}
	var (
		release *wire.Release
		role    cvc.Roles
	)
	err = a.store.Update(ctx, func(w store.Writer) error {
		if role, err = releaseRole(w, kid, now); err != nil {
			return err
		}
		if release, err = a.releasePatient(w, order, role, now); err != nil {
			return err
		}
		return w.AddRelease(store.Release{
			At: now, Facility: station.Facility, Author: station.Author, Patient: order.Patient,
			Operator: kid, Role: role.String(), Proof: order.Proof, Reason: order.Reason,
			Order: sha256.Sum256(signed.Payload),
		})
	})
	if errors.Is(err, store.ErrExists) {
		return nil, fmt.Errorf("key %x: %w", kid, ErrOrderUsed)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, key := range release.Keys {
			clear(key)
		}
	}()
	return wire.SealRelease(req, order, release, role.String(), now.Add(releaseLife))
}

// releaseRole returns the role of an operator who may have another release.
func releaseRole(w store.Writer, kid [4]byte, now time.Time) (cvc.Roles, error) {
	op, err := w.Operator(kid)
	if errors.Is(err, store.ErrNotFound) || err == nil && (!op.Revoked.IsZero() || now.After(op.Expires)) {
		return 0, fmt.Errorf("operator of key %x: %w", kid, ErrForbidden)
	}
	if err != nil {
		return 0, err
	}
	for _, bound := range []struct {
		since time.Duration
		most  int
	}{{time.Hour, releasesAnHour}, {24 * time.Hour, releasesADay}} {
		n, err := w.ReleasesTo(kid, now.Add(-bound.since))
		if err != nil {
			return 0, err
		}
		if n >= bound.most {
			return 0, fmt.Errorf("%d within %v to the operator of key %x: %w", n, bound.since, kid, ErrTooMany)
		}
	}
	return cvc.ParseRole(op.Role)
}

// releasePatient gathers what a role may have of one person.
func (a *Authority) releasePatient(r store.Reader, order *wire.ReleaseOrder, role cvc.Roles, now time.Time) (*wire.Release, error) {
	patient, err := r.Patient(order.Patient)
	if err != nil {
		return nil, err
	}
	p, err := a.opened(patient)
	if err != nil {
		return nil, err
	}
	defer p.roots.Wipe()
	_, keys, err := p.keys(order.Person)
	if err != nil {
		return nil, err
	}
	defer keys.Wipe()
	out := &wire.Release{Subjects: patient.Subjects}
	for i, s := range record.AllSections() {
		if releaseRoles[s]&role != 0 {
			out.Keys[i], _ = keys.Get(s)
		}
	}
	if out.Identity, out.Cover, err = a.Content(patient); err != nil {
		return nil, err
	}
	cards, err := r.CardsOf(order.Patient)
	for _, c := range cards {
		if c.Blocked.IsZero() && now.Before(c.NotAfter) {
			out.Card = c.ID
		}
	}
	return out, err
}
