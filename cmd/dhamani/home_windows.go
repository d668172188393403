package main

import (
	"os"
	"path/filepath"
)

// defaultHome is the service's folder under ProgramData.
func defaultHome() string { return filepath.Join(os.Getenv("ProgramData"), "Dhamani") }
