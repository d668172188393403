package scanner_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/faulty"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
)

// TestRemoval pulls the plug at every transfer: it is told by its name, and a
// scanner that comes back gives the image.
func TestRemoval(t *testing.T) {
	for _, f := range allFixtures {
		t.Run(f.name, func(t *testing.T) {
			removed := 0
			for at := 1; at < 40; at++ {
				synctest.Test(t, func(t *testing.T) {
					if removeAndReturn(t, f, at) {
						removed++
					}
				})
			}
			if removed < 4 {
				t.Errorf("only %d removals were before the image", removed)
			}
		})
	}
}

// removeAndReturn tells whether the removal came before the image was whole.
func removeAndReturn(t *testing.T, f fixture, at int) bool {
	t.Helper()
	var bus soft.Bus
	plug := func(name string) *soft.Scanner {
		s := softScanner(t, f.id, f.variants...)
		s.Touch(ridges(f.width, f.height))
		bus.Plug(name, s)
		return s
	}
	dev := plug("001/002")
	hub := scanner.NewHub(pulling{&bus, dev, at})
	_, gone := hub.Capture(t.Context(), "", scanner.Request{Wait: time.Second}, scanner.Options{Watch: liftAt(dev)})
	if gone != nil && !errors.Is(gone, scanner.ErrUnplugged) {
		t.Fatalf("unplugged at transfer %d: %v", at, gone)
	}
	bus.Unplug("001/002")
	back := time.Now()
	dev = plug("001/003")
	hub = scanner.NewHub(&bus)
	ctx, cancel := context.WithCancel(t.Context())
	if err := hub.Watch(ctx, func(c scanner.Change) {
		if c.Kind == scanner.Plugged {
			cancel()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := hub.Capture(t.Context(), "", scanner.Request{Wait: time.Second}, scanner.Options{Watch: liftAt(dev)}); err != nil {
		t.Fatalf("back: %v", err)
	}
	if took := time.Since(back); took > 2*time.Second {
		t.Errorf("back after %v", took)
	}
	if st := dev.Stats(); st.Opened != st.Closed || st.Submitted != st.Ended {
		t.Errorf("something is left open: %+v", st)
	}
	return gone != nil
}

// pulling is a bus whose scanner is unplugged at a transfer.
type pulling struct {
	*soft.Bus
	dev *soft.Scanner
	at  int
}

func (p pulling) Open(ctx context.Context, name string) (scanner.Transport, error) {
	tr, err := p.Bus.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return faulty.New(tr, faulty.Gone, p.at), nil
}
