package cache

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
)

// fullEnv tells the test that it runs in a mount namespace of its own.
const fullEnv = "DHAMANI_CACHE_TEST_FULL"

// TestDiskFull fills a small disk of its own. It runs itself again in a mount
// namespace for that.
func TestDiskFull(t *testing.T) {
	if dir := os.Getenv(fullEnv); dir != "" {
		t.Run("write", func(t *testing.T) { testFullWrite(t, dir) })
		t.Run("open", func(t *testing.T) { testFullOpen(t, dir) })
		t.Run("recover", func(t *testing.T) { testFullRecover(t, dir) })
		return
	}
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestDiskFull$", "-test.v")
	cmd.Env = append(os.Environ(), fullEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EINVAL):
		t.Skipf("no mount namespaces here: %v", err)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	}
}

// disk mounts an empty disk of some kilobytes, or gives the one that is there
// another size.
func disk(t *testing.T, dir string, flags uintptr, kilobytes int) {
	t.Helper()
	err := syscall.Mount("tmpfs", dir, "tmpfs", flags, fmt.Sprintf("size=%dk", kilobytes))
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skipf("no mounts here: %v", err)
	}
	must(t, err)
	if flags == 0 {
		t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	}
}

// fillUp leaves no room on the disk.
func fillUp(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "other"))
	must(t, err)
	defer func() { must(t, f.Close()) }()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// testFullWrite writes until the disk is full and beyond: what was said to be
// written is there, what was refused is not, and the cache goes on when there
// is room again.
func testFullWrite(t *testing.T, dir string) {
	t.Helper()
	disk(t, dir, 0, 300)
	path := filepath.Join(dir, "cache.db")
	c := openAt(t, path)
	kept, refused := 0, 0
	write := func(n int) {
		sealed := sealedEntry(t, n, n, 1500)
		err := c.Begin(pendingOf(ahmed, cardA, sealed))
		if err == nil {
			if err = c.Commit(envelope.IDOf(sealed), Placed{}, audit("append")); err == nil {
				kept++
				return
			}
			must(t, ignoreFull(c.DropPending(envelope.IDOf(sealed))))
		}
		if !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) || c.Broken() {
			t.Fatalf("entry %d: %v, broken %v", n, err, c.Broken())
		}
		refused++
	}
	for n := 0; refused < 20; n++ {
		write(n)
	}
	check := func() {
		t.Helper()
		checkInvariants(t, c)
		history, err := c.History(ahmed)
		if err != nil || len(history) != kept {
			t.Fatalf("%d entries, want %d, %v", len(history), kept, err)
		}
	}
	check()
	disk(t, dir, syscall.MS_REMOUNT, 2000)
	before := kept
	for n := range 50 {
		write(1000 + n)
	}
	if kept != before+50 {
		t.Errorf("%d of 50 written when there was room again", kept-before)
	}
	check()
	must(t, c.Close())
	c = openAt(t, path)
	check()
	must(t, c.Close()) // before the disk is gone
}

func ignoreFull(err error) error {
	if errors.Is(err, ErrFull) {
		return nil
	}
	return err
}

func testFullOpen(t *testing.T, dir string) {
	t.Helper()
	disk(t, dir, 0, 100)
	fillUp(t, dir)
	path := filepath.Join(dir, "cache.db")
	if _, err := Open(path, testKey, discard()); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want %v", err, ErrFull)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	must(t, os.Remove(filepath.Join(dir, "other")))
	must(t, openAt(t, path).Close())
}

func testFullRecover(t *testing.T, dir string) {
	t.Helper()
	disk(t, dir, 0, 600)
	raw, _ := image(t, 40)
	raw[len(raw)/2] ^= 1
	path := filepath.Join(dir, "cache.db")
	must(t, os.WriteFile(path, raw, 0o600))
	fillUp(t, dir)
	if _, err := Recover(path, testKey); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want %v", err, ErrFull)
	}
	still, err := os.ReadFile(path)
	if err != nil || string(still) != string(raw) {
		t.Errorf("the broken file is another one: %v", err)
	}
	must(t, os.Remove(filepath.Join(dir, "other")))
	if got, err := Recover(path, testKey); err != nil || got.Entries < 80 {
		t.Errorf("recovered %+v, %v", got, err)
	}
	must(t, openAt(t, path).Close())
}
