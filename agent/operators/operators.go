// Package operators lets the people who work at a workstation sign in at its
// agent: their credentials (crypto/operator), what the centre has granted to
// them, and both together as agent.Operator.
package operators

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/operator"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Operators are the people who may sign in at a workstation.
type Operators struct {
	home    *home.Home
	store   *operator.Store
	readers Readers // nil: without PIV cards
}

var _ agent.Operators = (*Operators)(nil)

// Of returns the operators of a workstation.
func Of(h *home.Home) *Operators {
	return &Operators{home: h, store: operator.Open(filepath.Join(h.Dir, "operators"))}
}

// Request makes an operator's keys, sealed under a passphrase, and returns the
// request that the centre answers with a grant. It owes fs.ErrExist,
// operator.ErrID and operator.ErrWeak.
func (o *Operators) Request(id, name string, passphrase redact.String) ([]byte, error) {
	_, keys, err := o.store.New(id, name, passphrase.Reveal())
	if err != nil {
		return nil, err
	}
	return o.request(name, keys)
}

// Renew returns a new request for the keys that an operator has. It owes what
// Open owes for the secret.
func (o *Operators) Renew(ctx context.Context, id string, secret redact.String) ([]byte, error) {
	c, err := o.store.Get(id)
	if err != nil {
		return nil, err
	}
	u, err := o.unlock(ctx, c, secret)
	if err != nil {
		return nil, err
	}
	defer u.end()
	return o.request(c.Name, u.Keys)
}

// unlocked are an operator's keys in use.
type unlocked struct {
	*operator.Keys
	reader string // of the PIV card
	close  func() // may be nil
}

func (u *unlocked) end() {
	if u.close != nil {
		u.close()
	}
}

// unlock opens a credential by its passphrase, or by the PIN of its card.
func (o *Operators) unlock(ctx context.Context, c *operator.Credential, secret redact.String) (*unlocked, error) {
	if c.Kind == operator.KindPIV {
		return o.unlockPIV(ctx, c, secret)
	}
	keys, err := o.store.Unlock(c.ID, secret.Reveal())
	if err != nil {
		return nil, err
	}
	return &unlocked{Keys: keys}, nil
}

func (o *Operators) request(name string, keys *operator.Keys) ([]byte, error) {
	request := &wire.OperatorRequest{Facility: o.home.Grant.Facility, Name: name}
	if err := request.Sign(keys.Author, keys.Terminal); err != nil {
		return nil, err
	}
	raw, err := wire.Encode(request)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return raw, nil
}

// Accept puts the centre's grant to the operator whose keys it is for. It owes
// home.ErrGrant when nobody here has them.
func (o *Operators) Accept(raw []byte) (agent.OperatorRef, error) {
	all, err := o.store.List()
	if err != nil {
		return agent.OperatorRef{}, err
	}
	for _, c := range all {
		granted := *c
		granted.Grant = raw
		g, err := o.granted(&granted)
		if errors.Is(err, home.ErrGrant) {
			continue
		}
		if err != nil {
			return agent.OperatorRef{}, err
		}
		return g.ref(c), o.store.SetGrant(c.ID, raw)
	}
	return agent.OperatorRef{}, fmt.Errorf("grant for an operator: %w", home.ErrGrant)
}

// granted is an operator's grant, checked.
type granted struct {
	*wire.OperatorGrant
	role    string
	expires time.Time
}

// granted checks a grant against the operator's keys. Whether its anchor counts
// is for the cards to say. It
// owes home.ErrGrant, wire.ErrMalformed and operator.ErrNotGranted.
func (o *Operators) granted(c *operator.Credential) (granted, error) {
	if len(c.Grant) == 0 {
		return granted{}, fmt.Errorf("operator %s: %w", c.ID, operator.ErrNotGranted)
	}
	g := granted{OperatorGrant: new(wire.OperatorGrant)}
	if err := wire.Decode(c.Grant, g.OperatorGrant); err != nil {
		return granted{}, fmt.Errorf("read grant: %w", err)
	}
	author, terminal, err := c.PublicKeys()
	if err != nil {
		return granted{}, err
	}
	if g.Facility != o.home.Grant.Facility || g.AuthorKID != trust.KIDOf(author) {
		return granted{}, fmt.Errorf("operator %s: %w", c.ID, home.ErrGrant)
	}
	return g, g.readChain(terminal)
}

