//go:build unix

package cache

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock that bbolt takes. It belongs to the open file, so
// bbolt, which is handed the same file, finds it already taken by itself.
func lockFile(f *os.File) (ok bool, err error) {
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// handOver prepares a locked file for bbolt to lock.
func handOver(*os.File) error { return nil }
