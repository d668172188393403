package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// share is what one facility has in the quarantine.
type share struct {
	whole int64 // entries kept with their sealed bytes
	bytes int64 // of those
	bare  int64 // entries of which only identifier and code are kept
}

// quarantine keeps the rejected items of a batch, in the transaction under
// way. The first of a facility are kept whole, up to the bounds of the
// options; of those behind them identifier and code are kept, and of these
// only the newest. So no facility can fill the disk, nor push out what another
// has in here, nor what was kept whole.
func (s *Store) quarantine(ctx context.Context, b *store.Batch, received int64) error {
	sh, err := s.shareOf(ctx, b.Facility)
	if err != nil {
		return err
	}
	was := sh
	for i := range b.Items {
		item := &b.Items[i]
		if item.Code == "" {
			continue
		}
		size, sealed := int64(len(item.Sealed)), item.Sealed
		bare := size == 0 || sh.whole >= int64(s.opts.QuarantineEntries) || sh.bytes+size > int64(s.opts.QuarantineBytes)
		if bare {
			sealed = nil
		}
		n, err := exec(ctx, s.hot.quarantine, values(received, int64(b.Facility), item.Patient[:], item.ID[:], item.Code, nonNil(sealed), size)...)
		switch {
		case err != nil:
			return fmt.Errorf("quarantine entry: %w", err)
		case n == 0: // there already
		case bare:
			sh.bare++
		default:
			sh.whole++
			sh.bytes += size
		}
	}
	if over := sh.bare - int64(s.opts.QuarantineBare); over > 0 {
		if err := s.forget(ctx, b.Facility, over); err != nil {
			return err
		}
		sh.bare -= over
	}
	if sh == was {
		return nil
	}
	_, err = s.conn.ExecContext(ctx, "INSERT OR REPLACE INTO quarantine_shares (facility, whole, bytes, bare) VALUES (?, ?, ?, ?)",
		b.Facility, sh.whole, sh.bytes, sh.bare)
	if err != nil {
		return fmt.Errorf("count quarantine: %w", err)
	}
	return nil
}

func (s *Store) shareOf(ctx context.Context, facility uint32) (share, error) {
	var sh share
	err := s.conn.QueryRowContext(ctx, "SELECT whole, bytes, bare FROM quarantine_shares WHERE facility = ?", facility).
		Scan(&sh.whole, &sh.bytes, &sh.bare)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sh, fmt.Errorf("count quarantine: %w", err)
	}
	return sh, nil
}

// forget drops the oldest of a facility's entries that are not kept whole.
func (s *Store) forget(ctx context.Context, facility uint32, count int64) error {
	_, err := s.conn.ExecContext(ctx, `DELETE FROM quarantine WHERE n IN
		(SELECT n FROM quarantine WHERE facility = ? AND sealed = x'' ORDER BY n LIMIT ?)`, facility, count)
	if err != nil {
		return fmt.Errorf("shorten quarantine: %w", err)
	}
	return nil
}

// Quarantine implements store.Records.
func (s *Store) Quarantine(ctx context.Context, limit int) ([]store.Quarantined, error) {
	rows, err := s.readers.QueryContext(ctx, "SELECT received, facility, patient, id, code, size FROM quarantine ORDER BY n DESC LIMIT ?", limit)
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	return collect(rows, func(scan scanFunc) (store.Quarantined, error) {
		var q store.Quarantined
		err := scan(at(&q.At), &q.Facility, fixed(q.Patient[:]), fixed(q.ID[:]), &q.Code, &q.Size)
		return q, err
	})
}
