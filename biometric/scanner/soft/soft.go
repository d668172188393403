// Package soft emulates the device side of the scanners' protocols: soft
// scanners, with soft fingers on them. They are for tests, demonstrations and
// recordings, with no hardware and no kernel.
package soft

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/draw"
	"slices"
	"sync"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Scanner is one emulated scanner. It is safe for concurrent use.
type Scanner struct {
	model       scanner.Model
	descriptors []byte
	proto       protocol

	mu     sync.Mutex // guards what follows, and proto
	finger *image.Gray
	claim  *scanner.Presentation // what it says of its fingers; nil: nothing
	queues map[uint8][][]byte    // what the device has to say, by endpoint
	reads  map[uint8][]*read     // who listens
	owner  *transport
	gone   bool
	stats  Stats
}

// Stats count what a test wants to come out even.
type Stats struct {
	Opened, Closed   int
	Submitted, Ended int // reads
	Transfers        int // of all kinds
}

// protocol is the device's side of a protocol. It is called with the
// scanner's lock held.
type protocol interface {
	reset(s *Scanner) // a driver opens the device
	control(s *Scanner, setup scanner.Setup, data []byte) (int, error)
	write(s *Scanner, endpoint uint8, data []byte) error
	changed(s *Scanner) // a finger came or went
	seen(img *image.Gray) *image.Gray
}

// Variant is a way in which devices with one number differ.
type Variant uint8

// The variants.
const (
	Swipe  Variant = iota + 1 // a TouchChip that the finger is drawn over, and that says strips
	Joined                    // with Swipe: it puts the strips together itself
	Clear                     // a U.are.U that does not encrypt
)

// New makes a scanner of a model of the device table. It owes
// scanner.ErrNoScanner for another.
func New(id scanner.ID, variants ...Variant) (*Scanner, error) {
	model, ok := scanner.Lookup(id)
	if !ok {
		return nil, fmt.Errorf("soft scanner %v: %w", id, scanner.ErrNoScanner)
	}
	s := &Scanner{model: model, queues: make(map[uint8][][]byte), reads: make(map[uint8][]*read)}
	var ends []end
	switch model.Driver {
	case "uru4000":
		s.proto, ends = newURU(model, slices.Contains(variants, Clear)), []end{{0x81, 3}, {0x82, 2}}
	case "upek":
		s.proto, ends = newUPEK(model, slices.Contains(variants, Swipe), slices.Contains(variants, Joined)), []end{{0x81, 2}, {0x02, 2}}
	case "nb1010":
		s.proto, ends = newNB(model), []end{{0x83, 2}, {0x02, 2}}
	case "zk4500":
		s.proto, ends = newZK(model), []end{{0x82, 2}}
	}
	s.descriptors = describe(id, ends)
	return s, nil
}

// end is an endpoint and the kind of its transfers (USB 2.0, 9.6.6).
type end struct{ address, attributes byte }

// describe makes a device's and its configuration's descriptors.
func describe(id scanner.ID, ends []end) []byte {
	d := []byte{18, 1, 0, 2, 0, 0, 0, 64}
	d = binary.LittleEndian.AppendUint16(d, id.Vendor)
	d = binary.LittleEndian.AppendUint16(d, id.Product)
	d = append(d, 0, 1, 0, 0, 0, 1)
	d = append(d, 9, 2, byte(18+7*len(ends)), 0, 1, 1, 0, 0x80, 50) //nolint:gosec // few
	d = append(d, 9, 4, 0, 0, byte(len(ends)), 0xFF, 0xFF, 0xFF, 0) //nolint:gosec // few
	for _, e := range ends {
		interval := byte(0)
		if e.attributes == 3 {
			interval = 10
		}
		d = append(d, 7, 5, e.address, e.attributes, 64, 0, interval)
	}
	return d
}

// Device is how it shows on a bus under a name.
func (s *Scanner) Device(name string) scanner.Device {
	return scanner.Device{Name: name, Model: s.model, Serial: "soft-" + name, Descriptors: s.descriptors, Soft: true}
}

// Seen is the image that a driver gets of a finger: cut or padded to the
// sensor, without what the device leaves out.
func (s *Scanner) Seen(finger *image.Gray) *image.Gray {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proto.seen(finger)
}

// Touch puts a finger on.
func (s *Scanner) Touch(finger *image.Gray) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finger = finger
	s.proto.changed(s)
}

// Draw draws a finger over a sensor that wants it so. On another it lies.
func (s *Scanner) Draw(finger *image.Gray, stroke Stroke) {
	if u, ok := s.proto.(*upek); ok {
		s.mu.Lock()
		u.stroke = stroke
		s.mu.Unlock()
	}
	s.Touch(finger)
}

// Lift takes the finger off.
func (s *Scanner) Lift() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finger = nil
	s.proto.changed(s)
}

// Claim has the scanner say something of the fingers on it from here on, as a
// device with a sensor for living skin does; nil: nothing, as at the beginning.
func (s *Scanner) Claim(p *scanner.Presentation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claim = p
}

