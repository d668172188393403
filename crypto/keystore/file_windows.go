package keystore

import (
	"io/fs"
	"os"
)

// openFile opens a file for reading.
func openFile(path string) (*os.File, error) {
	return os.Open(path) // #nosec G304 -- the name is checked
}

// private has nothing to check: mode bits say nothing on Windows, where the
// folder inherits the access list of the account that the service runs under.
func private(fs.FileInfo) error { return nil }