// readChain takes role and end from the certificates.
func (g *granted) readChain(terminal *ecdsa.PublicKey) error {
	anchor, err := cvc.Parse(g.Anchor)
	if err != nil {
		return fmt.Errorf("anchor of the grant: %w", err)
	}
	chain := make([]*cvc.Certificate, len(g.TerminalChain))
	for i, raw := range g.TerminalChain {
		if chain[i], err = cvc.Parse(raw); err != nil {
			return fmt.Errorf("operator's certificate: %w", err)
		}
	}
	effective, err := cvc.VerifyChain(anchor, chain, cvc.Date{}) // an end in the past is told later
	if err != nil {
		return fmt.Errorf("operator's certificates: %w: %w", home.ErrGrant, err)
	}
	if !effective.Leaf.Public.Equal(terminal) {
		return fmt.Errorf("operator's terminal key: %w", home.ErrGrant)
	}
	g.role, g.expires = effective.Roles.String(), effective.Leaf.To.Time().AddDate(0, 0, 1)
	return nil
}

func (g *granted) ref(c *operator.Credential) agent.OperatorRef {
	return agent.OperatorRef{ID: c.ID, Name: g.Name, Kind: c.Kind.String(), Role: g.role, Expires: g.expires}
}

// List implements agent.Operators. An operator without a grant has no role yet.
func (o *Operators) List() ([]agent.OperatorRef, error) {
	all, err := o.store.List()
	refs := make([]agent.OperatorRef, 0, len(all))
	for _, c := range all {
		ref := agent.OperatorRef{ID: c.ID, Name: c.Name, Kind: c.Kind.String()}
		if g, err := o.granted(c); err == nil {
			ref = g.ref(c)
		}
		refs = append(refs, ref)
	}
	return refs, err
}

// Open implements agent.Operators. For a PIV card it owes operator.ErrNoCard,
// piv.ErrPINBlocked and the errors of card.Transport as well.
func (o *Operators) Open(ctx context.Context, id string, secret redact.String) (agent.Operator, error) {
	c, err := o.store.Get(id)
	if err != nil {
		return agent.Operator{}, err
	}
	g, err := o.granted(c)
	if err != nil {
		return agent.Operator{}, err
	}
	if time.Now().After(g.expires) {
		return agent.Operator{}, fmt.Errorf("operator %s: %w", id, agent.ErrTerminalExpired)
	}
	u, err := o.unlock(ctx, c, secret)
	if err != nil {
		return agent.Operator{}, err
	}
	// The list may be newer than the workstation's; an older one changes nothing.
	if err := o.home.Trust.UpdateTrust(g.Trust); err != nil && !errors.Is(err, trust.ErrRollback) {
		u.end()
		return agent.Operator{}, fmt.Errorf("trust list of the grant: %w", err)
	}
	return agent.Operator{
		ID: c.ID, Name: g.Name, Role: g.role, Expires: g.expires, Vault: u.Vault,
		Terminal: card.Terminal{Chain: g.TerminalChain, Signer: u.Terminal},
		Author:   envelope.Author{KID: g.AuthorKID, Signer: u.Author},
		Reader:   u.reader, Close: u.close,
	}, nil
}

// ChangePassphrase owes what operator.Store.ChangePassphrase owes.
func (o *Operators) ChangePassphrase(id string, old, fresh redact.String) error {
	return o.store.ChangePassphrase(id, old.Reveal(), fresh.Reveal())
}

// Remove deletes an operator's credential. The centre still has to revoke it.
func (o *Operators) Remove(id string) error { return o.store.Remove(id) }
