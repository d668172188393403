//go:build unix

package central_test

import (
	"syscall"
	"time"
)

// processorTime returns what the process has used of all cores so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
