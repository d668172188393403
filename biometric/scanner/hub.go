package scanner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// PollEvery is how often a Hub looks who is plugged in: libusb does not tell
// on every system, and gousb on none.
const PollEvery = time.Second

// Change is what a Hub's watch has seen.
type Change struct {
	Kind   ChangeKind
	Device Device // of Plugged and Unplugged
	Err    error  // of Down
	At     time.Time
}

// ChangeKind is a kind of change.
type ChangeKind string

// The changes.
const (
	Plugged   ChangeKind = "plugged"
	Unplugged ChangeKind = "unplugged"
	Resumed   ChangeKind = "resumed"  // the machine has slept; what was open is of no use any more
	Down      ChangeKind = "usb_down" // the bus does not answer; nothing is known of its scanners
	Up        ChangeKind = "usb_up"
)

// Hub gives out the scanners of a bus, each to one owner at a time. Between
// captures it holds none open: another program may use them then, an idle one
// costs nothing, and one that was unplugged or slept is opened anew.
type Hub struct {
	bus Bus
	// Asleep is that of Options for the sessions and watches of this hub. It
	// may be set before the hub is used.
	Asleep func() time.Duration

	mu    sync.Mutex // guards owned
	owned map[string]bool
}

// NewHub makes a hub of a bus. Nothing is touched before it is used.
func NewHub(bus Bus) *Hub { return &Hub{bus: bus, owned: make(map[string]bool)} }

// List names the scanners that are plugged in. It owes what Bus.List owes.
func (h *Hub) List(ctx context.Context) ([]Device, error) { return h.bus.List(ctx) }

// Watch tells of every change, beginning with what is there, until ctx ends.
// It owes ctx.Err() only: a bus that fails is a change.
func (h *Hub) Watch(ctx context.Context, tell func(Change)) error {
	tick := time.NewTicker(PollEvery)
	defer tick.Stop()
	known := make(map[string]Device)
	down := false
	vigil := newVigil(h.Asleep)
	for {
		devices, err := h.bus.List(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		now := time.Now()
		if vigil.again() {
			tell(Change{Kind: Resumed, At: now})
		}
		if (err != nil) != down {
			down = err != nil
			kind := Up
			if down {
				kind = Down
			}
			tell(Change{Kind: kind, Err: err, At: now})
		}
		if err == nil {
			compare(known, devices, func(kind ChangeKind, d Device) { tell(Change{Kind: kind, Device: d, At: now}) })
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// compare brings known up to date and tells of the differences, those that
// have gone first.
func compare(known map[string]Device, devices []Device, tell func(ChangeKind, Device)) {
	here := make(map[string]Device, len(devices))
	for _, d := range devices {
		here[d.Name] = d
	}
	for name, d := range known {
		if now, ok := here[name]; !ok || now.Model.ID != d.Model.ID {
			delete(known, name)
			tell(Unplugged, d)
		}
	}
	for _, d := range devices {
		if _, ok := known[d.Name]; !ok {
			known[d.Name] = d
			tell(Plugged, d)
		}
	}
}

// Find gives the named scanner, or with no name the first one, one that is
// Unverified only if there is no other. It owes ErrNoScanner and what Bus.List
// owes.
func (h *Hub) Find(ctx context.Context, name string) (Device, error) {
	devices, err := h.bus.List(ctx)
	if err != nil {
		return Device{}, err
	}
	for _, d := range devices {
		if name == d.Name || name == "" && d.Model.Proof != Unverified {
			return d, nil
		}
	}
	switch {
	case name != "":
		return Device{}, fmt.Errorf("find scanner %s: %w", name, ErrNoScanner)
	case len(devices) == 0:
		return Device{}, ErrNoScanner
	default:
		return devices[0], nil
	}
}

// Take opens the named scanner, or the first with no name, for the caller
// alone until the session is closed. It owes what Find, Bus.Open and Open owe,
// and ErrBusy when it is taken already.
func (h *Hub) Take(ctx context.Context, name string, opts Options) (*Session, error) {
	d, err := h.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	if !h.own(d.Name) {
		return nil, fmt.Errorf("open scanner %s: %w", d.Name, &BusyError{Holder: "this program"})
	}
	t, err := h.bus.Open(ctx, d.Name)
	if err != nil {
		h.disown(d.Name)
		return nil, err
	}
	if opts.Asleep == nil {
		opts.Asleep = h.Asleep
	}
	return Open(ctx, &owned{Transport: t, h: h, name: d.Name}, d.Model, opts)
}

// Capture takes one finger's image with the named scanner, or the first.
func (h *Hub) Capture(ctx context.Context, name string, req Request, opts Options) (Image, error) {
	s, err := h.Take(ctx, name, opts)
	if err != nil {
		return Image{}, err
	}
	img, err := s.Capture(ctx, req)
	closed := s.Close() //nolint:contextcheck // closing has its own time
	if err != nil {
		return Image{}, errors.Join(err, closed)
	}
	return img, nil // a scanner that does not rest well has given its image all the same
}

// Taken tells whether this program has the named scanner open.
func (h *Hub) Taken(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.owned[name]
}

func (h *Hub) own(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owned[name] {
		return false
	}
	h.owned[name] = true
	return true
}

func (h *Hub) disown(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.owned, name)
}

// owned is a transport that gives its device back to the hub.
type owned struct {
	Transport
	h    *Hub
	name string
	once sync.Once
}

func (o *owned) Close() error {
	err := o.Transport.Close()
	o.once.Do(func() { o.h.disown(o.name) })
	return err
}
