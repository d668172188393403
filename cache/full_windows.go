package cache

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isFull reports whether an error says that the disk, or the user's share of
// it, is full.
func isFull(err error) bool {
	for _, full := range []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED} {
		if errors.Is(err, full) {
			return true
		}
	}
	return false
}
