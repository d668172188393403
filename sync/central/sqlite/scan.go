package sqlite

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/sync/central/store"
)

type scanFunc func(dest ...any) error

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, read func(scanFunc) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var out []T
	for rows.Next() {
		v, err := read(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return out, nil
}

// fixed scans a blob of exactly the length of into.
func fixed(into []byte) sql.Scanner { return fixedScanner(into) }

type fixedScanner []byte

// Scan implements sql.Scanner.
func (f fixedScanner) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != len(f) {
		return fmt.Errorf("column is no blob of %d bytes: %w", len(f), store.ErrCorrupt)
	}
	copy(f, b)
	return nil
}

// at scans POSIX seconds; 0 is the zero time.
func at(into *time.Time) sql.Scanner { return timeScanner{into} }

type timeScanner struct{ into *time.Time }

// Scan implements sql.Scanner.
func (t timeScanner) Scan(src any) error {
	seconds, ok := src.(int64)
	if !ok {
		return fmt.Errorf("column is no time: %w", store.ErrCorrupt)
	}
	*t.into = time.Time{}
	if seconds != 0 {
		*t.into = time.Unix(seconds, 0).UTC()
	}
	return nil
}

// unix is the inverse of at.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
