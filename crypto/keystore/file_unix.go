//go:build !windows

package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openFile opens a file for reading, but follows no link and waits for no pipe.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0) // #nosec G304 -- the name is checked
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("a link: %w", ErrPermissions)
	}
	return f, err
}

// private refuses what others may read or write, and what others own.
func private(info fs.FileInfo) error {
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("mode %#o of %s: %w", perm, info.Name(), ErrPermissions)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("owner of %s is another: %w", info.Name(), ErrPermissions)
	}
	return nil
}
