package scanner

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// workingTime is the time that the system has worked since it was started;
// that since its start has sleep in it.
var workingTime = windows.NewLazySystemDLL("kernel32.dll").NewProc("QueryUnbiasedInterruptTime")

// systemAsleep is by how much the clock that runs on in sleep is ahead of the
// one that does not.
func systemAsleep() time.Duration {
	var worked uint64                                                            // in 100 ns
	if ok, _, _ := workingTime.Call(uintptr(unsafe.Pointer(&worked))); ok == 0 { //nolint:gosec // as the system wants it
		return 0
	}
	return windows.DurationSinceBoot() - time.Duration(worked)*100 //nolint:gosec // under 292 years
}
