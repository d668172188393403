//go:build !windows

package home

// DefaultDir is the service's state folder (StateDirectory=dhamani in its unit).
func DefaultDir() string { return "/var/lib/dhamani" }
