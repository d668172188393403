//go:build !windows

package socket

import (
	"fmt"
	"os"
	"syscall"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// private checks that nobody but this account, or root, can serve the socket.
// It owes scanner.ErrDenied and fs.ErrNotExist.
func private(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if info.Mode().Type() != os.ModeSocket || info.Mode().Perm()&0o077 != 0 || !ok || owner.Uid != 0 && int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("socket %s is not this account's alone: %w", path, scanner.ErrDenied)
	}
	return nil
}
