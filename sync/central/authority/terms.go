package authority

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// PublishTerms makes the next edition of the terminology table of lines as
// terms.Table.Extend reads them, and signs it. The first edition that a centre
// publishes has it make its terminology key. It owes terms.ErrTable, also for a
// text without a line.
func (a *Authority) PublishTerms(ctx context.Context, text string) (*trust.Edition, error) {
	e, err := a.publishTerms(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("publish terms: %w", err)
	}
	return e, nil
}

func (a *Authority) publishTerms(ctx context.Context, text string) (*trust.Edition, error) {
	signer, err := a.termsSigner(ctx)
	if err != nil {
		return nil, err
	}
	for range listTries {
		all, err := a.editions(ctx)
		if err != nil {
			return nil, err
		}
		table, err := tableOf(all)
		if err != nil {
			return nil, err
		}
		next, err := table.Extend(text)
		if err != nil {
			return nil, err
		}
		if text == "" {
			return nil, fmt.Errorf("edition without a line: %w", terms.ErrTable)
		}
		step, now := table.Step(next, text), time.Now()
		e := &trust.Edition{Number: step.Edition, Issued: now, Before: step.Before, After: step.After, Rows: step.Rows, Text: text}
		raw, err := trust.SignEdition(signer, *e)
		if err != nil {
			return nil, err
		}
		err = a.putEdition(ctx, wire.ListTerms, e.Number, raw, now)
		if !errors.Is(err, errStale) {
			return e, err
		}
	}
	return nil, errStale
}

// Terms returns the published editions, from the second on, and the table that
// they make. It owes the errors of terms.Table.Follow for a store that does not
// hold one line of editions.
func (a *Authority) Terms(ctx context.Context) ([]trust.Edition, *terms.Table, error) {
	all, err := a.editions(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read terms: %w", err)
	}
	table, err := tableOf(all)
	if err != nil {
		return nil, nil, fmt.Errorf("read terms: %w", err)
	}
	return all, table, nil
}

func (a *Authority) editions(ctx context.Context) ([]trust.Edition, error) {
	signed, err := a.signedEditions(ctx, wire.ListTerms)
	if err != nil {
		return nil, err
	}
	var out []trust.Edition
	for _, raw := range signed {
		e, err := a.trust.Edition(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func tableOf(editions []trust.Edition) (*terms.Table, error) {
	table := terms.Base()
	for _, e := range editions {
		next, err := table.Follow(terms.Step{Edition: e.Number, Before: e.Before, After: e.After, Rows: e.Rows, Text: e.Text})
		if err != nil {
			return nil, err
		}
		table = next
	}
	return table, nil
}

// termsSigner returns the key of words and rules, which is made and listed when it is
// first wanted.
func (a *Authority) termsSigner(ctx context.Context) (crypto.Signer, error) {
	signer, err := a.keys.EnsureSigner(keyTerms)
	if err != nil {
		return nil, err
	}
	pub, err := publicOf(signer)
	if err != nil {
		return nil, err
	}
	listed := func(k trust.Key) bool { return k.Usage == trust.UsageTerms && k.Public.Equal(pub) }
	old, err := a.list(ctx, wire.ListTrust)
	if err != nil {
		return nil, err
	}
	list, err := trust.ParseList(old.Raw, a.rootKey)
	if err != nil || slices.ContainsFunc(list.Keys, listed) {
		return signer, err
	}
	_, err = a.changeTrust(ctx, func(l *trust.List) error {
		if slices.ContainsFunc(l.Keys, listed) {
			return nil
		}
		now := time.Now()
		l.Keys = append(l.Keys, trust.Key{
			Public: pub, Usage: trust.UsageTerms, Name: a.config.Name,
			NotBefore: now.Add(-clockSlack), NotAfter: now.AddDate(anchorYears, 0, 0),
		})
		return nil
	}, func(store.Writer) error { return nil })
	return signer, err
}
