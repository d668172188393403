package cvc

import (
	"crypto"
	"fmt"
)

// Link reports whether the certificate is a link certificate (TR-03110 part 3,
// section 2.2): an anchor's, with its domain parameters, that the anchor
// before it has signed. Who trusts that one trusts this one too.
func (c *Certificate) Link() bool { return c.Kind == KindAnchor && !c.SelfSigned() }

// IssueLink makes the link certificate by which those who hold old accept
// next, an anchor that is there already and keeps its name, key and days. A
// link gives no more roles and rights than old has. signer is old's. It owes
// ErrIssuer and ErrFormat.
func IssueLink(next, old *Certificate, signer crypto.Signer) (*Certificate, error) {
	switch {
	case next.Kind != KindAnchor || old.Kind != KindAnchor:
		return nil, fmt.Errorf("link %s to %s: %s for %s: %w", next.CHR, old.CHR, old.Kind, next.Kind, ErrIssuer)
	case next.CHR == old.CHR:
		return nil, fmt.Errorf("link %s to itself: %w", next.CHR, ErrIssuer)
	}
	return sign(Template{
		CHR: next.CHR, Public: next.Public, Kind: KindAnchor,
		Roles: next.Roles & old.Roles, Rights: next.Rights & old.Rights, From: next.From, To: next.To,
	}, old.CHR, old.Public, signer)
}

// Relink checks a link certificate against an anchor that is trusted, be it
// self-signed or a link itself, and begins a chain at the new one. One that
// ended before date, begins before the old anchor did, or gives more than that
// has, is refused. It owes ErrIssuer, ErrSignature and ErrExpired.
func Relink(anchor, link *Certificate, date Date) (Effective, error) {
	if !link.Link() || anchor.Kind != KindAnchor || link.CAR != anchor.CHR ||
		!anchor.Roles.Has(link.Roles) || !anchor.Rights.Has(link.Rights) || link.From.Before(anchor.From) {
		return Effective{}, fmt.Errorf("link %s to %s: %w", link.CHR, anchor.CHR, ErrIssuer)
	}
	if err := link.checkSignature(anchor); err != nil {
		return Effective{}, err
	}
	if link.To.Before(date) {
		return Effective{}, fmt.Errorf("link %s to %s, ended %s: %w", link.CHR, anchor.CHR, link.To, ErrExpired)
	}
	return Effective{Leaf: link, Roles: link.Roles, Rights: link.Rights}, nil
}
