//go:build !windows

package keystore

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestPermissions(t *testing.T) {
	s, dir := newStore(t)
	if _, err := s.EnsureSigner("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.EnsureSecret("a"); err != nil {
		t.Fatal(err)
	}
	key, secret := filepath.Join(dir, "a"+keySuffix), filepath.Join(dir, "a"+secretSuffix)
	for _, file := range []string{key, secret, dir} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is made with mode %v", filepath.Base(file), info.Mode())
		}
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o666} {
		for _, file := range []string{key, secret} {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.EnsureSigner("a"); !errors.Is(err, ErrPermissions) {
			t.Errorf("key of mode %v: %v", mode, err)
		}
		if _, err := s.EnsureSecret("a"); !errors.Is(err, ErrPermissions) {
			t.Errorf("secret of mode %v: %v", mode, err)
		}
	}
	for _, mode := range []os.FileMode{0o750, 0o705} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); !errors.Is(err, ErrPermissions) {
			t.Errorf("folder of mode %v: %v", mode, err)
		}
	}
}

func TestLinksAndPipes(t *testing.T) {
	s, dir := newStore(t)
	if _, err := s.EnsureSigner("a"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a"+keySuffix, filepath.Join(dir, "b"+keySuffix)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Signer("b"); !errors.Is(err, ErrPermissions) {
		t.Errorf("link: %v", err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "c"+keySuffix), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Signer("c"); !errors.Is(err, ErrFormat) {
		t.Errorf("pipe: %v", err)
	}
	file := filepath.Join(dir, "a"+keySuffix)
	if _, err := Open(file); !errors.Is(err, ErrFormat) {
		t.Errorf("file as a store: %v", err)
	}
}
