package cache

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// boltLock is the byte range that bbolt locks.
func boltLock() *windows.Overlapped {
	const at = 1<<32 - 1
	return &windows.Overlapped{Offset: at, OffsetHigh: at}
}

// lockFile takes the lock that bbolt takes.
func lockFile(f *os.File) (ok bool, err error) {
	const flags = windows.LOCKFILE_FAIL_IMMEDIATELY | windows.LOCKFILE_EXCLUSIVE_LOCK
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, boltLock())
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// handOver releases the lock for bbolt, because Windows does not let even the
// same handle lock a range twice. A program that slips in between leaves a
// sound file behind, and bbolt then waits for it.
func handOver(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, boltLock())
}
