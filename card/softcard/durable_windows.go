//go:build windows

package softcard

// syncDir has nothing to do: NTFS journals the rename itself.
func syncDir(string) error { return nil }
