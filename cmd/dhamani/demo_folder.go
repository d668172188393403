package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	folderPrefix = "dhamani-demo-"
	folderLock   = "demo.lock" // held by the demo whose folder it is
)

// tempFolder is the temporary folder of one demo.
type tempFolder struct {
	path string
	lock *os.File
}

// newTempFolder removes the folders of demos that were killed and makes one.
func newTempFolder() (*tempFolder, error) {
	sweepFolders()
	path, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return nil, fmt.Errorf("make the demo's folder: %w", err)
	}
	f := &tempFolder{path: path}
	// The lock is taken before the file has its name, so that no other demo
	// finds it free in between.
	early := filepath.Join(path, folderLock+".new")
	if f.lock, err = os.OpenFile(early, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil { // #nosec G304 -- in our own new folder
		return nil, errors.Join(fmt.Errorf("lock the demo's folder: %w", err), f.remove())
	}
	if tryLock(f.lock) {
		// Where an open file cannot be renamed, the folder just never counts as left over.
		_ = os.Rename(early, filepath.Join(path, folderLock))
	}
	return f, nil
}

// remove removes the folder with all that is in it.
func (f *tempFolder) remove() error {
	if f.lock != nil {
		_ = f.lock.Close() // nothing was written to it
	}
	return os.RemoveAll(f.path)
}

// sweepFolders removes the folders whose demos are dead. It is a courtesy: what
// cannot be removed stays.
func sweepFolders() {
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	for _, path := range folders {
		if info, err := os.Lstat(path); err != nil || !info.IsDir() {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(path, folderLock), os.O_RDWR, 0) // #nosec G304 -- only locked
		if err != nil {
			continue // nobody's, another user's, or just being made
		}
		if tryLock(lock) {
			_ = (&tempFolder{path: path, lock: lock}).remove()
			continue
		}
		_ = lock.Close()
	}
}
