package authority

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/rules"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// ErrEdition is returned for rules that do not have the number of the next
// edition.
var ErrEdition = errors.New("rules have not the number of the next edition")

// ErrPast is returned for rules of entitlement from a day that has begun
// elsewhere: what was charged is judged by the rules that were in force.
var ErrPast = errors.New("rules begin on a day that is over")

// PublishAlerts signs a table of alerts as the next edition, whose number the
// text says. It owes alerts.ErrTable and ErrEdition.
func (a *Authority) PublishAlerts(ctx context.Context, text string) (rules.Edition[*alerts.Table], error) {
	return publishRules(ctx, a, rules.Alerts, func(rules.Edition[*alerts.Table]) (string, error) { return text, nil })
}

// PublishCover signs rules of entitlement that count from a day on, as
// 2027-01-01, together with those before; their version is the number of the
// edition. Words of reasons, if any, take the place of those published before.
// It owes entitle.ErrRules, ErrEdition and ErrPast.
func (a *Authority) PublishCover(ctx context.Context, r *entitle.Rules, from string, words map[entitle.Code]map[string]string) (rules.Edition[*entitle.Schedule], error) {
	return publishRules(ctx, a, rules.Cover, func(last rules.Edition[*entitle.Schedule]) (string, error) {
		if r.Version != last.Number+1 {
			return "", nextIs(rules.Cover.Name(), r.Version, last.Number)
		}
		text, err := last.Rules.Next(r, from, words)
		if err == nil && from < last.Rules.At(time.Now()).Day(time.Now()) {
			err = fmt.Errorf("from %s: %w", from, ErrPast)
		}
		return text, err
	})
}

func nextIs(kind string, number, last uint32) error {
	return fmt.Errorf("%s rules %d behind %d: %w", kind, number, last, ErrEdition)
}

// publishRules signs the text that follows the last edition.
func publishRules[T any](ctx context.Context, a *Authority, kind *rules.Kind[T], follow func(last rules.Edition[T]) (string, error)) (e rules.Edition[T], err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("publish %s rules: %w", kind.Name(), err)
		}
	}()
	signer, err := a.termsSigner(ctx)
	if err != nil {
		return e, err
	}
	for range listTries {
		last, err := rulesOf(ctx, a, kind)
		if err != nil {
			return e, err
		}
		text, err := follow(last)
		if err != nil {
			return e, err
		}
		next, err := kind.Read(text, time.Now())
		if err != nil {
			return e, err
		}
		if next.Number != last.Number+1 {
			return e, nextIs(kind.Name(), next.Number, last.Number)
		}
		raw, err := kind.Sign(signer, next)
		if err != nil {
			return e, err
		}
		if err = a.putEdition(ctx, kind.Name(), next.Number, raw, next.Issued); !errors.Is(err, errStale) {
			return next, err
		}
	}
	return e, errStale
}

// rulesOf returns the newest edition, the program's own when none was published.
func rulesOf[T any](ctx context.Context, a *Authority, kind *rules.Kind[T]) (e rules.Edition[T], err error) {
	list, err := a.list(ctx, kind.Name())
	if errors.Is(err, store.ErrNotFound) {
		return kind.First(), nil
	}
	if err != nil {
		return e, err
	}
	return kind.Open(a.trust, list.Raw)
}

// coverInForce returns the newest rules of entitlement, which another process may
// have published since the last time.
func (a *Authority) coverInForce(ctx context.Context) (*entitle.Schedule, error) {
	list, err := a.list(ctx, rules.Cover.Name())
	if errors.Is(err, store.ErrNotFound) || err == nil && list.Version == uint64(a.cover.Now().Number) {
		return a.cover.Now().Rules, nil
	}
	if err != nil {
		return nil, err
	}
	e, err := a.cover.Accept(a.trust, list.Raw)
	if errors.Is(err, trust.ErrUnknownKey) { // the key may be as new as the edition
		if err = a.Reload(ctx); err == nil {
			e, err = a.cover.Accept(a.trust, list.Raw)
		}
	}
	return e.Rules, err
}

// AlertRules returns the editions of the table of alerts, the program's own
// first.
func (a *Authority) AlertRules(ctx context.Context) ([]rules.Edition[*alerts.Table], error) {
	return editionsOf(ctx, a, rules.Alerts)
}

// CoverRules is the same for the rules of entitlement.
func (a *Authority) CoverRules(ctx context.Context) ([]rules.Edition[*entitle.Schedule], error) {
	return editionsOf(ctx, a, rules.Cover)
}

func editionsOf[T any](ctx context.Context, a *Authority, kind *rules.Kind[T]) ([]rules.Edition[T], error) {
	signed, err := a.signedEditions(ctx, kind.Name())
	if err != nil {
		return nil, fmt.Errorf("read %s rules: %w", kind.Name(), err)
	}
	out := []rules.Edition[T]{kind.First()}
	for _, raw := range signed {
		e, err := kind.Open(a.trust, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}
