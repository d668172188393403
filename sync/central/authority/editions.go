package authority

import (
	"context"
	"errors"
	"time"

	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// putEdition keeps a signed edition of a list as the newest. It owes errStale
// when the one before it is not the newest any more.
func (a *Authority) putEdition(ctx context.Context, list string, number uint32, raw []byte, issued time.Time) error {
	return a.store.Update(ctx, func(w store.Writer) error {
		head, err := editionHead(w, list)
		if err != nil {
			return err
		}
		if head+1 != number {
			return errStale
		}
		l := store.List{Name: wire.EditionName(list, number), Version: uint64(number), Raw: raw, Issued: issued}
		if err := w.PutList(l); err != nil {
			return err
		}
		l.Name = list
		return w.PutList(l)
	})
}

// editionHead returns the number of the newest edition of a list, 1 when none
// was published.
func editionHead(r store.Reader, list string) (uint32, error) {
	head, err := r.List(list)
	if errors.Is(err, store.ErrNotFound) {
		return 1, nil
	}
	return uint32(head.Version), err // #nosec G115 -- an edition's number
}

// signedEditions returns the published editions of a list, from the second on.
func (a *Authority) signedEditions(ctx context.Context, list string) (signed [][]byte, err error) {
	err = a.store.View(ctx, func(r store.Reader) error {
		signed = nil
		head, err := editionHead(r, list)
		for n := uint32(2); err == nil && n <= head; n++ {
			var l store.List
			l, err = r.List(wire.EditionName(list, n))
			signed = append(signed, l.Raw)
		}
		return err
	})
	return signed, err
}
