package main

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// apart keeps a program out of the console's process group: an interrupt typed
// there reaches the demo alone, which then ends its programs in order.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// interrupt ends a process: Windows has no signal that asks.
func interrupt(p *os.Process) error { return p.Kill() }

// tryLock takes the lock of a file if nobody has it. It lasts until the file is
// closed, also by the end of this process.
func tryLock(f *os.File) bool {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, new(windows.Overlapped)) == nil
}
