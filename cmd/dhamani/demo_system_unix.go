//go:build !windows

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// interrupt asks a process to end.
func interrupt(p *os.Process) error { return p.Signal(unix.SIGTERM) }

// tryLock takes the lock of a file if nobody has it. It lasts until the file is
// closed, also by the end of this process; programs started do not inherit it.
func tryLock(f *os.File) bool { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil }
