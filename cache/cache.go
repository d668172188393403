package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/dhamani-iq/dhamani/internal/durable"
)

const (
	lockTimeout = time.Second
	lockRetry   = 50 * time.Millisecond
	// closeTimeout bounds the wait for a file that broke while open.
	closeTimeout = time.Second
)

// Cache is an open cache file. It is safe for concurrent use.
type Cache struct {
	db      *bbolt.DB
	box     *box
	log     *slog.Logger
	broken  atomic.Bool // no further work
	damaged atomic.Bool // something could not be read
	closed  atomic.Bool

	outboxLen, quarantineLen atomic.Int64

	running runningClock

	writing sync.Mutex // held by the one write transaction; guards gen
	gen     uint64     // the highest generation in the file
}

// Open opens the cache file at path, and makes an empty one if there is none.
// It owes ErrCorrupt (see Recover), ErrLocked after a second, ErrWrongKey,
// ErrSchema, ErrFull and the file system's errors. Section keys whose time is over are
// removed.
func Open(path string, key [32]byte, log *slog.Logger) (*Cache, error) {
	c, err := open(path, key, log)
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", full(err))
	}
	if _, err := c.ExpireKeys(time.Now()); err != nil {
		return nil, errors.Join(fmt.Errorf("open cache: %w", err), c.Close())
	}
	return c, nil
}

func open(path string, key [32]byte, log *slog.Logger) (*Cache, error) {
	b, err := newBox(key)
	if err != nil {
		return nil, err
	}
	f, err := openLocked(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path, b); err != nil {
			return nil, err
		}
		f, err = openLocked(path)
	}
	if err != nil {
		return nil, err
	}
	c := &Cache{box: b, log: log}
	c.running.set()
	if err := errors.Join(sweep(path), c.check(f)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := c.mapped(path, f); err != nil {
		return nil, err
	}
	return c, nil
}

// openLocked opens an existing file and takes its lock.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600) // #nosec G304 G703 -- the configured path
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(lockTimeout); ; {
		ok, err := lockFile(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock file: %w", err), f.Close())
		}
		if ok {
			return f, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(ErrLocked, f.Close())
		}
		<-time.After(lockRetry)
	}
}

// check reads the whole file before it is mapped.
func (c *Cache) check(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	got, err := checkFile(f, info.Size(), c.box)
	if err != nil {
		return err
	}
	c.gen = got.gen
	c.outboxLen.Store(got.outbox)
	c.quarantineLen.Store(got.quarantine)
	return nil
}

// mapped hands the locked and checked file to bbolt.
func (c *Cache) mapped(path string, f *os.File) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = corrupt("map file: %v", r)
		}
	}()
	if err := handOver(f); err != nil {
		return errors.Join(fmt.Errorf("hand over lock: %w", err), f.Close())
	}
	c.db, err = boltOpen(path, func(string, int, os.FileMode) (*os.File, error) { return f, nil })
	return err
}

func boltOpen(path string, openFile func(string, int, os.FileMode) (*os.File, error)) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockTimeout, PageSize: pageSize, FreelistType: bbolt.FreelistMapType, OpenFile: openFile, NoStatistics: true,
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrLocked
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return db, err
}

// create makes an empty cache file that appears at path whole or not at all.
// A file that another process put there first is left as it is.
func create(path string, b *box) error {
	tmp, err := tempFile(path)
	if err != nil {
		return err
	}
	defer os.Remove(tmp) //nolint:errcheck // gone already when it was renamed
	db, err := boltOpen(tmp, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(func(t *bbolt.Tx) error { return lay(t, b) }), db.Close()); err != nil {
		return err
	}
	switch err := os.Link(tmp, path); {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil: // a file system without links
		if err := os.Rename(tmp, path); err != nil { // #nosec G703 -- the configured path
			return err
		}
	}
	return durable.SyncDir(filepath.Dir(path))
}

// newInfix stands between a cache file's name and a random part in the name of
// a file that is being made.
const newInfix = ".new-"

// sweep removes what a program left behind that ended while it made a file.
// The caller holds the lock of the file at path.
func sweep(path string) error {
	dir := filepath.Dir(path)
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), filepath.Base(path)+newInfix) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) { // #nosec G703 -- beside the configured path
			return err
		}
	}
	return nil
}

// tempFile names an empty file beside path, which only the user may read.
func tempFile(path string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+newInfix+"*")
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// lay makes the buckets and the header.
func lay(t *bbolt.Tx, b *box) error {
	for name := range keyLengths {
		if _, err := t.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	m, err := t.CreateBucket([]byte(bucketMeta))
	if err != nil {
		return err
	}
	return m.Put([]byte(keyHeader), header(b))
}

// Close waits for running transactions and closes the file. A second Close
// does nothing.
func (c *Cache) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	if !c.broken.Load() {
		if err := c.db.Close(); err != nil {
			return fmt.Errorf("close cache: %w", err)
		}
		return nil
	}
	done := make(chan error, 1)
	go func() {
		defer func() { _ = recover() }()
		done <- c.db.Close()
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(closeTimeout):
		return fmt.Errorf("close cache: %w", ErrCorrupt)
	}
}

// Broken reports whether the file was found to be damaged since it was opened.
// Whatever does not touch the damage may still work; to be rid of it, close the
// cache and use Recover.
func (c *Cache) Broken() bool { return c.broken.Load() || c.damaged.Load() }

// OutboxLen returns the number of entries that wait to be sent.
func (c *Cache) OutboxLen() int { return int(c.outboxLen.Load()) }

// QuarantineLen returns the number of entries that the centre has refused.
func (c *Cache) QuarantineLen() int { return int(c.quarantineLen.Load()) }
