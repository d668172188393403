package cache

import (
	"errors"
	"fmt"
)

// Errors that callers branch on.
var (
	// ErrCorrupt is returned when the file is damaged; see Recover.
	ErrCorrupt = errors.New("cache file is damaged")
	// ErrLocked is returned when another process has the file open.
	ErrLocked = errors.New("cache file is in use by another process")
	// ErrWrongKey is returned when the file was made with another cache key.
	ErrWrongKey = errors.New("cache key does not fit the file")
	// ErrSchema is returned when a newer program wrote the file.
	ErrSchema = errors.New("cache file has a schema that this program does not know")
	// ErrNotFound is returned when there is no such pending write or entry.
	ErrNotFound = errors.New("not in the cache")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("cache is closed")
	// ErrFull is returned when the disk is full. Nothing was written then, and
	// the cache may be used further.
	ErrFull = errors.New("no room on the disk")
	// ErrInvalid is returned for an argument out of bounds, before anything is written.
	ErrInvalid = errors.New("invalid argument")
)

// AuditError names the first link of the audit chain that does not hold. It
// is ErrCorrupt to errors.Is.
type AuditError struct {
	Seq  uint64 // number of the record, from 1
	What string
}

func (e *AuditError) Error() string {
	return fmt.Sprintf("audit record %d: %s", e.Seq, e.What)
}

// Is makes an AuditError an ErrCorrupt.
func (e *AuditError) Is(target error) bool { return target == ErrCorrupt }

// full makes the file system's ways to say that the disk is full an ErrFull.
func full(err error) error {
	if err == nil || errors.Is(err, ErrFull) || !isFull(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrFull, err)
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrCorrupt)...)
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrInvalid)...)
}
