//go:build !windows

package main

// startService is the next step when the card service does not run.
const startService = "start the card service: sudo systemctl start pcscd.socket (package pcscd)"
