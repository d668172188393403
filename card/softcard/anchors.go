package softcard

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// The card trusts one anchor, or two while a new one takes the place of the
// old: they lie in one cell, the newest first, so that a cut leaves both old
// or both new.
//
//	7F21 newest | [7F21 the one before]
const (
	maxAnchors  = 2
	anchorsSize = maxAnchors * cvc.MaxSize
)

// parseAnchors reads what encodeAnchors wrote. It owes cvc.ErrFormat.
func parseAnchors(raw []byte) ([]*cvc.Certificate, error) {
	var anchors []*cvc.Certificate
	for len(raw) > 0 && len(anchors) < maxAnchors {
		first, rest, err := cvc.Cut(raw)
		if err != nil {
			return nil, err
		}
		if first.Kind != cvc.KindAnchor {
			return nil, fmt.Errorf("%s of a %s: %w", first.CHR, first.Kind, cvc.ErrFormat)
		}
		anchors, raw = append(anchors, first), rest
	}
	if len(raw) > 0 || len(anchors) == 0 {
		return nil, fmt.Errorf("%d anchors and %d bytes: %w", len(anchors), len(raw), cvc.ErrFormat)
	}
	return anchors, nil
}

// setAnchors replaces the anchors.
func (c *Card) setAnchors(anchors []*cvc.Certificate) error {
	var raw []byte
	for _, a := range anchors {
		raw = append(raw, a.Raw...)
	}
	if err := mem.trust.put(&c.nvm, raw); err != nil {
		return err
	}
	c.state.anchors = anchors
	return nil
}

// living drops the older anchor once its days are over. The newest stays: a
// link that it has signed is the only way to another one.
func living(anchors []*cvc.Certificate, date cvc.Date) []*cvc.Certificate {
	if n := len(anchors); n > 1 && anchors[n-1].To.Before(date) {
		return anchors[:n-1]
	}
	return anchors
}

// anchor returns the anchor of a name, nil when the card trusts none such.
func (s *state) anchor(chr string) *cvc.Certificate {
	i := slices.IndexFunc(s.anchors, func(a *cvc.Certificate) bool { return a.CHR == chr })
	if i < 0 {
		return nil
	}
	return s.anchors[i]
}

// relink takes over the anchor of a link certificate. The newest anchor alone
// may name the next one: whoever holds the key of one that was replaced, stolen
// perhaps, cannot push its successor out.
func (c *Card) relink(from, link *cvc.Certificate) (cvc.Effective, error) {
	s := &c.state
	if len(s.anchors) == 0 || from != s.anchors[0] || s.anchor(link.CHR) != nil {
		return cvc.Effective{}, refuse(apdu.SWSecurityStatus)
	}
	next, err := cvc.Relink(from, link, s.date)
	if err != nil {
		return cvc.Effective{}, refuse(apdu.SWSecurityStatus)
	}
	return next, c.setAnchors([]*cvc.Certificate{link, from})
}

// forward moves the card's date to the first day of a certificate that an
// anchor has signed, if that is later. No other certificate moves it: whoever
// steals a facility's key could else put the date decades ahead, and no honest
// certificate would be good on that card ever after.
func (c *Card) forward(to cvc.Date) error {
	if !c.state.date.Before(to) {
		return nil
	}
	if err := c.setDate(to); err != nil {
		return err
	}
	if left := living(c.state.anchors, to); len(left) < len(c.state.anchors) {
		return c.setAnchors(left)
	}
	return nil
}

// putAnchor is PUT DATA of a trust anchor on a card that is being personalised:
// a self-signed one alone, or a link to one more. The first day of the
// self-signed one is the card's date until another is set.
func (c *Card) putAnchor(raw []byte) error {
	anchor, err := cvc.Parse(bytes.Clone(raw))
	if err != nil {
		return refuse(apdu.SWWrongData)
	}
	c.meter.crypto(timeVerify)
	if anchor.Link() {
		from := c.state.anchor(anchor.CAR)
		if from == nil {
			return refuse(apdu.SWReferenceNotFound)
		}
		_, err := c.relink(from, anchor)
		return err
	}
	if _, err := cvc.Start(anchor); err != nil {
		return refuse(apdu.SWWrongData)
	}
	if err := c.setAnchors([]*cvc.Certificate{anchor}); err != nil {
		return err
	}
	if mem.date.get(&c.nvm) == nil {
		c.state.date = anchor.From
	}
	return nil
}
