package usb

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestHolder: the program that has a file open is named.
func TestHolder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "device")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := holder(name); got != "" {
		t.Errorf("nobody holds it, not %q", got)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	cmd.Stdin = file
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	got := holder(name)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if !strings.HasPrefix(got, "sleep (process ") {
		t.Errorf("holder %q", got)
	}
}
