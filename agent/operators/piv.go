package operators

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/piv"
	"github.com/dhamani-iq/dhamani/crypto/operator"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

// ErrManyCards is returned when nothing says which of several PIV cards is meant.
var ErrManyCards = errors.New("more than one piv card is in the readers")

// Readers are where PIV cards are looked for.
type Readers interface {
	// Free names the readers in which a card may be tried without disturbing
	// anybody. It owes what card.Readers.Connect owes of the service.
	Free(ctx context.Context) ([]string, error)
	// Connect is that of card.Readers.
	Connect(ctx context.Context, reader string) (card.Transport, error)
}

// In returns the operators with the readers in which their PIV cards are
// looked for.
func (o *Operators) In(readers Readers) *Operators {
	return &Operators{home: o.home, store: o.store, readers: readers}
}

// Only is one reader, which is tried whether it is free or not.
func Only(readers Readers, name string) Readers { return only{readers, name} }

type only struct {
	Readers
	name string
}

func (o only) Free(context.Context) ([]string, error) { return []string{o.name}, nil }

func (o *Operators) connect(reader string) piv.Connect {
	return func(ctx context.Context) (card.Transport, error) { return o.readers.Connect(ctx, reader) }
}

// found is a PIV card in a reader.
type found struct {
	reader string
	keys   piv.Keys
}

// find reads the keys of the PIV cards that are there. It owes operator.ErrNoCard
// when there is none, with what was wrong with those that might have been one.
func (o *Operators) find(ctx context.Context) ([]found, error) {
	if o.readers == nil {
		return nil, operator.ErrNoCard
	}
	names, err := o.readers.Free(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for piv cards: %w", err)
	}
	var out []found
	var problems []error
	for _, name := range names {
		keys, err := piv.ReadKeys(ctx, o.connect(name))
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil:
			out = append(out, found{name, *keys})
		case errors.Is(err, card.ErrNoCard), errors.Is(err, piv.ErrNotPIV):
		default:
			problems = append(problems, fmt.Errorf("reader %s: %w", name, err))
		}
	}
	if len(out) == 0 {
		return nil, errors.Join(append([]error{operator.ErrNoCard}, problems...)...)
	}
	return out, nil
}

// RequestPIV makes an operator of the keys in the one PIV card that is there,
// and returns the request that the centre answers with a grant: the key of slot
// 9C signs entries, that of 9A proves the operator to cards. It owes
// ErrManyCards, what Open owes, fs.ErrExist and operator.ErrID.
func (o *Operators) RequestPIV(ctx context.Context, id, name string, pin redact.String) ([]byte, error) {
	if err := operator.CheckID(id); err != nil {
		return nil, err
	}
	cards, err := o.find(ctx)
	if err != nil {
		return nil, err
	}
	if len(cards) > 1 {
		return nil, fmt.Errorf("readers %s and %s: %w", cards[0].reader, cards[1].reader, ErrManyCards)
	}
	u, err := o.use(ctx, cards[0], pin)
	if err != nil {
		return nil, err
	}
	defer u.end()
	raw, err := o.request(name, u.Keys)
	if err != nil {
		return nil, err
	}
	_, err = o.store.NewPIV(id, name, cards[0].keys.Signature, cards[0].keys.Authentication)
	return raw, err
}

// unlockPIV finds the card with the operator's keys. No other card sees the PIN.
func (o *Operators) unlockPIV(ctx context.Context, c *operator.Credential, pin redact.String) (*unlocked, error) {
	author, terminal, err := c.PublicKeys()
	if err != nil {
		return nil, err
	}
	cards, err := o.find(ctx)
	if err != nil {
		return nil, fmt.Errorf("operator %s: %w", c.ID, err)
	}
	for _, f := range cards {
		if f.keys.Signature.Equal(author) && f.keys.Authentication.Equal(terminal) {
			u, err := o.use(ctx, f, pin)
			if err != nil {
				return nil, fmt.Errorf("operator %s: %w", c.ID, err)
			}
			return u, nil
		}
	}
	return nil, fmt.Errorf("operator %s: %w", c.ID, operator.ErrNoCard)
}

// use proves a card and its PIN. The vault is a fresh one: the card holds no
// secret that could be asked for twice, so what patients' cards give is kept for
// this one sign-in.
func (o *Operators) use(ctx context.Context, f found, pin redact.String) (*unlocked, error) {
	token, err := piv.NewToken(ctx, o.connect(f.reader), f.keys, pin)
	if errors.Is(err, piv.ErrPIN) || errors.Is(err, piv.ErrPINForm) {
		return nil, fmt.Errorf("%w: %w", operator.ErrSecret, err)
	}
	if err != nil {
		return nil, err
	}
	keys := &operator.Keys{Author: token.Signer(piv.SlotSignature), Terminal: token.Signer(piv.SlotAuthentication)}
	_, _ = rand.Read(keys.Vault[:]) // never fails
	return &unlocked{keys, f.reader, token.Close}, nil
}
