package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

const (
	// scanWindow is how many positions one call of Changes looks through.
	scanWindow = 10_000
	// denseHits is how many hits in a window make scanning on worth while.
	denseHits = 50
)

const (
	// feedByPosition walks the feed and picks what the facility follows: the
	// way for a cursor near the head, or a facility that follows many.
	feedByPosition = `SELECT r.pos, r.patient, r.sealed FROM records r
		WHERE r.pos > ?2 AND r.pos <= ?3
		AND EXISTS (SELECT 1 FROM interest i WHERE i.facility = ?1 AND i.patient = r.patient)
		ORDER BY r.pos LIMIT ?4`
	// feedByInterest walks the patients whom the facility follows, in the
	// index alone: the way for a cursor far behind a facility that follows few.
	feedByInterest = `SELECT pos, patient, sealed FROM records WHERE pos IN (
			SELECT r.pos FROM interest i CROSS JOIN records r ON r.patient = i.patient
			WHERE i.facility = ?1 AND r.pos > ?2 AND r.pos <= ?3 ORDER BY r.pos LIMIT ?4)
		ORDER BY pos`
)

// Changes implements store.Records.
func (s *Store) Changes(ctx context.Context, facility uint32, after uint64, maxItems, maxBytes int) (*store.Feed, error) {
	feed := &store.Feed{Next: after}
	err := s.snapshot(ctx, func(tx *sql.Tx) error {
		head, err := headOf(ctx, tx)
		if feed.Head = head; err != nil || after >= head {
			return err
		}
		window := min(head, after+scanWindow)
		if err := s.page(ctx, tx, feedByPosition, feed, facility, after, window, maxItems, maxBytes); err != nil {
			return err
		}
		if window == head || len(feed.Items) >= min(denseHits, maxItems) {
			feed.More = feed.Next < head
			return nil
		}
		*feed = store.Feed{Head: head}
		if err := s.page(ctx, tx, feedByInterest, feed, facility, after, head, maxItems, maxBytes); err != nil {
			return err
		}
		feed.More = feed.Next < head
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	return feed, nil
}

// page fills feed with entries in (after, upTo], within the bounds. Next is
// upTo when there are no more of them, else the position of the last item.
func (s *Store) page(ctx context.Context, tx *sql.Tx, query string, feed *store.Feed, facility uint32, after, upTo uint64, maxItems, maxBytes int) error {
	rows, err := tx.QueryContext(ctx, query, facility, after, upTo, maxItems+1)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	size := 0
	for rows.Next() {
		var c wire.Change
		if err := rows.Scan(&c.Pos, fixed(c.Patient[:]), &c.Sealed); err != nil {
			return err
		}
		size += len(c.Sealed)
		if len(feed.Items) == maxItems || (size > maxBytes && len(feed.Items) > 0) {
			feed.Next = feed.Items[len(feed.Items)-1].Pos
			return nil
		}
		feed.Items = append(feed.Items, c)
	}
	feed.Next = upTo
	return rows.Err()
}

// Patient implements store.Records.
func (s *Store) Patient(ctx context.Context, patient record.PatientID, after uint64, maxItems, maxBytes int) (*store.Page, error) {
	rows, err := s.readers.QueryContext(ctx, "SELECT pos, sealed FROM records WHERE patient = ? AND pos > ? ORDER BY pos LIMIT ?",
		patientKey(patient), after, maxItems+1)
	if err != nil {
		return nil, fmt.Errorf("read patient: %w", err)
	}
	defer func() { _ = rows.Close() }()
	page, last, size := &store.Page{}, uint64(0), 0
	for rows.Next() {
		var pos uint64
		var sealed []byte
		if err := rows.Scan(&pos, &sealed); err != nil {
			return nil, fmt.Errorf("read patient: %w", err)
		}
		size += len(sealed)
		if len(page.Items) == maxItems || (size > maxBytes && len(page.Items) > 0) {
			page.Next = last
			return page, nil
		}
		page.Items, last = append(page.Items, sealed), pos
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read patient: %w", err)
	}
	return page, nil
}

// IDs implements store.Records.
func (s *Store) IDs(ctx context.Context, patient record.PatientID) ([]record.EntryID, error) {
	rows, err := s.readers.QueryContext(ctx, "SELECT id FROM records WHERE patient = ? ORDER BY id", patientKey(patient))
	if err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	return collect(rows, func(scan scanFunc) (record.EntryID, error) {
		var id record.EntryID
		err := scan(fixed(id[:]))
		return id, err
	})
}

// snapshot runs fn in a reading transaction.
func (s *Store) snapshot(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return fn(tx)
}

func headOf(ctx context.Context, tx *sql.Tx) (head uint64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT coalesce(max(pos), 0) FROM records").Scan(&head)
	return head, err
}

// hub wakes those who wait for changes of a facility.
type hub struct {
	mu      sync.Mutex
	waiting map[uint32]*call
}

// call is closed once, for all who wait for one facility.
type call struct {
	woken chan struct{}
	users int
}

// Wake implements store.Records.
func (s *Store) Wake(facility uint32) (woken <-chan struct{}, cancel func()) {
	h := &s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.waiting[facility]
	if c == nil {
		if h.waiting == nil {
			h.waiting = make(map[uint32]*call)
		}
		c = &call{woken: make(chan struct{})}
		h.waiting[facility] = c
	}
	c.users++
	return c.woken, sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if c.users--; c.users == 0 && h.waiting[facility] == c {
			delete(h.waiting, facility)
		}
	})
}

// wake wakes the facilities that follow one of the patients. It runs after the
// lead has been handed on, so it delays nobody but the caller.
func (s *Store) wake(ctx context.Context, patients []record.PatientID) {
	s.hub.mu.Lock()
	idle := len(s.hub.waiting) == 0
	s.hub.mu.Unlock()
	if idle || len(patients) == 0 {
		return
	}
	seen := make(map[record.PatientID]bool, len(patients))
	var args []any
	for i, p := range patients {
		if !seen[p] {
			seen[p] = true
			args = append(args, patientKey(p))
		}
		if len(args) == 100 || (i == len(patients)-1 && len(args) > 0) {
			s.wakeSome(ctx, args)
			args = args[:0]
		}
	}
}

func (s *Store) wakeSome(ctx context.Context, patients []any) {
	// #nosec G202 -- only question marks are added
	rows, err := s.readers.QueryContext(ctx,
		"SELECT DISTINCT facility FROM interest WHERE patient IN (?"+strings.Repeat(",?", len(patients)-1)+")", patients...)
	if err != nil {
		return // a waiter that is not woken finds the changes when its wait ends
	}
	facilities, err := collect(rows, func(scan scanFunc) (f uint32, err error) {
		err = scan(&f)
		return f, err
	})
	if err != nil {
		return
	}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	for _, f := range facilities {
		if c := s.hub.waiting[f]; c != nil {
			close(c.woken)
			delete(s.hub.waiting, f)
		}
	}
}
