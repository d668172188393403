//go:build unix

package main

import (
	"os"
	"strings"
	"syscall"
)

const clobberSetting = "clobberfree"

// clobberFreed has the garbage collector overwrite what it frees, so that no
// copy of a section key that a hash or a cipher has made outlives its use. The
// runtime takes that setting only at its start, so the process begins again,
// once, under the same number. Where that fails, it goes on without.
func clobberFreed() {
	set := os.Getenv("GODEBUG")
	if strings.Contains(set, clobberSetting) {
		return
	}
	if set != "" {
		set += ","
	}
	self, err := os.Executable()
	if err != nil || os.Setenv("GODEBUG", set+clobberSetting+"=1") != nil {
		return
	}
	_ = syscall.Exec(self, os.Args, os.Environ()) // #nosec G204 G702 -- this very program; it comes back only when it fails
}
