package authority

import (
	"crypto/ecdsa"
	"errors"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func operatorRequest(t *testing.T, facility uint32, author, terminal *ecdsa.PrivateKey) *wire.OperatorRequest {
	t.Helper()
	req := &wire.OperatorRequest{Facility: facility, Name: "Dr Amal"}
	if err := req.Sign(author, terminal); err != nil {
		t.Fatal(err)
	}
	return req
}

func TestEnrolOperator(t *testing.T) {
	a, _ := newAuthority(t)
	workstation := newKey(t)
	if _, err := a.Enrol(t.Context(), requestOf(t, workstation), desk(12)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Enrol(t.Context(), requestOf(t, newKey(t)), desk(13)); err != nil {
		t.Fatal(err)
	}
	author, terminal := newKey(t), newKey(t)
	nurse := OperatorOptions{Role: cvc.RoleNurse, Rights: RightsOf(cvc.RoleNurse)}
	grant, err := a.EnrolOperator(t.Context(), operatorRequest(t, 12, author, terminal), nurse)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.Encode(grant); err != nil {
		t.Error(err)
	}
	var chain []*cvc.Certificate
	for _, raw := range grant.TerminalChain {
		cert, err := cvc.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, cert)
	}
	effective, err := cvc.VerifyChain(a.Anchor(), chain, cvc.DateOf(time.Now()))
	if err != nil || effective.Roles != cvc.RoleNurse || effective.Rights != cvc.RightAppend || !effective.Leaf.Public.Equal(&terminal.PublicKey) {
		t.Fatalf("chain ends in %+v, %v", effective, err)
	}
	key, err := a.Trust().Author(grant.AuthorKID, time.Now())
	if err != nil || key.Usage != trust.UsageOperator || key.Name != "Clinic / Dr Amal" || key.Facility != 12 {
		t.Fatalf("trust list has %+v, %v", key, err)
	}

	for name, c := range map[string]struct {
		spoil func(*wire.OperatorRequest, *OperatorOptions)
		want  error
	}{
		"proof of the author key":   {func(r *wire.OperatorRequest, _ *OperatorOptions) { r.AuthorProof[5] ^= 1 }, wire.ErrProof},
		"proof of the terminal key": {func(r *wire.OperatorRequest, _ *OperatorOptions) { r.TerminalProof[5] ^= 1 }, wire.ErrProof},
		"name after signing":        {func(r *wire.OperatorRequest, _ *OperatorOptions) { r.Name = "Dr Other" }, wire.ErrProof},
		"facility after signing":    {func(r *wire.OperatorRequest, _ *OperatorOptions) { r.Facility = 13 }, wire.ErrProof},
		"two roles":                 {func(_ *wire.OperatorRequest, o *OperatorOptions) { o.Role |= cvc.RolePhysician }, ErrRequest},
		"no role":                   {func(_ *wire.OperatorRequest, o *OperatorOptions) { o.Role = 0 }, ErrRequest},
		"issuer in a clinic":        {func(_ *wire.OperatorRequest, o *OperatorOptions) { o.Role = cvc.RoleIssuer }, ErrRequest},
		"unknown right":             {func(_ *wire.OperatorRequest, o *OperatorOptions) { o.Rights = 1 << 9 }, ErrRequest},
		"too long":                  {func(_ *wire.OperatorRequest, o *OperatorOptions) { o.Validity = 4 * 366 * 24 * time.Hour }, ErrRequest},
	} {
		t.Run(name, func(t *testing.T) {
			bad, opts := operatorRequest(t, 12, newKey(t), newKey(t)), nurse
			c.spoil(bad, &opts)
			if _, err := a.EnrolOperator(t.Context(), bad, opts); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	t.Run("unknown facility", func(t *testing.T) {
		if _, err := a.EnrolOperator(t.Context(), operatorRequest(t, 77, newKey(t), newKey(t)), nurse); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("another facility's operator", func(t *testing.T) {
		if _, err := a.EnrolOperator(t.Context(), operatorRequest(t, 13, author, terminal), nurse); !errors.Is(err, ErrConflict) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a workstation's key", func(t *testing.T) {
		if _, err := a.EnrolOperator(t.Context(), operatorRequest(t, 12, workstation, newKey(t)), nurse); !errors.Is(err, ErrConflict) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("renewal", func(t *testing.T) {
		later := nurse
		later.Role, later.Validity = cvc.RolePhysician, 200*24*time.Hour
		again, err := a.EnrolOperator(t.Context(), operatorRequest(t, 12, author, terminal), later)
		if err != nil {
			t.Fatal(err)
		}
		key, err := a.Trust().Author(again.AuthorKID, time.Now().Add(150*24*time.Hour))
		if err != nil || again.AuthorKID != grant.AuthorKID {
			t.Fatalf("key %+v after the renewal, %v", key, err)
		}
	})
	t.Run("revoked", func(t *testing.T) {
		if err := a.RevokeAuthor(t.Context(), grant.AuthorKID, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Trust().Author(grant.AuthorKID, time.Now().Add(time.Minute)); !errors.Is(err, trust.ErrKeyRevoked) {
			t.Errorf("author after the revocation: %v", err)
		}
		if _, err := a.EnrolOperator(t.Context(), operatorRequest(t, 12, author, terminal), nurse); !errors.Is(err, ErrRevoked) {
			t.Errorf("renewal after the revocation: %v", err)
		}
	})
	t.Run("with the facility", func(t *testing.T) {
		other, err := a.EnrolOperator(t.Context(), operatorRequest(t, 12, newKey(t), newKey(t)), nurse)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.RevokeFacility(t.Context(), 12, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Trust().Author(other.AuthorKID, time.Now().Add(time.Minute)); !errors.Is(err, trust.ErrKeyRevoked) {
			t.Errorf("author after the revocation: %v", err)
		}
		err = a.store.View(t.Context(), func(r store.Reader) error {
			op, err := r.Operator(other.AuthorKID)
			if err == nil && op.Revoked.IsZero() {
				t.Error("the registry does not know that the operator is revoked")
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
