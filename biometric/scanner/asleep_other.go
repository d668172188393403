//go:build !linux && !windows

package scanner

import "time"

var began = time.Now()

// systemAsleep is by how much the wall clock has run ahead of Go's clock, which
// stands still in sleep on most systems. A wall clock that is set forward looks
// the same: a capture is made again then.
func systemAsleep() time.Duration { return time.Now().Round(0).Sub(began.Round(0)) - time.Since(began) }
