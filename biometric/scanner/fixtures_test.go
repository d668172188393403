package scanner_test

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
	"github.com/dhamani-iq/dhamani/biometric/scanner/tape"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

const fixtures = "../../firmware-fixtures/usb"

var update = flag.Bool("update", false, "record the fixtures anew")

// fixture is a soft scanner whose traffic is kept as a fixture.
type fixture struct {
	name     string
	id       scanner.ID
	variants []soft.Variant
	width    int // of the finger that is put on
	height   int
}

// zkID is the scanner that no recording stands behind.
var zkID = scanner.ID{Vendor: 0x1B55, Product: 0x0840}

var allFixtures = []fixture{
	{"uru4500", scanner.ID{Vendor: 0x05BA, Product: 0x000A}, nil, 384, 290},
	{"uru4000-authenticating", scanner.ID{Vendor: 0x045E, Product: 0x00CA}, nil, 384, 290},
	{"touchchip", scanner.ID{Vendor: 0x147E, Product: 0x2016}, nil, 192, 270},
	{"touchchip-swipe", scanner.ID{Vendor: 0x147E, Product: 0x2016}, []soft.Variant{soft.Swipe}, 144, 360},
	{"nb1010", scanner.ID{Vendor: 0x298D, Product: 0x1010}, nil, 256, 180},
	{"zk4500", zkID, nil, 300, 400},
}

// TestFixtures plays the recordings of soft scanners that are kept with the
// project: each gives its picture. With -update it records them.
func TestFixtures(t *testing.T) {
	for _, f := range allFixtures {
		t.Run(f.name, func(t *testing.T) {
			dir := filepath.Join(fixtures, f.name)
			if *update {
				f.record(t, dir)
			}
			recording, err := tape.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if recording.Device.Model.ID != f.id {
				t.Errorf("device %v", recording.Device.Model.ID)
			}
			got := capture(t, recording.Play(), recording.Device.Model, nil)
			if !same(got.Gray, readGray(t, filepath.Join(dir, "capture.png"))) {
				t.Fatal("the image is another")
			}
		})
	}
}

func (f fixture) record(t *testing.T, dir string) {
	t.Helper()
	s := softScanner(t, f.id, f.variants...)
	_, packets, img := record(t, s, f.finger())
	var picture bytes.Buffer
	if err := png.Encode(&picture, img); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		tape.PacketFile: packets, tape.DeviceFile: tape.Describe(s.Device("1")), "capture.png": picture.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// finger is an impression of a finger of nobody, of the sensor's size.
func (f fixture) finger() *image.Gray {
	m, _ := scanner.Lookup(f.id)
	return synth.New(11).Impression(synth.Pose{Width: f.width, Height: f.height, DPI: m.DPI})
}

// TestUdevRules: the file that is packaged is the device table's.
func TestUdevRules(t *testing.T) {
	name := filepath.Join("../../packaging/udev", scanner.RuleFile)
	if *update {
		if err := os.WriteFile(name, []byte(scanner.UdevRules()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != scanner.UdevRules() {
		t.Fatalf("%s is not what 'dhamani scanner supported --udev' prints", name)
	}
}
