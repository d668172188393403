//go:build !race

// Thousands of captures: the race detector watches those of removal_test.go.

package scanner_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/faulty"
)

// known are the errors that a capture may end with.
var known = []error{
	scanner.ErrUnplugged, scanner.ErrStalled, scanner.ErrTransfer, scanner.ErrTimeout, scanner.ErrClosed,
	scanner.ErrProtocol, scanner.ErrNoFinger,
}

const longest = 5 * time.Second

// TestFaults breaks every transfer of every driver in every way (of the many
// alike parts of an image every ninth, but the plug is pulled at all): a named
// error or the finger's image, within five seconds a call, and nothing left
// open.
func TestFaults(t *testing.T) {
	for _, f := range allFixtures {
		t.Run(f.name, func(t *testing.T) {
			transfers := 0
			synctest.Test(t, func(t *testing.T) { transfers, _ = tryFault(t, f, faulty.None, 0) })
			if transfers < 8 {
				t.Fatalf("%d transfers", transfers)
			}
			for _, kind := range faulty.Kinds {
				failed := 0
				for at := 1; at <= transfers; at++ {
					if kind != faulty.Gone && at > 24 && at < transfers-8 && at%9 != 0 {
						continue // one of many alike parts of an image
					}
					synctest.Test(t, func(t *testing.T) {
						if _, err := tryFault(t, f, kind, at); err != nil {
							failed++
						}
					})
				}
				if shrugs := f.id == zkID && kind == faulty.Garbage; (failed == 0) != shrugs { // its images are without a header: noise is no finger
					t.Errorf("%v ends the capture at %d places", kind, failed)
				}
				t.Logf("%v: %d places of %d transfers end the capture", kind, failed, transfers)
			}
		})
	}
}

// tryFault captures with one fault.
func tryFault(t *testing.T, f fixture, kind faulty.Kind, at int) (transfers int, err error) {
	t.Helper()
	dev := softScanner(t, f.id, f.variants...)
	finger := ridges(f.width, f.height)
	dev.Touch(finger)
	tr := faulty.New(lifting{open(t, dev), dev}, kind, at)
	place := fmt.Sprintf("%s, %v at transfer %d", f.name, kind, at)
	timed := func(what string, do func() error) error {
		begin := time.Now()
		err := do()
		if took := time.Since(begin); took > longest {
			t.Errorf("%s: %s takes %v", place, what, took)
		}
		return err
	}
	model, _ := scanner.Lookup(f.id)
	var s *scanner.Session
	err = timed("open", func() (err error) {
		s, err = scanner.Open(t.Context(), tr, model, scanner.Options{Seed: scanner.FixedSeed(7), Watch: liftAt(dev)})
		return err
	})
	if err == nil {
		var img scanner.Image
		err = timed("capture", func() (err error) {
			img, err = s.Capture(t.Context(), scanner.Request{Wait: 3 * time.Second})
			return err
		})
		if err == nil && img.Rect.Dx() != dev.Seen(finger).Rect.Dx() {
			t.Errorf("%s: image %v", place, img.Rect)
		}
		_ = timed("close", s.Close)
	}
	if err != nil {
		named := false
		for _, k := range known {
			named = named || errors.Is(err, k)
		}
		if !named {
			t.Errorf("%s: %v", place, err)
		}
	}
	if st := dev.Stats(); st.Opened != 1 || st.Closed != 1 || st.Submitted != st.Ended {
		t.Errorf("%s: something is left open: %+v", place, st)
	}
	return tr.Count(), err
}
