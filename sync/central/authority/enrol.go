package authority

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// MaxFacility is the largest number of a facility: eight decimal digits, as
// its certificate's name holds them.
const MaxFacility = 99_999_999

// EnrolOptions is what the administrator decides about a workstation.
type EnrolOptions struct {
	Facility     uint32        // 1..MaxFacility; a known facility gets one more workstation, 0 makes a new one
	Role         cvc.Roles     // exactly one; RoleIssuer makes the facility a personalisation station
	Rights       cvc.Rights    // of the terminal certificate
	Validity     time.Duration // of all its certificates, a year when zero
	Name         string        // shown for the workstation; that of the request when empty
	FacilityName string        // shown for the facility; that of the request when empty
}

// clinicRights are the rights that a facility, and so its workstations, can
// have. To sign receipts for logs is the centre's own.
const clinicRights = cvc.AllRights &^ cvc.RightReceipt

// RightsOf returns the rights that go with a role unless the
// administrator decides otherwise.
func RightsOf(role cvc.Roles) cvc.Rights {
	switch role {
	case cvc.RolePhysician:
		return cvc.RightAppend | cvc.RightWriteSummary
	case cvc.RoleNurse, cvc.RolePharmacist, cvc.RoleLaboratory, cvc.RoleEmergency, cvc.RoleReceptionist:
		return cvc.RightAppend
	case cvc.RoleIssuer:
		return clinicRights
	default:
		return 0
	}
}

// enrolment is an EnrolRequest on its way to the grant.
type enrolment struct {
	opts      EnrolOptions
	fresh     bool // the facility is a new one
	keys      wire.EnrolKeys
	role      string // of the facility
	now       time.Time
	until     time.Time
	author    trust.Key
	tlsKey    [32]byte
	facility  *cvc.Certificate
	terminal  *cvc.Certificate
	tlsCert   []byte
	trustList store.List
}

// Enrol checks the request's proofs, issues the certificates of its keys and
// adds its author key to the trust list. It owes wire.ErrProof,
// wire.ErrMalformed, ErrRequest, ErrKIDCollision, ErrRevoked for a facility
// that is revoked, and ErrConflict for a key that is enrolled already or a
// facility of another role.
func (a *Authority) Enrol(ctx context.Context, req *wire.EnrolRequest, opts EnrolOptions) (*wire.EnrolGrant, error) {
	e := &enrolment{opts: opts, now: time.Now()}
	for _, step := range []struct {
		name string
		run  func(context.Context, *enrolment) error
	}{
		{"check options", func(_ context.Context, e *enrolment) error { return e.check(req) }},
		{"check proofs", func(_ context.Context, e *enrolment) (err error) {
			e.keys, err = req.Verify()
			return err
		}},
		{"look up facility", a.checkFacility},
		{"certify terminal", a.certifyTerminal},
		{"certify tls key", a.certifyTLS},
		{"add to trust list", a.enter},
	} {
		if err := step.run(ctx, e); err != nil {
			return nil, fmt.Errorf("enrol workstation: %s: %w", step.name, err)
		}
	}
	return a.grant(ctx, e)
}

func (e *enrolment) check(req *wire.EnrolRequest) error {
	if e.opts.Name == "" {
		e.opts.Name = req.Name
	}
	if e.opts.FacilityName == "" {
		e.opts.FacilityName = req.FacilityName
	}
	if e.opts.Validity == 0 {
		e.opts.Validity = 365 * 24 * time.Hour
	}
	switch {
	case e.opts.Facility > MaxFacility:
		return fmt.Errorf("facility number: must be 1 to %d: %w", MaxFacility, ErrRequest)
	case e.opts.Role != cvc.RoleReceptionist && e.opts.Role != cvc.RoleIssuer:
		return fmt.Errorf("role: a workstation alone is a receptionist's or an issuer's: %w", ErrRequest)
	case !clinicRights.Has(e.opts.Rights):
		return fmt.Errorf("rights: not those of a workstation: %w", ErrRequest)
	case e.opts.Validity < time.Hour || e.opts.Validity > maxValidity:
		return fmt.Errorf("validity: must be an hour to three years: %w", ErrRequest)
	case len(e.opts.Name) > wire.MaxName || len(e.opts.FacilityName) > wire.MaxName:
		return fmt.Errorf("name: at most %d bytes: %w", wire.MaxName, ErrRequest)
	}
	e.role = wire.RoleClinic
	if e.opts.Role == cvc.RoleIssuer {
		e.role = wire.RoleIssuer
	}
	e.until = e.now.Add(e.opts.Validity)
	return nil
}

// checkFacility gives a new facility the number behind the largest, and
// refuses early what enter would refuse.
func (a *Authority) checkFacility(ctx context.Context, e *enrolment) error {
	return a.store.View(ctx, func(r store.Reader) error {
		if e.opts.Facility == 0 {
			all, err := r.Facilities()
			if err != nil {
				return err
			}
			e.fresh, e.opts.Facility = true, 1
			if n := len(all); n > 0 {
				e.opts.Facility = all[n-1].Number + 1
			}
			if e.opts.Facility > MaxFacility {
				return fmt.Errorf("no facility number is left behind the largest: %w", ErrRequest)
			}
		}
		_, err := e.known(r)
		return err
	})
}

