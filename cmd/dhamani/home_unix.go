//go:build !windows

package main

// defaultHome is the service's state folder (StateDirectory=dhamani in its unit).
func defaultHome() string { return "/var/lib/dhamani" }

// startService is the next step when the card service does not run.
const startService = "start the card service: sudo systemctl start pcscd.socket (package pcscd)"
