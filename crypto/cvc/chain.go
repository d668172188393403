package cvc

import (
	"fmt"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// Effective is the authority that a chain leaves to its last certificate: the
// roles and rights that every certificate of the chain grants.
type Effective struct {
	Leaf   *Certificate
	Roles  Roles
	Rights Rights
}

// Start begins a chain at a self-signed anchor. Its own signature is checked,
// though the trust in it comes from where it was kept. It owes ErrIssuer and
// ErrSignature.
func Start(anchor *Certificate) (Effective, error) {
	if anchor.Kind != KindAnchor || !anchor.SelfSigned() {
		return Effective{}, fmt.Errorf("start chain at %s: %w", anchor.CHR, ErrIssuer)
	}
	if err := anchor.checkSignature(anchor); err != nil {
		return Effective{}, err
	}
	return Effective{Leaf: anchor, Roles: anchor.Roles, Rights: anchor.Rights}, nil
}

// Extend checks one more certificate against the last one and returns the
// narrowed authority. A certificate that ended before date is refused; one
// that begins later is not, because the one who asks may be a card, which has
// no clock and learns the date from certificates. The zero date checks none.
// It owes ErrIssuer, ErrSignature and ErrExpired.
func (e Effective) Extend(child *Certificate, date Date) (Effective, error) {
	parent := e.Leaf
	if parent == nil || child.CAR != parent.CHR || !mayIssue(parent.Kind, child.Kind) {
		return Effective{}, fmt.Errorf("extend chain by %s: %w", child.CHR, ErrIssuer)
	}
	if err := child.checkSignature(parent); err != nil {
		return Effective{}, err
	}
	if child.To.Before(date) {
		return Effective{}, fmt.Errorf("extend chain by %s, ended %s: %w", child.CHR, child.To, ErrExpired)
	}
	return Effective{Leaf: child, Roles: e.Roles & child.Roles, Rights: e.Rights & child.Rights}, nil
}

// Terminal reports whether the chain ends at a terminal with exactly one
// role. It owes ErrAuthority.
func (e Effective) Terminal() error {
	if e.Leaf == nil || e.Leaf.Kind != KindTerminal || !e.Roles.Single() {
		return fmt.Errorf("roles %s: %w", e.Roles, ErrAuthority)
	}
	return nil
}

// VerifyChain checks the whole chain from anchor down to a terminal: links to
// newer anchors, if there are any, then the facility. It owes what Start,
// Relink, Extend and Terminal owe.
func VerifyChain(anchor *Certificate, chain []*Certificate, date Date) (Effective, error) {
	e, err := Start(anchor)
	if err != nil {
		return Effective{}, err
	}
	for _, c := range chain {
		if c.Link() {
			e, err = Relink(e.Leaf, c, date)
		} else {
			e, err = e.Extend(c, date)
		}
		if err != nil {
			return Effective{}, err
		}
	}
	if err := e.Terminal(); err != nil {
		return Effective{}, err
	}
	return e, nil
}

func (c *Certificate) checkSignature(issuer *Certificate) error {
	if err := cose.VerifyES256(issuer.Public, c.body, c.signature); err != nil {
		return fmt.Errorf("certificate %s: %w", c.CHR, ErrSignature)
	}
	return nil
}
