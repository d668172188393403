//go:build cgo

package usb

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

const (
	captureTo    = "DHAMANI_TEST_CAPTURE_TO"
	seedVariable = "DHAMANI_TEST_SEED" // another than that of recordings
)

// TestMain captures a finger when a test has started this program under
// umockdev-run, and runs the tests otherwise.
func TestMain(m *testing.M) {
	if name := os.Getenv(captureTo); name != "" {
		if err := captureMocked(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func captureMocked(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	bus := New(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	devices, err := bus.List(ctx)
	if err != nil || len(devices) != 1 {
		return fmt.Errorf("%d devices, %w", len(devices), err)
	}
	tr, err := bus.Open(ctx, devices[0].Name)
	if err != nil {
		return err
	}
	seed := scanner.RecordingSeed
	if os.Getenv(seedVariable) != "" {
		seed++
	}
	s, err := scanner.Open(ctx, tr, devices[0].Model, scanner.Options{Seed: scanner.FixedSeed(seed)})
	if err != nil {
		return err
	}
	img, err := s.Capture(ctx, scanner.Request{Wait: time.Minute})
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img.Gray); err != nil {
		return err
	}
	fmt.Println(img.Took, img.Took-img.Device)
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		return err
	}
	return s.Close()
}

// mocked starts this program under umockdev-run with a recording.
func mocked(t *testing.T, dir string) (*image.Gray, error) {
	t.Helper()
	run, err := exec.LookPath("umockdev-run")
	if err != nil {
		t.Skip("umockdev-run is not installed")
	}
	device, err := os.ReadFile(filepath.Join(dir, "device"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(device), "\n")
	args := []string{"-d", filepath.Join(dir, "device")}
	if packets := filepath.Join(dir, "capture.pcapng"); exists(packets) {
		args = append(args, "-p", "/sys"+strings.TrimPrefix(first, "P: ")+"="+packets)
	} else {
		_, node, _ := strings.Cut(string(device), "E: DEVNAME=")
		node, _, _ = strings.Cut(node, "\n")
		args = append(args, "-i", node+"="+filepath.Join(dir, "capture.ioctl"))
	}
	to := filepath.Join(t.TempDir(), "out.png")
	cmd := exec.CommandContext(t.Context(), run, append(args, "--", os.Args[0])...)
	cmd.Env = append(os.Environ(), captureTo+"="+to)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	t.Logf("%s", out)
	return readGray(t, to), nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func readGray(t *testing.T, name string) *image.Gray {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	src, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(src.Bounds())
	for y := range src.Bounds().Dy() {
		for x := range src.Bounds().Dx() {
			img.Set(x, y, src.At(x, y))
		}
	}
	return img
}

// TestFixtures: recordings of our soft scanners work through libusb.
func TestFixtures(t *testing.T) {
	dirs, err := filepath.Glob("../../firmware-fixtures/usb/*/capture.png")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("%d fixtures, %v", len(dirs), err)
	}
	for _, name := range dirs {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) { compare(t, name) })
	}
}

// TestWrongSeed: libusb refuses what was not recorded.
func TestWrongSeed(t *testing.T) {
	t.Setenv(seedVariable, "1")
	if _, err := mocked(t, "../../firmware-fixtures/usb/uru4500"); err == nil || !strings.Contains(err.Error(), scanner.ErrTimeout.Error()) {
		t.Fatalf("another seed: %v", err)
	}
}

// TestRealRecordings: the recordings of real devices give their reference
// images through libusb as well.
func TestRealRecordings(t *testing.T) {
	data := os.Getenv("DHAMANI_DATA")
	if data == "" {
		data = "../../../shared/data"
	}
	dirs, err := filepath.Glob(filepath.Join(data, "usb", "*", "capture.png"))
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) == 0 {
		t.Skipf("no recordings of real scanners below %s/usb; name their folder in DHAMANI_DATA", data)
	}
	for _, name := range dirs {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) { compare(t, name) })
	}
}

// compare wants a recording's own image. umockdev answers when it has time: on
// a busy machine that may be too late for a driver, which is then asked again.
func compare(t *testing.T, name string) {
	t.Helper()
	got, err := mocked(t, filepath.Dir(name))
	for try := 1; try < 5 && err != nil && strings.Contains(err.Error(), " in time"); try++ {
		t.Log(err)
		got, err = mocked(t, filepath.Dir(name))
	}
	if err != nil {
		t.Fatal(err)
	}
	if want := readGray(t, name); got.Rect != want.Rect || !bytes.Equal(got.Pix, want.Pix) {
		t.Fatal("the image is another")
	}
}
