//go:build !windows

package main

// defaultHome is the service's state folder (StateDirectory=dhamani in its unit).
func defaultHome() string { return "/var/lib/dhamani" }
