package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/stripe"
	"github.com/dhamani-iq/dhamani/crypto/claim"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
)

// Found is a patient whom a lookup names: enough to call them and to choose
// among several, and nothing of their record.
type Found struct {
	Patient record.PatientID `json:"patient"`
	Card    card.ID          `json:"card"`
	Names   record.Names     `json:"names"`
	Sex     record.Sex       `json:"sex"`
	Born    record.Moment    `json:"born,omitzero"`
	Read    time.Time        `json:"read"`              // when the card was last here
	Blocked bool             `json:"blocked,omitempty"` // the card is on the block list
}

// Claimed is what a good claim in a QR code says, and who stands for it.
type Claimed struct {
	Patient  record.PatientID `json:"patient"`
	Card     card.ID          `json:"card"`
	Identity *record.Identity `json:"identity"`
	Cover    *record.Cover    `json:"cover,omitempty"`
	Issued   time.Time        `json:"issued"`
	Expires  time.Time        `json:"expires"`
	Author   string           `json:"author"`
	Facility uint32           `json:"facility"`
}

// Claim checks a claim against the newest lists that the workstation has. It
// owes the errors of claim.Verify; those about its author wrap ErrClaimAuthor.
func (a *Agent) Claim(text string) (Claimed, error) {
	c, author, err := claim.Verify(a.cfg.Trust, text, time.Now())
	for _, about := range []error{trust.ErrUnknownKey, trust.ErrKeyRevoked, trust.ErrKeyExpired} {
		if errors.Is(err, about) {
			return Claimed{}, fmt.Errorf("%w: %w", ErrClaimAuthor, err)
		}
	}
	if err != nil {
		return Claimed{}, err
	}
	return Claimed{
		Patient: c.Patient, Card: c.Card, Identity: c.Identity, Cover: c.Cover, Issued: c.Issued, Expires: c.Expires,
		Author: author.Name, Facility: author.Facility,
	}, nil
}

// maxFound bounds the answer of a lookup.
const maxFound = 20

// Lookup reads a line as a magnetic stripe reader types it, or a member's
// number, and returns the patients of that number whose cards were read here,
// the last one first. A stripe proves nothing, so no part of the record is
// opened by it. It owes the errors of stripe.Parse and of the cache.
func (a *Agent) Lookup(ctx context.Context, line string) ([]Found, error) {
	number, err := stripe.Parse(line)
	if err != nil {
		return nil, err
	}
	newest := make(map[record.PatientID]Found)
	err = a.cfg.Cache.EachCard(func(c cache.CardState) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if found, ok := answers(a.cfg.Trust, c, number); ok && !found.Read.Before(newest[found.Patient].Read) {
			newest[found.Patient] = found
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]Found, 0, len(newest))
	for _, f := range newest {
		out = append(out, f)
	}
	slices.SortFunc(out, func(x, y Found) int { return y.Read.Compare(x.Read) })
	return out[:min(len(out), maxFound)], nil
}

// answers tells whether a card in the cache is of the member with this number. A
// card whose identity no longer checks is not: its issuer was revoked, say.
func answers(t *trust.Store, c cache.CardState, number stripe.Number) (Found, bool) {
	file, err := t.Identity(c.IDFile)
	if err != nil || len(file.Cover) == 0 {
		return Found{}, false
	}
	cover, err := record.DecodeCover(file.Cover)
	if err != nil || !number.Names(cover.Member) {
		return Found{}, false
	}
	id, err := record.DecodeIdentity(file.Identity)
	if err != nil {
		return Found{}, false
	}
	return Found{
		Patient: c.Patient, Card: file.Card, Names: id.Names, Sex: id.Sex, Born: id.Born,
		Read: c.Read, Blocked: t.Blocked(file.Card),
	}, true
}