// known returns the facility if there is one already.
func (e *enrolment) known(r store.Reader) (known bool, err error) {
	f, err := r.Facility(e.opts.Facility)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case e.fresh:
		return true, fmt.Errorf("facility %d was enrolled meanwhile: %w", f.Number, ErrConflict)
	case !f.Revoked.IsZero():
		return true, fmt.Errorf("facility %d: %w", f.Number, ErrRevoked)
	case f.Role != e.role:
		return true, fmt.Errorf("facility %d has role %s: %w", f.Number, f.Role, ErrConflict)
	}
	return true, nil
}

// facilitySigner returns the facility's key, which the centre keeps and makes
// when the facility's first workstation is enrolled.
func (a *Authority) facilitySigner(number uint32) (crypto.Signer, error) {
	return a.keys.EnsureSigner(fmt.Sprintf("%s%d", keyFacility, number))
}

func (a *Authority) certifyTerminal(_ context.Context, e *enrolment) error {
	var signer crypto.Signer
	var err error
	if e.facility, signer, err = a.certifyFacility(e.opts.Facility, e.role, e.now, e.until); err != nil {
		return err
	}
	kid := trust.KIDOf(e.keys.Terminal)
	e.terminal, err = cvc.Issue(cvc.Template{
		CHR: fmt.Sprintf("IQT%08X00001", kid[:]), Public: e.keys.Terminal, Kind: cvc.KindTerminal,
		Roles: e.opts.Role, Rights: e.opts.Rights, From: cvc.DateOf(e.now), To: cvc.DateOf(e.until),
	}, e.facility, signer)
	return err
}

// certifyFacility issues a facility's certificate and returns the key that
// issues under it.
func (a *Authority) certifyFacility(number uint32, role string, from, until time.Time) (*cvc.Certificate, crypto.Signer, error) {
	signer, err := a.facilitySigner(number)
	if err != nil {
		return nil, nil, err
	}
	pub, err := publicOf(signer)
	if err != nil {
		return nil, nil, err
	}
	under := a.newest()
	cert, err := cvc.Issue(cvc.Template{
		CHR: fmt.Sprintf("IQF%08d00001", number), Public: pub, Kind: cvc.KindFacility,
		Roles: RolesOf(role), Rights: clinicRights, From: cvc.DateOf(from), To: cvc.DateOf(until),
	}, under.cert, under.signer)
	return cert, signer, err
}

func (a *Authority) certifyTLS(_ context.Context, e *enrolment) (err error) {
	if e.tlsKey, err = tlsKeyID(e.keys.TLS); err != nil {
		return err
	}
	e.tlsCert, err = a.clientCertificate(e.keys.TLS, e.opts.Facility, e.role, e.now, e.until)
	return err
}

// enter adds the author key to the trust list and the workstation to the
// registry, both or neither.
func (a *Authority) enter(ctx context.Context, e *enrolment) error {
	kid := trust.KIDOf(e.keys.Author)
	e.author = trust.Key{
		KID: kid, Public: e.keys.Author, Usage: trust.UsageAuthor, Facility: e.opts.Facility,
		Name: authorName(e.opts.FacilityName, e.opts.Name), NotBefore: e.now.Add(-clockSlack), NotAfter: e.until,
	}
	if e.opts.Role == cvc.RoleIssuer {
		// A personalisation station signs an imported history under the times of
		// its visits, which are older than the station; the centre takes them in
		// only with a new card (Dates).
		e.author.NotBefore = record.Epoch
	}
	var err error
	e.trustList, err = a.changeTrust(ctx, func(list *trust.List) error {
		for _, k := range list.Keys {
			if k.KID == kid {
				return collision(&k, e.keys.Author)
			}
		}
		list.Keys = append(list.Keys, e.author)
		return nil
	}, func(w store.Writer) error {
		known, err := e.known(w)
		if err != nil {
			return err
		}
		if !known {
			err := w.PutFacility(store.Facility{Number: e.opts.Facility, Name: e.opts.FacilityName, Role: e.role, Created: e.now})
			if err != nil {
				return err
			}
		}
		return stored(w.AddWorkstation(store.Workstation{
			TLSKey: e.tlsKey, Author: kid, Facility: e.opts.Facility, Name: e.opts.Name,
			Role: e.opts.Role.String(), Created: e.now, Expires: e.until,
		}), "workstation")
	})
	return err
}

func collision(k *trust.Key, author *ecdsa.PublicKey) error {
	if k.Public.Equal(author) {
		return fmt.Errorf("author key is enrolled: %w", ErrConflict)
	}
	return ErrKIDCollision
}

func (a *Authority) grant(ctx context.Context, e *enrolment) (*wire.EnrolGrant, error) {
	block, err := a.list(ctx, wire.ListBlock)
	if err != nil {
		return nil, fmt.Errorf("enrol workstation: %w", err)
	}
	root, err := a.rootKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("enrol workstation: %w", err)
	}
	anchor, chain := a.links(e.now)
	return &wire.EnrolGrant{
		Facility: e.opts.Facility, AuthorKID: e.author.KID, TLSCert: e.tlsCert, TLSCA: a.ca.Raw,
		TerminalChain: append(chain, e.facility.Raw, e.terminal.Raw), Anchor: anchor.Raw, Root: [65]byte(root),
		Trust: e.trustList.Raw, Block: block.Raw, CentreURL: a.config.URL, CentreName: a.config.Name,
	}, nil
}
