package scanner

import (
	"context"
	"fmt"
)

// ID is a USB vendor and product number.
type ID struct{ Vendor, Product uint16 }

func (id ID) String() string { return fmt.Sprintf("%04x:%04x", id.Vendor, id.Product) }

// Proof says what stands behind a row of the device table.
type Proof string

// The proofs, strongest first.
const (
	ByRecording Proof = "recording"  // decodes a real device's recording to the reference image
	ByFamily    Proof = "family"     // speaks as a device with a recording does
	Unverified  Proof = "unverified" // nobody has shown a recording: look at the images before they are trusted
)

// Model is a row of the device table.
type Model struct {
	ID            ID
	Name          string
	Driver        string // what it is driven by
	Width, Height int    // pixels; a swipe sensor's height is its largest
	DPI           int
	Proof         Proof
	turned        bool // the image stands on its head
	authenticates bool // it wants an answer to a challenge at power-up
	open          opener
}

// opener brings a scanner up. It does not close t when it fails.
type opener func(ctx context.Context, t Transport, m Model, opts Options) (sensor, error)

// sensor is an opened scanner, used by one goroutine.
type sensor interface {
	// capture takes one image, entering Waiting, Scanning and, where the
	// device tells when the finger leaves, Lifting.
	capture(ctx context.Context, stage stages) (frame, error)
	// close puts the device to rest and ends the driver's goroutines.
	close(ctx context.Context) error
}

// models is the device table: a driver is a file of this package and its rows
// here.
var models = []Model{
	{ID: ID{0x05BA, 0x0007}, Name: "DigitalPersona U.are.U 4000", Driver: "uru4000", Width: uruWidth, Height: uruHeight, DPI: 512, Proof: ByFamily, open: openURU},
	{ID: ID{0x05BA, 0x0008}, Name: "DigitalPersona U.are.U 4000", Driver: "uru4000", Width: uruWidth, Height: uruHeight, DPI: 512, Proof: ByFamily, open: openURU},
	{ID: ID{0x05BA, 0x000A}, Name: "DigitalPersona U.are.U 4500", Driver: "uru4000", Width: uruWidth, Height: uruHeight, DPI: 512, Proof: ByRecording, turned: true, open: openURU},
	{ID: ID{0x045E, 0x00BB}, Name: "Microsoft Keyboard with Fingerprint Reader", Driver: "uru4000", Width: uruWidth, Height: uruHeight, DPI: 512, Proof: ByFamily, open: openURU},
	{ID: ID{0x045E, 0x00BC}, Name: "Microsoft Fingerprint Reader", Driver: "uru4000", Width: uruWidth, Height: uruHeight, DPI: 512, Proof: ByFamily, open: openURU},
	{ID: ID{0x045E, 0x00BD}, Name: "Microsoft Fingerprint Reader", Driver: "uru4000", Width: uruWidth, Height: uruHeight, DPI: 512, Proof: ByFamily, open: openURU},
	{ID: ID{0x045E, 0x00CA}, Name: "Microsoft Fingerprint Reader", Driver: "uru4000", Width: uruWidth, Height: uruHeight, DPI: 512, Proof: ByFamily, authenticates: true, open: openURU},
	{ID: ID{0x147E, 0x2016}, Name: "UPEK TouchChip", Driver: "upek", Width: 192, Height: 270, DPI: 508, Proof: ByRecording, open: openUPEK},
	{ID: ID{0x147E, 0x2020}, Name: "UPEK TouchChip", Driver: "upek", Width: 192, Height: 270, DPI: 508, Proof: ByFamily, open: openUPEK},
	{ID: ID{0x298D, 0x1010}, Name: "NEXT Biometrics NB-1010-U", Driver: "nb1010", Width: nbWidth, Height: nbHeight, DPI: 385, Proof: ByRecording, open: openNB},
	{ID: ID{0x1B55, 0x0840}, Name: "ZKTeco ZK4500", Driver: "zk4500", Width: zkWidth, Height: zkHeight, DPI: 500, Proof: Unverified, open: openZK},
}

// Models is the device table, in its order.
func Models() []Model { return append([]Model(nil), models...) }

// Lookup finds a device in the table.
func Lookup(id ID) (Model, bool) {
	for _, m := range models {
		if m.ID == id {
			return m, true
		}
	}
	return Model{}, false
}
