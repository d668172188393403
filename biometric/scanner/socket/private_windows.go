package socket

import "os"

// private checks that the socket is there; whose it is follows from its folder.
func private(path string) error {
	_, err := os.Lstat(path)
	return err
}
