package scanner_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/faulty"
	"github.com/dhamani-iq/dhamani/biometric/scanner/scannertest"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
	"github.com/dhamani-iq/dhamani/biometric/scanner/tape"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSoftScanners: every model and variant gives the image of the finger that
// lies on it, and so does a recording of that.
func TestSoftScanners(t *testing.T) {
	type device struct {
		name     string
		id       scanner.ID
		variants []soft.Variant
	}
	var devices []device
	for _, m := range scanner.Models() {
		devices = append(devices, device{m.ID.String(), m.ID, nil})
	}
	devices = append(devices,
		device{"swipe", scanner.ID{Vendor: 0x147E, Product: 0x2016}, []soft.Variant{soft.Swipe}},
		device{"clear", scannertest.Model, []soft.Variant{soft.Clear}},
	)
	for _, d := range devices {
		t.Run(d.name, func(t *testing.T) {
			finger := ridges(300, 350)
			s := softScanner(t, d.id, d.variants...)
			want := s.Seen(finger)
			recording, _, got := record(t, s, finger)
			if !same(got, want) {
				t.Fatal("the image is another than the finger's")
			}
			if again := capture(t, recording.Play(), recording.Device.Model, nil); !same(again.Gray, want) {
				t.Fatal("the recording gives another image")
			}
			if st := s.Stats(); st.Opened != 1 || st.Closed != 1 || st.Submitted != st.Ended {
				t.Errorf("something is left open: %+v", st)
			}
		})
	}
}

// TestPaced: a recording can be played as slow as it was made.
func TestPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finger := ridges(384, 290)
		s := softScanner(t, scannertest.Model)
		var file bytes.Buffer
		rec, err := tape.NewRecorder(&file, open(t, s), s.Device("1").Descriptors)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(3*time.Second, func() { s.Touch(finger) })
		capture(t, rec, mustLookup(t, scannertest.Model), func(ev scanner.Event) {
			if ev.State == scanner.Lifting {
				time.AfterFunc(time.Second, s.Lift)
			}
		})
		recording, err := tape.Parse(nil, file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			play scanner.Transport
			took time.Duration
		}{{recording.Play(), 0}, {recording.PlayPaced(), 4 * time.Second}} {
			begin := time.Now()
			img := capture(t, tt.play, recording.Device.Model, nil)
			if took := time.Since(begin); took != tt.took || !same(img.Gray, s.Seen(finger)) || !img.Lifted {
				t.Errorf("took %v, not %v; lifted %v", took, tt.took, img.Lifted)
			}
		}
	})
}

// TestTransports runs the contract on every transport that needs no libusb.
func TestTransports(t *testing.T) {
	plugSoft := func(t *testing.T) (*soft.Scanner, scannertest.Plugged) {
		t.Helper()
		s := softScanner(t, scannertest.Model)
		finger := ridges(300, 280)
		s.Touch(finger)
		return s, scannertest.Plugged{Transport: lifting{open(t, s), s}, Want: s.Seen(finger), Unplug: s.Unplug}
	}
	for name, plug := range map[string]scannertest.Plug{
		"soft": func(t *testing.T) scannertest.Plugged {
			t.Helper()
			_, p := plugSoft(t)
			return p
		},
		"faulty": func(t *testing.T) scannertest.Plugged {
			t.Helper()
			_, p := plugSoft(t)
			p.Transport = faulty.New(p.Transport, faulty.None, 0)
			return p
		},
		"recorder": func(t *testing.T) scannertest.Plugged {
			t.Helper()
			s, p := plugSoft(t)
			rec, err := tape.NewRecorder(&bytes.Buffer{}, p.Transport, s.Device("1").Descriptors)
			if err != nil {
				t.Fatal(err)
			}
			p.Transport = rec
			return p
		},
		"player": func(t *testing.T) scannertest.Plugged {
			t.Helper()
			recording, _, img := record(t, softScanner(t, scannertest.Model), ridges(300, 280))
			return scannertest.Plugged{Transport: recording.Play(), Want: img}
		},
	} {
		t.Run(name, func(t *testing.T) { scannertest.Transport(t, plug) })
	}
}
