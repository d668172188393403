package localapi

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSocketFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "agent.sock")
	socket, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, want a socket of mode 0600", got)
	}
	if _, err := listenSocket(t.Context(), path); !errors.Is(err, ErrSocketInUse) {
		t.Errorf("second agent: %v, want ErrSocketInUse", err)
	}
	if err := socket.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := socket.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after close: %v, want no file", err)
	}
}

func TestSocketOfAKilledAgent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	socket, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatalf("a dead socket was not replaced: %v", err)
	}
	if err := socket.Close(); err != nil {
		t.Error(err)
	}
}

func TestSocketLeavesFilesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenSocket(t.Context(), path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v, want ErrExist", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "mine" {
		t.Errorf("the file is now %q, %v", got, err)
	}
}

func TestSocketPathTooLong(t *testing.T) {
	if _, err := listenSocket(t.Context(), "/"+strings.Repeat("x", maxSocketPath)); err == nil {
		t.Error("a path that the kernel cuts was accepted")
	}
}
