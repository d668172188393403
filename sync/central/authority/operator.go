package authority

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// operatorValidity is how long an operator's certificate is valid unless the
// administrator decides otherwise: cards cannot know who was revoked.
const operatorValidity = 90 * 24 * time.Hour

// OperatorOptions is what the administrator decides about an operator.
type OperatorOptions struct {
	Role     cvc.Roles     // exactly one of those that the facility may have
	Rights   cvc.Rights    // of the terminal certificate
	Validity time.Duration // 90 days when zero
	Name     string        // that of the request when empty
}

// RolesOf returns the roles that the operators of a facility may have.
func RolesOf(facilityRole string) cvc.Roles {
	if facilityRole == wire.RoleIssuer {
		return cvc.RoleIssuer
	}
	return cvc.AllRoles &^ cvc.RoleIssuer
}

// EnrolOperator checks the request's proofs, certifies the operator's terminal
// key and adds the author key to the trust list. A known operator's enrolment
// is renewed. It owes wire.ErrProof, wire.ErrMalformed, store.ErrNotFound for a
// facility that the centre does not know, ErrRevoked for one that is revoked or
// an operator who is, ErrRequest for a role that the facility may not have,
// ErrKIDCollision, and ErrConflict for a key that is someone else's.
func (a *Authority) EnrolOperator(ctx context.Context, req *wire.OperatorRequest, opts OperatorOptions) (*wire.OperatorGrant, error) {
	grant, err := a.enrolOperator(ctx, req, opts)
	if err != nil {
		return nil, fmt.Errorf("enrol operator: %w", err)
	}
	return grant, nil
}

func (a *Authority) enrolOperator(ctx context.Context, req *wire.OperatorRequest, opts OperatorOptions) (*wire.OperatorGrant, error) {
	if opts.Name == "" {
		opts.Name = req.Name
	}
	if opts.Validity == 0 {
		opts.Validity = operatorValidity
	}
	switch {
	case !opts.Role.Single():
		return nil, fmt.Errorf("role: must be exactly one: %w", ErrRequest)
	case !clinicRights.Has(opts.Rights):
		return nil, fmt.Errorf("rights: not those of an operator: %w", ErrRequest)
	case opts.Validity < time.Hour || opts.Validity > maxValidity:
		return nil, fmt.Errorf("validity: must be an hour to three years: %w", ErrRequest)
	case len(opts.Name) > wire.MaxName:
		return nil, fmt.Errorf("name: at most %d bytes: %w", wire.MaxName, ErrRequest)
	}
	author, terminal, err := req.Verify()
	if err != nil {
		return nil, err
	}
	facility, err := a.facilityFor(ctx, req.Facility, opts.Role)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	until := now.Add(opts.Validity)
	chain, err := a.operatorChain(facility, terminal, opts, now, until)
	if err != nil {
		return nil, err
	}
	kid := trust.KIDOf(author)
	list, err := a.changeTrust(ctx, func(list *trust.List) error {
		return listOperator(list, author, trust.Key{
			KID: kid, Public: author, Usage: trust.UsageOperator, Facility: facility.Number,
			Name: authorName(facility.Name, opts.Name), NotBefore: now.Add(-clockSlack), NotAfter: until,
		})
	}, func(w store.Writer) error {
		op := store.Operator{
			Author: kid, Facility: facility.Number, Name: opts.Name, Role: opts.Role.String(), Created: now, Expires: until,
		}
		if known, err := w.Operator(kid); err == nil {
			op.Created = known.Created
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return w.PutOperator(op)
	})
	if err != nil {
		return nil, err
	}
	anchor, links := a.links(now)
	return &wire.OperatorGrant{
		Facility: facility.Number, Name: opts.Name, AuthorKID: kid, TerminalChain: append(links, chain...),
		Trust: list.Raw, Anchor: anchor.Raw,
	}, nil
}

// facilityFor returns the facility of a request, if its operators may have the role.
func (a *Authority) facilityFor(ctx context.Context, number uint32, role cvc.Roles) (f store.Facility, err error) {
	err = a.store.View(ctx, func(r store.Reader) error {
		f, err = r.Facility(number)
		return err
	})
	switch {
	case err != nil:
		return f, fmt.Errorf("facility %d: %w", number, err)
	case !f.Revoked.IsZero():
		return f, fmt.Errorf("facility %d: %w", number, ErrRevoked)
	case !RolesOf(f.Role).Has(role):
		return f, fmt.Errorf("facility %d has nobody of role %s: %w", number, role, ErrRequest)
	}
	return f, nil
}

// operatorChain certifies the facility and, under it, the operator.
func (a *Authority) operatorChain(f store.Facility, terminal *ecdsa.PublicKey, opts OperatorOptions, from, until time.Time) ([][]byte, error) {
	above, signer, err := a.certifyFacility(f.Number, f.Role, from, until)
	if err != nil {
		return nil, err
	}
	kid := trust.KIDOf(terminal)
	leaf, err := cvc.Issue(cvc.Template{
		CHR: fmt.Sprintf("IQO%08X00001", kid[:]), Public: terminal, Kind: cvc.KindTerminal,
		Roles: opts.Role, Rights: opts.Rights, From: cvc.DateOf(from), To: cvc.DateOf(until),
	}, above, signer)
	if err != nil {
		return nil, err
	}
	return [][]byte{above.Raw, leaf.Raw}, nil
}

// listOperator adds an operator's key to the list, or gives it a new end.
func listOperator(list *trust.List, public *ecdsa.PublicKey, key trust.Key) error {
	for i := range list.Keys {
		k := &list.Keys[i]
		if k.KID != key.KID {
			continue
		}
		switch {
		case !k.Public.Equal(public):
			return ErrKIDCollision
		case k.Usage != trust.UsageOperator || k.Facility != key.Facility:
			return fmt.Errorf("author key is enrolled elsewhere: %w", ErrConflict)
		case !k.Revoked.IsZero():
			return fmt.Errorf("author key: %w", ErrRevoked)
		}
		k.Name, k.NotAfter = key.Name, key.NotAfter
		return nil
	}
	list.Keys = append(list.Keys, key)
	return nil
}

// authorName is what stands in the trust list, within its 255 bytes.
func authorName(facility, name string) string {
	if whole := facility + " / " + name; len(whole) <= 255 {
		return whole
	}
	return name
}
