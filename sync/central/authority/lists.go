package authority

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// errStale is returned inside an update whose list another process has
// changed since it was read.
var errStale = errors.New("list has changed")

// listTries bounds how often a change of a list is begun anew.
const listTries = 8

func (a *Authority) putTrust(w store.Writer, list trust.List) error {
	raw, err := trust.SignList(a.root, list)
	if err != nil {
		return err
	}
	return w.PutList(store.List{Name: wire.ListTrust, Version: list.Version, Raw: raw, Issued: list.Issued})
}

func (a *Authority) putBlock(w store.Writer, list trust.BlockList) error {
	raw, err := trust.SignBlockList(a.root, list)
	if err != nil {
		return err
	}
	return w.PutList(store.List{Name: wire.ListBlock, Version: list.Version, Raw: raw, Issued: list.Issued})
}

// changeTrust makes the next version of the trust list. change edits the keys;
// also runs in the same transaction as the list is stored. A long list is
// parsed and signed before the transaction, which only checks that nobody else
// has changed it meanwhile.
func (a *Authority) changeTrust(ctx context.Context, change func(*trust.List) error, also func(store.Writer) error) (store.List, error) {
	for range listTries {
		old, err := a.list(ctx, wire.ListTrust)
		if err != nil {
			return store.List{}, err
		}
		list, err := trust.ParseList(old.Raw, a.rootKey)
		if err != nil {
			return store.List{}, fmt.Errorf("stored trust list: %w", err)
		}
		if err := change(list); err != nil {
			return store.List{}, err
		}
		now := time.Now()
		list.Version, list.Issued, list.Expires = list.Version+1, now, now.Add(listLife)
		raw, err := trust.SignList(a.root, *list)
		if err != nil {
			return store.List{}, err
		}
		next := store.List{Name: wire.ListTrust, Version: list.Version, Raw: raw, Issued: now}
		err = a.store.Update(ctx, func(w store.Writer) error {
			if was, err := w.List(wire.ListTrust); err != nil {
				return err
			} else if was.Version != old.Version {
				return errStale
			}
			if err := also(w); err != nil {
				return err
			}
			return w.PutList(next)
		})
		if errors.Is(err, errStale) {
			continue
		}
		if err != nil {
			return store.List{}, err
		}
		if err := a.trust.UpdateTrust(raw); err != nil && !errors.Is(err, trust.ErrRollback) {
			return store.List{}, err
		}
		return next, nil // another change may have come behind this one
	}
	return store.List{}, fmt.Errorf("change trust list: %w", errStale)
}

// block puts a card on the block list within a transaction.
func (a *Authority) block(w store.Writer, card [8]byte, now time.Time) error {
	old, err := w.List(wire.ListBlock)
	if err != nil {
		return err
	}
	list, err := trust.ParseBlockList(old.Raw, a.rootKey)
	if err != nil {
		return fmt.Errorf("stored block list: %w", err)
	}
	if slices.Contains(list.Cards, card) {
		return nil
	}
	return a.putBlock(w, trust.BlockList{Version: list.Version + 1, Issued: now, Cards: append(list.Cards, card)})
}

func (a *Authority) list(ctx context.Context, name string) (list store.List, err error) {
	err = a.store.View(ctx, func(r store.Reader) error {
		list, err = r.List(name)
		return err
	})
	return list, err
}

// Reload takes over the lists and the anchor that another process has made.
func (a *Authority) Reload(ctx context.Context) error {
	if err := a.loadAnchors(); err != nil {
		return fmt.Errorf("load anchors: %w", err)
	}
	var lists [2]store.List
	err := a.store.View(ctx, func(r store.Reader) (err error) {
		if lists[0], err = r.List(wire.ListTrust); err != nil {
			return err
		}
		lists[1], err = r.List(wire.ListBlock)
		return err
	})
	if err != nil {
		return fmt.Errorf("load lists: %w", err)
	}
	haveTrust, haveBlock := a.trust.Versions()
	if lists[0].Version > haveTrust {
		if err := a.trust.UpdateTrust(lists[0].Raw); err != nil && !errors.Is(err, trust.ErrRollback) {
			return fmt.Errorf("load trust list: %w", err)
		}
	}
	if lists[1].Version > haveBlock {
		if err := a.trust.UpdateBlock(lists[1].Raw); err != nil && !errors.Is(err, trust.ErrRollback) {
			return fmt.Errorf("load block list: %w", err)
		}
	}
	return nil
}

