// Package sqlite keeps the centre's records and registry in one SQLite
// database file: write-ahead log, synchronous=FULL, one writing connection
// through which all commits of the process go, coalesced.
//
// SQLite shows a transaction to other connections only after the log has been
// synced, so what any reader sees is durable, and positions of the feed, given
// out by the one writer at a time that SQLite allows, appear in order. Other
// processes (the administrator's commands) may open the same file.
package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed" // the schema
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// schemaVersion stands in PRAGMA user_version.
const schemaVersion = 1

// applicationID stands in PRAGMA application_id: "DHMC".
const applicationID = 0x44484d43

//go:embed schema.sql
var schema string

// Options bound the store. A zero field takes its default.
type Options struct {
	// QueueEntries is how many entries may wait for a commit (20,000).
	QueueEntries int
	// QueueBytes is how many sealed bytes may wait for a commit (64 MiB).
	QueueBytes int
	// CommitEntries is how many entries go into one transaction (4,000).
	CommitEntries int
	// QuarantineEntries (1,000) and QuarantineBytes (4 MiB) are how much of a
	// facility's rejected entries is kept whole. Of what comes behind,
	// identifier and code are kept.
	QuarantineEntries, QuarantineBytes int
	// QuarantineBare is how many of a facility's rejected entries are kept by
	// identifier and code alone, the newest ones (10,000).
	QuarantineBare int
}

func (o Options) withDefaults() Options {
	for _, f := range []struct {
		field *int
		value int
	}{
		{&o.QueueEntries, 20_000},
		{&o.QueueBytes, 64 << 20},
		{&o.CommitEntries, 4_000},
		{&o.QuarantineEntries, 1_000},
		{&o.QuarantineBytes, 4 << 20},
		{&o.QuarantineBare, 10_000},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return o
}

// Store is a store.Store in one SQLite file. Open makes one.
type Store struct {
	opts  Options
	epoch uint64
	path  string

	readers *sql.DB // query_only
	writeDB *sql.DB // one connection

	// The writing connection and what belongs to it are touched only by the
	// goroutine that leads the commit queue.
	conn *sql.Conn
	hot  *hotStatements

	queue queue
	hub   hub
	known interestCache

	closeOnce sync.Once
	closeErr  error
}

var _ store.Store = (*Store)(nil)

// Open opens the database at path, which it creates, readable by its owner
// alone, when there is none. The folder must exist. It owes store.ErrCorrupt
// for a file that is something else.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	if err := createFile(path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{opts: opts.withDefaults(), path: path}
	s.queue.rate = 2_000
	var err error
	defer func() {
		if err != nil {
			_ = s.closeAll()
		}
	}()
	if s.writeDB, err = sql.Open("sqlite", dsn(path, false)); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s.writeDB.SetMaxOpenConns(1)
	if s.conn, err = s.writeDB.Conn(ctx); err != nil {
		return nil, fmt.Errorf("open store: %w: %w", store.ErrCorrupt, err)
	}
	if err = s.prepare(ctx); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if s.hot, err = prepareHot(ctx, s.conn); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if s.readers, err = sql.Open("sqlite", dsn(path, true)); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	readers := 2 + 2*runtime.GOMAXPROCS(0)
	s.readers.SetMaxOpenConns(readers)
	s.readers.SetMaxIdleConns(readers)
	return s, nil
}

// createFile makes an empty file of mode 0600, so that SQLite, which gives its
// log the mode of the database, never writes one that others may read.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the administrator names the file
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func dsn(path string, readOnly bool) string {
	v := url.Values{}
	for _, p := range []string{
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"temp_store(MEMORY)", "trusted_schema(0)", "secure_delete(1)",
	} {
		v.Add("_pragma", p)
	}
	if readOnly {
		v.Add("_pragma", "query_only(1)")
		v.Add("_pragma", "cache_size(-8000)")
	} else {
		v.Add("_pragma", "cache_size(-131072)")
		v.Add("_pragma", "wal_autocheckpoint(8000)")
		v.Set("_txlock", "immediate")
	}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + v.Encode()
}

