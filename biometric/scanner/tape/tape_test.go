package tape

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// nowhere is a transport of a device that answers zeros.
type nowhere struct{ scanner.Transport }

func (nowhere) Control(_ context.Context, _ scanner.Setup, data []byte) (int, error) {
	return len(data), nil
}
func (nowhere) Submit(uint8, int) (scanner.Pending, error) { return zeros{}, nil }
func (nowhere) Write(context.Context, uint8, []byte) error { return nil }
func (nowhere) Close() error                               { return nil }

type zeros struct{}

func (zeros) Wait(context.Context) ([]byte, error) { return make([]byte, 3), nil }

var (
	register    = scanner.Setup{Type: 0xC0, Request: 4, Value: 7}
	descriptors = append([]byte{18, 1, 0, 2, 0, 0, 0, 64, 0xBA, 0x05, 0x0A, 0x00, 0, 1, 0, 0, 0, 1},
		9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0, 7, 5, 0x81, 3, 64, 0, 10, 7, 5, 0x02, 2, 64, 0, 0)
)

// talk is what the tests' driver does.
func talk(ctx context.Context, t scanner.Transport) error {
	p, err := t.Submit(0x81, 64)
	if err != nil {
		return err
	}
	if _, err := t.Control(ctx, register, make([]byte, 1)); err != nil {
		return err
	}
	if err := t.Write(ctx, 0x02, []byte{1, 2, 3}); err != nil {
		return err
	}
	got, err := p.Wait(ctx)
	if err == nil && len(got) != 3 {
		err = errors.New("other data")
	}
	return err
}

func recorded3(tb testing.TB) []byte {
	tb.Helper()
	var file bytes.Buffer
	r, err := NewRecorder(&file, nowhere{}, descriptors)
	if err != nil {
		tb.Fatal(err)
	}
	if err := errors.Join(talk(tb.Context(), r), r.Close()); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

func TestPlay(t *testing.T) {
	raw := recorded3(t)
	recording, err := Parse(nil, raw)
	if err != nil {
		t.Fatal(err)
	}
	if recording.Device.Model.ID != (scanner.ID{Vendor: 0x05BA, Product: 0x000A}) {
		t.Errorf("device %v", recording.Device.Model.ID)
	}
	tr := recording.Play()
	if err := talk(t.Context(), tr); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Control(t.Context(), register, make([]byte, 1)); !errors.Is(err, ErrEnd) {
		t.Errorf("after the end: %v", err)
	}
}

// TestPlayIsStrict: what was not recorded fails, and so does all that follows.
func TestPlayIsStrict(t *testing.T) {
	recording, err := Parse(nil, recorded3(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]func(scanner.Transport) error{
		"other length of a read": func(tr scanner.Transport) error { _, err := tr.Submit(0x81, 32); return submitted(t, tr, err) },
		"other endpoint":         func(tr scanner.Transport) error { _, err := scanner.Read(t.Context(), tr, 0x82, 64); return err },
		"other register": func(tr scanner.Transport) error {
			_, _ = tr.Submit(0x81, 64)
			_, err := tr.Control(t.Context(), scanner.Setup{Type: 0xC0, Request: 4, Value: 8}, make([]byte, 1))
			return err
		},
		"other data": func(tr scanner.Transport) error {
			_, _ = tr.Submit(0x81, 64)
			_, _ = tr.Control(t.Context(), register, make([]byte, 1))
			return tr.Write(t.Context(), 0x02, []byte{1, 2, 4})
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := recording.Play()
			if err := other(tr); !errors.Is(err, ErrMismatch) {
				t.Fatal(err)
			}
			if err := talk(t.Context(), tr); !errors.Is(err, ErrMismatch) {
				t.Errorf("later: %v", err)
			}
		})
	}
}

// submitted gives the first error after a submission.
func submitted(t *testing.T, tr scanner.Transport, err error) error {
	t.Helper()
	if err != nil {
		return err
	}
	_, err = tr.Control(t.Context(), register, make([]byte, 1))
	return err
}

func TestParseRefuses(t *testing.T) {
	raw := recorded3(t)
	for n := range raw {
		if _, err := Parse(nil, raw[:n]); n%4 != 0 && !errors.Is(err, ErrFormat) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	foreign := bytes.Clone(raw)
	for i := range foreign {
		if bytes.HasPrefix(foreign[i:], []byte{0xBA, 0x05, 0x0A, 0x00}) {
			foreign[i] = 0
		}
	}
	if _, err := Parse(nil, foreign); !errors.Is(err, scanner.ErrNoScanner) {
		t.Errorf("a foreign device: %v", err)
	}
	for name, text := range map[string]string{
		"empty":     "",
		"no values": "N: bus/usb/001/002=00\n",
		"not hex":   "N: bus/usb/001/002=XY\nA: busnum=1\nA: devnum=2\n",
		"no colon":  "hello\n",
		"bus 70000": "A: busnum=70000\n",
	} {
		if _, err := Parse([]byte(text), raw); !errors.Is(err, ErrFormat) {
			t.Errorf("description %s: %v", name, err)
		}
	}
	device := []byte("N: bus/usb/001/002=12010002000000408D29101001000102000109022700010100A0320904000003000000000705810340\nA: busnum=1\\n\nA: devnum=2\\n\n")
	for _, line := range []string{
		"nonsense", "USBDEVFS_REAPURBNDELAY 0 3 2 0 0 8 8 0 80", "USBDEVFS_REAPURBNDELAY 0 9 2 0 0 1 1 0 80",
		"USBDEVFS_REAPURBNDELAY 0 3 2 0", "USBDEVFS_REAPURBNDELAY 0 3 x 0 0 1 1 0 80", "@DEV /dev/bus/usb/001/002",
	} {
		if _, err := Parse(device, []byte(line+"\n")); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", line, err)
		}
	}
	if _, err := Parse(device, []byte("USBDEVFS_REAPURBNDELAY 0 3 2 0 0 1 1 0 80\n")); err != nil {
		t.Errorf("one transfer: %v", err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("empty folder: %v", err)
	}
	name := filepath.Join(dir, PacketFile)
	if err := os.WriteFile(name, recorded3(t), 0o600); err != nil {
		t.Fatal(err)
	}
	d := scanner.Device{Model: scanner.Model{ID: scanner.ID{Vendor: 0x05BA, Product: 0x000A}}, Descriptors: descriptors}
	if err := os.WriteFile(filepath.Join(dir, DeviceFile), Describe(d), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{dir, name} {
		recording, err := Load(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := talk(t.Context(), recording.Play()); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	device := Describe(scanner.Device{Model: scanner.Model{ID: scanner.ID{Vendor: 0x05BA, Product: 0x000A}}, Descriptors: descriptors})
	f.Add([]byte(nil), recorded3(f))
	f.Add(device, []byte("@DEV /dev/bus/usb/001/003\nUSBDEVFS_REAPURBNDELAY 0 3 131 0 0 16 2 0 8037\n"))
	f.Fuzz(func(t *testing.T, device, raw []byte) {
		recording, err := Parse(device, raw)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, scanner.ErrNoScanner) {
				t.Fatal(err)
			}
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		tr := recording.Play()
		_ = talk(ctx, tr)
		_ = tr.Close()
	})
}
