package main

import (
	"os"
	"path/filepath"
)

// defaultHome is the service's folder under ProgramData.
func defaultHome() string { return filepath.Join(os.Getenv("ProgramData"), "Dhamani") }

// startService is the next step when the card service does not run.
const startService = "start the service 'Smart Card' (SCardSvr); without a reader Windows stops it"
