package scanner

import (
	"time"

	"golang.org/x/sys/unix"
)

// systemAsleep is by how much the clock that runs on in sleep is ahead of the
// one that does not (clock_gettime(2)).
func systemAsleep() time.Duration {
	var awake, always unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &always) != nil {
		return 0 // a kernel without them does not tell
	}
	return time.Duration(always.Nano() - awake.Nano())
}
