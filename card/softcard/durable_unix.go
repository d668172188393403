//go:build unix

package softcard

import (
	"errors"
	"os"
)

// syncDir flushes a folder, so that a rename in it outlives a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir) // #nosec G304 -- the folder of the caller's file
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
