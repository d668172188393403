//go:build cgo && linux

package usb

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/tape"
)

// mockTest runs one of this file's mocked tests under umockdev-run.
func mockTest(t *testing.T, name string, attr *syscall.SysProcAttr) {
	t.Helper()
	if Mocked() {
		t.Skip("already under umockdev-run")
	}
	run, err := exec.LookPath("umockdev-run")
	if err != nil {
		t.Skip("umockdev-run is not installed")
	}
	// Another user must be able to read all that the test needs.
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for to, from := range map[string]string{
		"test": os.Args[0], tape.DeviceFile: filepath.Join(contractFixture, tape.DeviceFile), tape.PacketFile: filepath.Join(contractFixture, tape.PacketFile),
	} {
		raw, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), raw, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), run, "-d", filepath.Join(dir, tape.DeviceFile), "-p", "/sys"+tape.MockPath+"="+filepath.Join(dir, tape.PacketFile),
		"--", filepath.Join(dir, "test"), "-test.v", "-test.run", "^"+name+"$")
	cmd.Dir, cmd.SysProcAttr = "/", attr
	cmd.Env = append(os.Environ(), "TMPDIR=/tmp", "HOME=/")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+name) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// onlyDevice is what List gives.
func onlyDevice(t *testing.T) scanner.Device {
	t.Helper()
	if !Mocked() {
		t.Skip("started by another test under umockdev-run")
	}
	devices, err := New(slog.New(slog.DiscardHandler)).List(t.Context())
	if err != nil || len(devices) != 1 {
		t.Fatalf("%d devices, %v", len(devices), err)
	}
	return devices[0]
}

// TestDenied: a device that another user may not open is told with its file
// and the udev rule, by libusb's own refusal.
func TestDenied(t *testing.T) {
	var attr *syscall.SysProcAttr
	if os.Getuid() == 0 { // may open everything: be nobody
		attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	mockTest(t, "TestMockedDenied", attr)
}

func TestMockedDenied(t *testing.T) {
	d := onlyDevice(t)
	at, err := parsePlace(d.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(os.Getenv(mockVariable)+at.node(), 0); err != nil {
		t.Fatal(err)
	}
	tr, err := New(slog.New(slog.DiscardHandler)).Open(t.Context(), d.Name)
	var denied *scanner.DeniedError
	if !errors.As(err, &denied) || denied.Node != at.node() || !strings.Contains(err.Error(), scanner.RuleFile) {
		t.Errorf("%v, %v", tr, err)
	}
}

// TestReplug: a hub sees a scanner leave and come back through libusb, and a
// capture that the machine sleeps in ends, each soon: they look every second.
func TestReplug(t *testing.T) { mockTest(t, "TestMockedReplug", nil) }

func TestMockedReplug(t *testing.T) {
	d := onlyDevice(t)
	var slept atomic.Int64
	hub := scanner.NewHub(New(slog.New(slog.DiscardHandler)))
	hub.Asleep = func() time.Duration { return time.Duration(slept.Load()) }

	ended := make(chan error, 1)
	go func() {
		_, err := hub.Capture(t.Context(), d.Name, scanner.Request{}, scanner.Options{
			Seed: scanner.FixedSeed(scanner.RecordingSeed + 1), // stops where the recording goes on otherwise
			Watch: func(ev scanner.Event) {
				if ev.State == scanner.Scanning {
					slept.Store(int64(time.Hour))
				}
			},
		})
		ended <- err
	}()
	begin := time.Now()
	if err := <-ended; !errors.Is(err, scanner.ErrSlept) || time.Since(begin) > time.Minute {
		t.Errorf("a capture that slept: %v after %v", err, time.Since(begin))
	}
	if hub.Taken(d.Name) {
		t.Error("the scanner is still taken")
	}

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	changes := make(chan scanner.Change, 10)
	go func() { _ = hub.Watch(ctx, func(c scanner.Change) { changes <- c }) }()
	expect := func(want scanner.ChangeKind, within time.Duration) {
		t.Helper()
		select {
		case c := <-changes:
			if c.Kind != want {
				t.Fatalf("%s, not %s", c.Kind, want)
			}
		case <-time.After(within):
			t.Fatalf("no %s within %v", want, within)
		}
	}
	expect(scanner.Plugged, time.Minute)
	link := os.Getenv(mockVariable) + "/sys/bus/usb/devices/" + filepath.Base(tape.MockPath)
	to, err := os.Readlink(link)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	expect(scanner.Unplugged, time.Minute)
	if _, err := hub.Capture(ctx, "", scanner.Request{}, scanner.Options{}); !errors.Is(err, scanner.ErrNoScanner) {
		t.Errorf("without a scanner: %v", err)
	}
	if err := os.Symlink(to, link); err != nil {
		t.Fatal(err)
	}
	expect(scanner.Plugged, time.Minute)
}

// TestIdle: watching a scanner that nobody uses takes under a hundredth of a
// core.
func TestIdle(t *testing.T) { mockTest(t, "TestMockedIdle", nil) }

func TestMockedIdle(t *testing.T) {
	onlyDevice(t)
	const watched = 5 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), watched)
	defer cancel()
	before := used(t)
	_ = scanner.NewHub(New(slog.New(slog.DiscardHandler))).Watch(ctx, func(scanner.Change) {})
	share := float64(used(t)-before) / float64(watched)
	t.Logf("%.2f %% of a core", 100*share)
	if share > 0.01 {
		t.Errorf("%.2f %% of a core", 100*share)
	}
}

// used is the time that this process has computed.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
