package main

import (
	"os/exec"
	"syscall"
)

// apart keeps a program out of the terminal's process group: an interrupt
// typed there reaches the demo alone, which then ends its programs in order.
// A demo that is killed takes them with it: the kernel asks a program to end
// when the thread that started it does.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
