//go:build cgo

package usb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/gousb"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/scannertest"
	"github.com/dhamani-iq/dhamani/biometric/scanner/tape"
)

const contractFixture = "../../firmware-fixtures/usb/uru4500"

// TestTransport runs the contract of scanner.Transport on libusb. umockdev
// plays a recording once, so each check has a process of its own.
func TestTransport(t *testing.T) {
	if Mocked() {
		t.Skip("already under umockdev-run")
	}
	run, err := exec.LookPath("umockdev-run")
	if err != nil {
		t.Skip("umockdev-run is not installed")
	}
	for _, check := range []string{"context", "take_back", "close", "capture"} {
		t.Run(check, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), run,
				"-d", filepath.Join(contractFixture, tape.DeviceFile), "-p", "/sys"+tape.MockPath+"="+filepath.Join(contractFixture, tape.PacketFile),
				"--", os.Args[0], "-test.v", "-test.run", "^TestMockedTransport$/^"+check+"$")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}

// TestMockedTransport is what TestTransport starts.
func TestMockedTransport(t *testing.T) {
	if !Mocked() {
		t.Skip("TestTransport starts it under umockdev-run")
	}
	scannertest.Transport(t, func(t *testing.T) scannertest.Plugged {
		t.Helper()
		bus := New(slog.New(slog.DiscardHandler))
		devices, err := bus.List(t.Context())
		if err != nil || len(devices) != 1 {
			t.Fatalf("%d devices, %v", len(devices), err)
		}
		tr, err := bus.Open(t.Context(), devices[0].Name)
		if err != nil {
			t.Fatal(err)
		}
		return scannertest.Plugged{Transport: tr, Want: readGray(t, filepath.Join(contractFixture, "capture.png"))}
	})
}

// TestErrors: what gousb says becomes what callers branch on.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want error
	}{
		{gousb.ErrorNoDevice, scanner.ErrUnplugged},
		{gousb.ErrorTimeout, scanner.ErrTimeout},
		{gousb.ErrorPipe, scanner.ErrStalled},
		{gousb.TransferNoDevice, scanner.ErrUnplugged},
		{gousb.TransferStall, scanner.ErrStalled},
		{fmt.Errorf("failed to claim interface: %v", gousb.ErrorBusy), scanner.ErrBusy}, //nolint:errorlint // as gousb does
		{fmt.Errorf("open: %w", gousb.ErrorAccess), scanner.ErrDenied},
		{context.Canceled, context.Canceled},
	} {
		if got := fail(tt.err); !errors.Is(got, tt.want) {
			t.Errorf("%v becomes %v, not %v", tt.err, got, tt.want)
		}
	}
	var busy *scanner.BusyError
	if err := explain(place{1, 2}, gousb.ErrorBusy); !errors.As(err, &busy) {
		t.Errorf("busy: %v", err)
	}
	var denied *scanner.DeniedError
	if err := explain(place{1, 2}, gousb.ErrorAccess); !errors.As(err, &denied) || denied.Node != "/dev/bus/usb/001/002" {
		t.Errorf("denied: %v", err)
	}
	for _, name := range []string{"", "1/2", "001/002x", "001-002", "0001/002"} {
		if p, err := parsePlace(name); err == nil {
			t.Errorf("%q is %v", name, p)
		}
	}
}

// TestNoUSB: a libusb that cannot start is an error, not the end.
func TestNoUSB(t *testing.T) {
	defer func() { newContext = gousb.NewContext }()
	newContext = func() *gousb.Context { panic(gousb.ErrorOther) }
	bus := New(slog.New(slog.DiscardHandler))
	if _, err := bus.List(t.Context()); !errors.Is(err, scanner.ErrNoUSB) {
		t.Errorf("list: %v", err)
	}
	if _, err := bus.Open(t.Context(), "001/002"); !errors.Is(err, scanner.ErrNoUSB) {
		t.Errorf("open: %v", err)
	}
}
