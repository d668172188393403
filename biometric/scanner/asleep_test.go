package scanner_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/faulty"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
)

// bed is a clock of sleep that tests set.
type bed struct{ slept atomic.Int64 }

func (b *bed) asleep() time.Duration { return time.Duration(b.slept.Load()) }
func (b *bed) sleep(d time.Duration) { b.slept.Add(int64(d)) }

// TestSleep: a capture that the machine sleeps in ends with its name, whether
// the scanner is still there, has been numbered anew or fails, and the next
// one opens the device again, within two seconds.
func TestSleep(t *testing.T) {
	for _, f := range allFixtures {
		for name, resume := range map[string]func(bus *soft.Bus, dev *soft.Scanner) *soft.Scanner{
			"stays": func(_ *soft.Bus, dev *soft.Scanner) *soft.Scanner { return dev },
			"numbered anew": func(bus *soft.Bus, _ *soft.Scanner) *soft.Scanner {
				bus.Unplug("001/002")
				again := softScanner(t, f.id, f.variants...)
				bus.Plug("001/003", again)
				return again
			},
		} {
			t.Run(f.name+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { sleepAndResume(t, f, resume) })
			})
		}
	}
}

func sleepAndResume(t *testing.T, f fixture, resume func(*soft.Bus, *soft.Scanner) *soft.Scanner) {
	t.Helper()
	var bus soft.Bus
	var bed bed
	dev := softScanner(t, f.id, f.variants...)
	bus.Plug("001/002", dev)
	hub := scanner.NewHub(&bus)
	hub.Asleep = bed.asleep
	ctx, cancel := context.WithCancel(t.Context())
	var seen []scanner.ChangeKind
	watched := make(chan error)
	go func() {
		watched <- hub.Watch(ctx, func(c scanner.Change) { seen = append(seen, c.Kind) })
	}()
	ended := make(chan error)
	go func() {
		_, err := hub.Capture(t.Context(), "", scanner.Request{}, scanner.Options{})
		ended <- err
	}()
	time.Sleep(3 * time.Second)
	bed.sleep(8 * time.Hour)
	woke := time.Now()
	now := resume(&bus, dev)
	if err := <-ended; !errors.Is(err, scanner.ErrSlept) {
		t.Errorf("a capture that slept: %v", err)
	}
	now.Touch(ridges(f.width, f.height))
	if _, err := hub.Capture(t.Context(), "", scanner.Request{Wait: time.Second}, scanner.Options{Watch: liftAt(now)}); err != nil {
		t.Errorf("the next capture: %v", err)
	}
	if took := time.Since(woke); took > 2*time.Second {
		t.Errorf("back after %v", took)
	}
	time.Sleep(2 * time.Second)
	cancel()
	if err := <-watched; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	want := []scanner.ChangeKind{scanner.Plugged, scanner.Resumed}
	if now != dev {
		want = append(want, scanner.Unplugged, scanner.Plugged)
	}
	if !slices.Equal(seen, want) {
		t.Errorf("seen %q", seen)
	}
	for _, s := range []*soft.Scanner{dev, now} {
		if st := s.Stats(); st.Opened != st.Closed || st.Submitted != st.Ended {
			t.Errorf("something is left open: %+v", st)
		}
	}
}

// TestSleepFails: what a device says after sleep is not what went wrong.
func TestSleepFails(t *testing.T) {
	for _, kind := range faulty.Kinds {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var bed bed
				f := allFixtures[0]
				dev := softScanner(t, f.id)
				dev.Touch(ridges(f.width, f.height))
				model, _ := scanner.Lookup(f.id)
				s, err := scanner.Open(t.Context(), faulty.New(open(t, dev), kind, 30), model, scanner.Options{Asleep: bed.asleep, Watch: func(ev scanner.Event) {
					if ev.State == scanner.Lifting {
						bed.sleep(time.Hour) // the finger does not leave before
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Capture(t.Context(), scanner.Request{}); err != nil && !errors.Is(err, scanner.ErrSlept) {
					t.Errorf("slept while the finger leaves: %v", err)
				}
				if _, err := s.Capture(t.Context(), scanner.Request{}); !errors.Is(err, scanner.ErrSlept) && !errors.Is(err, scanner.ErrClosed) {
					t.Errorf("the same session afterwards: %v", err)
				}
				_ = s.Close()
				if st := dev.Stats(); st.Opened != st.Closed || st.Submitted != st.Ended {
					t.Errorf("something is left open: %+v", st)
				}
			})
		})
	}
}
