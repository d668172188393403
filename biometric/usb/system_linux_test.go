package usb

import (
	"fmt"
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

// TestServiceNamed: a service that this program may not look into is named all
// the same.
func TestServiceNamed(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("there is no sleep")
	}
	raw, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	service := filepath.Join(t.TempDir(), "fprintd")
	if err := os.WriteFile(service, raw, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), service, "60")
	cmd.Args[0] = "sleep" // one program of many names, on some systems
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	got := holder(filepath.Join(t.TempDir(), "device"))
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if want := fmt.Sprintf("fprintd (process %d), it seems", cmd.Process.Pid); got != want {
		t.Errorf("holder %q, not %q", got, want)
	}
}
