//go:build !linux && !windows

package main

import (
	"os/exec"
	"syscall"
)

// apart keeps a program out of the terminal's process group: an interrupt
// typed there reaches the demo alone, which then ends its programs in order.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
