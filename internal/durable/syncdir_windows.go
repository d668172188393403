package durable

// SyncDir does nothing: NTFS keeps names in its own journal, and a folder
// cannot be flushed.
func SyncDir(string) error { return nil }
