package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Accept implements store.Records.
func (s *Store) Accept(ctx context.Context, b *store.Batch) (*store.Outcome, error) {
	var out *store.Outcome
	var conflict error
	j := &job{entries: len(b.Items), run: func(ctx context.Context) (err error) {
		out, conflict, err = s.accept(ctx, b)
		return err
	}}
	for i := range b.Items {
		j.bytes += len(b.Items[i].Sealed)
	}
	if err := s.submit(ctx, j); err != nil {
		return nil, fmt.Errorf("accept batch: %w", err)
	}
	if conflict != nil {
		return nil, fmt.Errorf("accept batch: %w", conflict)
	}
	return out, nil
}

// accept writes one batch into the transaction under way. A conflict leaves
// the transaction as it was.
func (s *Store) accept(ctx context.Context, b *store.Batch) (out *store.Outcome, conflict, err error) {
	out, err = s.hot.seen(ctx, b.Facility, b.Batch, b.Content)
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, err, nil
	case err == nil:
		return out, nil, nil
	case !errors.Is(err, store.ErrNotFound):
		return nil, nil, err
	}
	out = &store.Outcome{Receipt: b.Receipt, Statuses: make([]wire.Status, len(b.Items)), Codes: make([]string, len(b.Items))}
	received, rejected := b.Received.Unix(), false
	for i := range b.Items {
		item := &b.Items[i]
		if item.Code != "" {
			out.Statuses[i], out.Codes[i] = wire.StatusRejected, item.Code
			rejected = true
			continue
		}
		n, err := exec(ctx, s.hot.insert, values(item.Patient[:], item.ID[:], item.Author[:], int64(b.Facility), item.Time.Unix(), received, item.Sealed)...)
		if err != nil {
			return nil, nil, fmt.Errorf("insert entry: %w", err)
		}
		if n == 0 {
			out.Statuses[i] = wire.StatusDup
		} else {
			s.hot.fresh = append(s.hot.fresh, item.Patient)
		}
		if err := s.follow(ctx, b.Facility, item.Patient, received); err != nil {
			return nil, nil, err
		}
	}
	if rejected {
		if err := s.quarantine(ctx, b, received); err != nil {
			return nil, nil, err
		}
	}
	statuses, codes := packOutcome(out)
	_, err = exec(ctx, s.hot.batch, values(int64(b.Facility), b.Batch[:], b.Content[:], received, nonNil(b.Receipt), statuses, codes)...)
	if err != nil {
		return nil, nil, fmt.Errorf("insert receipt: %w", err)
	}
	return out, nil, nil
}

// follow notes a facility's interest, unless it is known to be there.
func (s *Store) follow(ctx context.Context, facility uint32, patient record.PatientID, now int64) error {
	if s.known.has(facility, patient) {
		return nil
	}
	if _, err := exec(ctx, s.hot.interest, values(int64(facility), patient[:], now)...); err != nil {
		return fmt.Errorf("insert interest: %w", err)
	}
	s.known.add(facility, patient)
	return nil
}

// Interest implements store.Records.
func (s *Store) Interest(ctx context.Context, facility uint32, patient record.PatientID) error {
	var one int
	err := s.readers.QueryRowContext(ctx, "SELECT 1 FROM interest WHERE facility = ? AND patient = ?", facility, patientKey(patient)).Scan(&one)
	if err == nil {
		return nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("look up interest: %w", err)
	}
	err = s.submit(ctx, &job{entries: 1, run: func(ctx context.Context) error {
		return s.follow(ctx, facility, patient, time.Now().Unix())
	}})
	if err != nil {
		return fmt.Errorf("note interest: %w", err)
	}
	return nil
}

// Replay implements store.Records.
func (s *Store) Replay(ctx context.Context, facility uint32, batch [16]byte, content [32]byte) (*store.Outcome, error) {
	var was, receipt, statuses []byte
	var codes string
	err := s.readers.QueryRowContext(ctx, "SELECT content, receipt, statuses, codes FROM batches WHERE facility = ? AND batch = ?",
		facility, batch[:]).Scan(&was, &receipt, &statuses, &codes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("look up batch: %w", err)
	}
	return unpackOutcome(content, was, receipt, statuses, codes)
}

// seen is Replay within the transaction under way.
func (h *hotStatements) seen(ctx context.Context, facility uint32, batch [16]byte, content [32]byte) (*store.Outcome, error) {
	rows, err := h.replay.(driver.StmtQueryContext).QueryContext(ctx, values(int64(facility), batch[:]))
	if err != nil {
		return nil, fmt.Errorf("look up batch: %w", err)
	}
	defer func() { _ = rows.Close() }()
	row := make([]driver.Value, 4)
	if err := rows.Next(row); errors.Is(err, io.EOF) {
		return nil, store.ErrNotFound
	} else if err != nil {
		return nil, fmt.Errorf("look up batch: %w", err)
	}
	was, _ := row[0].([]byte)
	receipt, _ := row[1].([]byte)
	statuses, _ := row[2].([]byte)
	codes, _ := row[3].(string)
	return unpackOutcome(content, was, receipt, statuses, codes)
}

// packOutcome writes the statuses as a byte each, and the codes of the
// rejected items with commas between.
func packOutcome(out *store.Outcome) (statuses []byte, codes string) {
	statuses = make([]byte, len(out.Statuses))
	var rejected []string
	for i, st := range out.Statuses {
		statuses[i] = byte(st)
		if st == wire.StatusRejected {
			rejected = append(rejected, out.Codes[i])
		}
	}
	return statuses, strings.Join(rejected, ",")
}

func unpackOutcome(content [32]byte, was, receipt, statuses []byte, codes string) (*store.Outcome, error) {
	if string(was) != string(content[:]) {
		return nil, store.ErrConflict
	}
	out := &store.Outcome{
		Receipt: receipt, Statuses: make([]wire.Status, len(statuses)), Codes: make([]string, len(statuses)), Replayed: true,
	}
	for i, b := range statuses {
		out.Statuses[i] = wire.Status(b)
		if out.Statuses[i] == wire.StatusRejected {
			out.Codes[i], codes, _ = strings.Cut(codes, ",")
		}
	}
	return out, nil
}

// Holds implements store.Records.
func (s *Store) Holds(ctx context.Context, patient record.PatientID, id record.EntryID) (bool, error) {
	var one int
	err := s.readers.QueryRowContext(ctx, "SELECT 1 FROM records WHERE patient = ? AND id = ?", patientKey(patient), id[:]).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up entry: %w", err)
	}
	return true, nil
}

// nonNil keeps an empty blob from becoming NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// interestCache remembers pairs of facility and patient that are in the
// interest table. Only the leader of the commit queue touches it.
type interestCache struct {
	known   map[interestKey]struct{}
	pending []interestKey // of the transaction under way
}

type interestKey struct {
	facility uint32
	patient  record.PatientID
}

const interestCacheSize = 1 << 17

func (c *interestCache) has(facility uint32, patient record.PatientID) bool {
	_, ok := c.known[interestKey{facility, patient}]
	return ok
}

func (c *interestCache) add(facility uint32, patient record.PatientID) {
	c.pending = append(c.pending, interestKey{facility, patient})
}

// settle keeps what the transaction wrote if it was committed.
func (c *interestCache) settle(committed bool) {
	if committed && len(c.pending) > 0 {
		if c.known == nil || len(c.known)+len(c.pending) > interestCacheSize {
			c.known = make(map[interestKey]struct{}, len(c.pending))
		}
		for _, key := range c.pending {
			c.known[key] = struct{}{}
		}
	}
	c.pending = c.pending[:0]
}
