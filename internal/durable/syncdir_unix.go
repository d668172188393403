//go:build !windows

package durable

import (
	"errors"
	"os"
)

// SyncDir flushes a folder, so that names made or changed in it last.
func SyncDir(dir string) error {
	d, err := os.Open(dir) // #nosec G304 -- the caller names the folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
