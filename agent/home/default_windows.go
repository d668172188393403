package home

import (
	"os"
	"path/filepath"
)

// DefaultDir is the service's folder under ProgramData.
func DefaultDir() string { return filepath.Join(os.Getenv("ProgramData"), "Dhamani") }