// Refresh signs the trust list anew when half of its life has passed, and
// issues another server certificate before the old one ends. A serving centre
// calls it from time to time.
func (a *Authority) Refresh(ctx context.Context) error {
	list, err := a.list(ctx, wire.ListTrust)
	if err != nil {
		return fmt.Errorf("refresh lists: %w", err)
	}
	if time.Since(list.Issued) > listLife/2 {
		nothing := func(store.Writer) error { return nil }
		if _, err := a.changeTrust(ctx, func(*trust.List) error { return nil }, nothing); err != nil {
			return fmt.Errorf("refresh trust list: %w", err)
		}
	}
	if time.Until(a.server.Load().Leaf.NotAfter) < serverRenewal {
		if err := a.renewServer(ctx); err != nil {
			return fmt.Errorf("renew server certificate: %w", err)
		}
	}
	return nil
}

// RevokeAuthor revokes the workstation or the operator whose author key has the
// identifier: what the key signed at or after since counts no more, and future
// calls, of a workstation its TLS certificate too, are refused. It owes
// store.ErrNotFound.
func (a *Authority) RevokeAuthor(ctx context.Context, kid [4]byte, since time.Time) error {
	_, err := a.changeTrust(ctx, func(list *trust.List) error {
		return revokeKeys(list, since, func(k *trust.Key) bool { return k.KID == kid })
	}, func(w store.Writer) error {
		op, err := w.Operator(kid)
		if err == nil {
			op.Revoked = time.Now()
			return w.PutOperator(op)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		ws, err := w.WorkstationByAuthor(kid)
		if err != nil {
			return err
		}
		ws.Revoked = time.Now()
		return w.PutWorkstation(ws)
	})
	if err != nil {
		return fmt.Errorf("revoke key %x: %w", kid, err)
	}
	return nil
}

// RevokeFacility revokes a facility with all its workstations and operators. It owes
// store.ErrNotFound.
func (a *Authority) RevokeFacility(ctx context.Context, number uint32, since time.Time) error {
	_, err := a.changeTrust(ctx, func(list *trust.List) error {
		err := revokeKeys(list, since, func(k *trust.Key) bool { return k.Facility == number })
		if errors.Is(err, store.ErrNotFound) {
			return nil // a facility all of whose keys were revoked one by one
		}
		return err
	}, func(w store.Writer) error {
		f, err := w.Facility(number)
		if err != nil {
			return err
		}
		f.Revoked = time.Now()
		if err := w.PutFacility(f); err != nil {
			return err
		}
		all, err := w.Workstations()
		if err != nil {
			return err
		}
		for _, ws := range all {
			if ws.Facility != number || !ws.Revoked.IsZero() {
				continue
			}
			ws.Revoked = f.Revoked
			if err := w.PutWorkstation(ws); err != nil {
				return err
			}
		}
		return revokeOperators(w, number, f.Revoked)
	})
	if err != nil {
		return fmt.Errorf("revoke facility %d: %w", number, err)
	}
	return nil
}

func revokeOperators(w store.Writer, facility uint32, now time.Time) error {
	all, err := w.Operators()
	if err != nil {
		return err
	}
	for _, op := range all {
		if op.Facility != facility || !op.Revoked.IsZero() {
			continue
		}
		op.Revoked = now
		if err := w.PutOperator(op); err != nil {
			return err
		}
	}
	return nil
}

// revokeKeys revokes the author keys that which picks; an earlier revocation stays.
func revokeKeys(list *trust.List, since time.Time, which func(*trust.Key) bool) error {
	found := false
	for i := range list.Keys {
		k := &list.Keys[i]
		if k.Usage != trust.UsageAuthor && k.Usage != trust.UsageOperator || !which(k) {
			continue
		}
		found = true
		if k.Revoked.IsZero() || since.Before(k.Revoked) {
			k.Revoked = since
		}
	}
	if !found {
		return store.ErrNotFound
	}
	return nil
}

// BlockCard puts a card on the block list. It owes store.ErrNotFound.
func (a *Authority) BlockCard(ctx context.Context, card [8]byte) error {
	err := a.store.Update(ctx, func(w store.Writer) error { return a.blockIssued(w, card, time.Now()) })
	if err == nil {
		err = a.Reload(ctx)
	}
	if err != nil {
		return fmt.Errorf("block card %x: %w", card, err)
	}
	return nil
}

func (a *Authority) blockIssued(w store.Writer, id [8]byte, now time.Time) error {
	card, err := w.Card(id)
	if err != nil {
		return err
	}
	if card.Blocked.IsZero() {
		card.Blocked = now
		if err := w.PutCard(card); err != nil {
			return err
		}
	}
	return a.block(w, id, now)
}