// prepare makes the schema in a new file, and checks it in an old one.
func (s *Store) prepare(ctx context.Context) (err error) {
	if _, err = s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	defer func() {
		if err != nil {
			_, _ = s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	var app, version, tables int64
	for pragma, into := range map[string]*int64{
		"PRAGMA application_id": &app, "PRAGMA user_version": &version,
		"SELECT count(*) FROM sqlite_schema": &tables,
	} {
		if err = s.conn.QueryRowContext(ctx, pragma).Scan(into); err != nil {
			return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
		}
	}
	switch {
	case tables == 0 && app == 0:
		if err = s.create(ctx); err != nil {
			return err
		}
	case app != applicationID:
		return fmt.Errorf("%w: not a centre's database", store.ErrCorrupt)
	case version != schemaVersion:
		return fmt.Errorf("database of schema %d, this program knows %d", version, schemaVersion)
	}
	var epoch int64
	if err = s.conn.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = 'epoch'").Scan(&epoch); err != nil {
		return fmt.Errorf("read epoch: %w: %w", store.ErrCorrupt, err)
	}
	s.epoch = uint64(epoch) // #nosec G115 -- drawn from 1..2^63-1
	_, err = s.conn.ExecContext(ctx, "COMMIT")
	return err
}

// create makes the schema and marks the file with it, in one transaction.
func (s *Store) create(ctx context.Context) error {
	for _, statement := range []string{
		schema,
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", schemaVersion),
	} {
		if _, err := s.conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("create schema: %w", err)
		}
	}
	return s.drawEpoch(ctx)
}

func (s *Store) drawEpoch(ctx context.Context) error {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return fmt.Errorf("draw epoch: %w", err)
	}
	// Never zero, and never negative for SQLite.
	epoch := int64(binary.BigEndian.Uint64(b[:])>>2 | 1) // #nosec G115 -- at most 2^62
	_, err := s.conn.ExecContext(ctx, "INSERT OR REPLACE INTO meta (name, value) VALUES ('epoch', ?)", epoch)
	if err != nil {
		return fmt.Errorf("draw epoch: %w", err)
	}
	return nil
}

// Epoch implements store.Store.
func (s *Store) Epoch() uint64 { return s.epoch }

// Close implements store.Store.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.queue.close()
		s.closeErr = s.closeAll()
	})
	return s.closeErr
}

func (s *Store) closeAll() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.hot != nil {
		errs = append(errs, s.hot.close(s.conn))
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.writeDB != nil {
		errs = append(errs, s.writeDB.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// Status implements store.Store.
func (s *Store) Status(ctx context.Context) (store.Status, error) {
	st := store.Status{Epoch: s.epoch}
	var size, page int64
	err := s.readers.QueryRowContext(ctx, `SELECT
		(SELECT coalesce(max(pos), 0) FROM records), (SELECT count(*) FROM records),
		(SELECT count(*) FROM patients), (SELECT count(*) FROM cards),
		(SELECT count(*) FROM facilities), (SELECT count(*) FROM workstations),
		(SELECT count(*) FROM fingers WHERE length(sealed) > 0), (SELECT count(*) FROM fingers WHERE searched = 0),
		(SELECT count(*) FROM reviews WHERE closed = 0),
		(SELECT count(*) FROM quarantine), (SELECT count(*) FROM batches),
		(SELECT page_count FROM pragma_page_count()), (SELECT page_size FROM pragma_page_size())`).
		Scan(&st.Head, &st.Records, &st.Patients, &st.Cards, &st.Facilities, &st.Workstations,
			&st.Fingers, &st.Unsearched, &st.Reviews, &st.Quarantined, &st.Batches, &size, &page)
	if err != nil {
		return store.Status{}, fmt.Errorf("count what is stored: %w", err)
	}
	st.Bytes = uint64(max(size, 0) * max(page, 0)) // #nosec G115 -- not negative
	return st, nil
}

// patientKey copies the bytes of a patient identifier for the driver.
func patientKey(p record.PatientID) []byte { return append([]byte(nil), p[:]...) }
