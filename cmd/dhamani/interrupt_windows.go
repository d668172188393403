package main

import (
	"os"
	"os/exec"
	"syscall"
)

// apart keeps a program out of the console's process group: an interrupt typed
// there reaches the demo alone, which then ends its programs in order.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// interrupt ends a process: Windows has no signal that asks.
func interrupt(p *os.Process) error { return p.Kill() }