// Unplug pulls the plug: every pending and later transfer fails.
func (s *Scanner) Unplug() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.endReads(nil, scanner.ErrUnplugged)
}

// Stats counts from the scanner's beginning.
func (s *Scanner) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Open takes the scanner. It owes scanner.ErrBusy and scanner.ErrUnplugged.
func (s *Scanner) Open() (scanner.Transport, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.gone:
		return nil, fmt.Errorf("open soft scanner: %w", scanner.ErrUnplugged)
	case s.owner != nil:
		return nil, fmt.Errorf("open soft scanner: %w", &scanner.BusyError{Holder: "this program"})
	}
	s.owner = &transport{s: s}
	s.stats.Opened++
	clear(s.queues)
	s.proto.reset(s)
	return s.owner, nil
}

// say sends data to whoever reads the endpoint, now or next.
func (s *Scanner) say(endpoint uint8, data []byte) {
	s.queues[endpoint] = append(s.queues[endpoint], data)
	s.serve(endpoint)
}

// serve matches what is said with who listens. What does not fit a read is
// the next one's.
func (s *Scanner) serve(endpoint uint8) {
	for len(s.queues[endpoint]) > 0 && len(s.reads[endpoint]) > 0 {
		data, r := s.queues[endpoint][0], s.reads[endpoint][0]
		s.reads[endpoint] = s.reads[endpoint][1:]
		if len(data) > r.size {
			s.queues[endpoint][0] = data[r.size:]
			data = data[:r.size]
		} else {
			s.queues[endpoint] = s.queues[endpoint][1:]
		}
		s.finish(r, data, nil)
	}
}

func (s *Scanner) finish(r *read, data []byte, err error) {
	s.stats.Ended++
	r.data, r.err = data, err
	close(r.ended)
}

// endReads ends the pending reads of one owner, or of all when it is nil.
func (s *Scanner) endReads(only *transport, err error) {
	for endpoint, reads := range s.reads {
		var keep []*read
		for _, r := range reads {
			if only != nil && r.t != only {
				keep = append(keep, r)
				continue
			}
			s.finish(r, nil, err)
		}
		s.reads[endpoint] = keep
	}
}

// transport is one driver's access.
type transport struct{ s *Scanner }

var (
	_ scanner.Transport = (*transport)(nil)
	_ scanner.Presenter = (*transport)(nil)
)

func (t *transport) Presentation() (scanner.Presentation, bool) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.s.claim == nil {
		return scanner.Presentation{}, false
	}
	return *t.s.claim, true
}

// usable counts a transfer. The caller holds the lock.
func (t *transport) usable() error {
	t.s.stats.Transfers++
	switch {
	case t.s.owner != t:
		return scanner.ErrClosed
	case t.s.gone:
		return scanner.ErrUnplugged
	default:
		return nil
	}
}

func (t *transport) Control(ctx context.Context, setup scanner.Setup, data []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if err := t.usable(); err != nil {
		return 0, err
	}
	return t.s.proto.control(t.s, setup, data)
}

func (t *transport) Submit(endpoint uint8, size int) (scanner.Pending, error) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if err := t.usable(); err != nil {
		return nil, err
	}
	r := &read{t: t, endpoint: endpoint, size: size, ended: make(chan struct{})}
	t.s.stats.Submitted++
	t.s.reads[endpoint] = append(t.s.reads[endpoint], r)
	t.s.serve(endpoint)
	return r, nil
}

func (t *transport) Write(ctx context.Context, endpoint uint8, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if err := t.usable(); err != nil {
		return err
	}
	return t.s.proto.write(t.s, endpoint, data)
}

func (t *transport) Close() error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.s.owner != t {
		return nil
	}
	t.s.owner = nil
	t.s.stats.Closed++
	t.s.endReads(t, scanner.ErrClosed)
	return nil
}

// read is a pending read.
type read struct {
	t        *transport
	endpoint uint8
	size     int
	ended    chan struct{}
	data     []byte // valid once ended is closed
	err      error
}

func (r *read) Wait(ctx context.Context) ([]byte, error) {
	select {
	case <-r.ended:
		return r.data, r.err
	case <-ctx.Done():
	}
	s := r.t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.reads[r.endpoint] {
		if other == r {
			s.reads[r.endpoint] = append(s.reads[r.endpoint][:i:i], s.reads[r.endpoint][i+1:]...)
			s.finish(r, nil, ctx.Err())
		}
	}
	return r.data, r.err
}

// fit cuts or pads a finger to a sensor, its middle in the middle.
func fit(finger *image.Gray, width, height int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = 0xFF
	}
	b := finger.Bounds()
	dx, dy := (width-b.Dx())/2, (height-b.Dy())/2
	draw.Draw(img, b.Sub(b.Min).Add(image.Pt(dx, dy)), finger, b.Min, draw.Src)
	return img
}
