package scanner_test

import (
	"cmp"
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/faulty"
	"github.com/dhamani-iq/dhamani/biometric/scanner/scannertest"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
	"github.com/dhamani-iq/dhamani/biometric/scanner/tape"
)

// session opens a soft scanner of a model.
func session(t *testing.T, id scanner.ID, watch func(scanner.Event)) (*soft.Scanner, *scanner.Session) {
	t.Helper()
	dev := softScanner(t, id)
	model, _ := scanner.Lookup(id)
	s, err := scanner.Open(t.Context(), lifting{open(t, dev), dev}, model, scanner.Options{Watch: watch})
	if err != nil {
		t.Fatal(err)
	}
	return dev, s
}

func TestStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var states []scanner.State
		dev, s := session(t, scannertest.Model, func(ev scanner.Event) { states = append(states, ev.State) })
		time.AfterFunc(2*time.Second, func() { dev.Touch(ridges(384, 290)) })
		img, err := s.Capture(t.Context(), scanner.Request{})
		if err != nil {
			t.Fatal(err)
		}
		if !img.Lifted || img.Took < 0 || img.DPI != 512 || img.Begun.IsZero() {
			t.Errorf("lifted %v, took %v, %d dpi", img.Lifted, img.Took, img.DPI)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		want := []scanner.State{
			scanner.Opening, scanner.Ready, scanner.Waiting, scanner.Scanning, scanner.Lifting, scanner.Ready, scanner.Closed,
		}
		if !slices.Equal(states, want) {
			t.Errorf("states %v", states)
		}
		if _, err := s.Capture(t.Context(), scanner.Request{}); !errors.Is(err, scanner.ErrClosed) {
			t.Errorf("after close: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("closed twice: %v", err)
		}
	})
}

// TestNobodyComes: the time-out and the cancellation have names, and every
// scanner is of use afterwards.
func TestNobodyComes(t *testing.T) {
	for _, m := range scanner.Models() {
		t.Run(m.ID.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dev, s := session(t, m.ID, nil)
				begin := time.Now()
				if _, err := s.Capture(t.Context(), scanner.Request{Wait: 7 * time.Second}); !errors.Is(err, scanner.ErrNoFinger) {
					t.Fatalf("nobody came: %v", err)
				}
				if took := time.Since(begin); took < 7*time.Second || took > 8*time.Second {
					t.Errorf("given up after %v", took)
				}
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				begin = time.Now()
				if _, err := s.Capture(ctx, scanner.Request{}); !errors.Is(err, context.Canceled) {
					t.Fatalf("cancelled: %v", err)
				}
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("cancelled after %v", took)
				}
				time.AfterFunc(time.Second, func() { dev.Touch(ridges(200, 200)) })
				if _, err := s.Capture(t.Context(), scanner.Request{}); err != nil {
					t.Fatalf("the next one: %v", err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestDead: a scanner that stops answering while a finger is waited for has
// failed, and nobody waits for a finger on it.
func TestDead(t *testing.T) {
	for _, f := range allFixtures {
		if m, _ := scanner.Lookup(f.id); m.Driver == "uru4000" {
			continue // it tells of fingers by itself, and says nothing without one
		}
		for at := 1; at <= 12; at++ {
			synctest.Test(t, func(t *testing.T) {
				dev := softScanner(t, f.id, f.variants...)
				model, _ := scanner.Lookup(f.id)
				begin := time.Now()
				s, err := scanner.Open(t.Context(), faulty.New(open(t, dev), faulty.Hang, at), model, scanner.Options{})
				if err == nil {
					_, err = s.Capture(t.Context(), scanner.Request{Wait: time.Minute})
					_ = s.Close()
				}
				if took := time.Since(begin); !errors.Is(err, scanner.ErrTimeout) || took > 5*time.Second {
					t.Errorf("%s, dead from transfer %d on: %v after %v", f.name, at, err, took)
				}
			})
		}
	}
}

// TestFingerStays: the image is not lost.
func TestFingerStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := softScanner(t, scannertest.Model)
		dev.Touch(ridges(384, 290))
		img := capture(t, open(t, dev), mustLookup(t, scannertest.Model), nil)
		if img.Lifted || !same(img.Gray, dev.Seen(ridges(384, 290))) {
			t.Errorf("lifted %v", img.Lifted)
		}
	})
}

func mustLookup(t *testing.T, id scanner.ID) scanner.Model {
	t.Helper()
	m, ok := scanner.Lookup(id)
	if !ok {
		t.Fatal(id)
	}
	return m
}

// TestQuality: the best of several images is the answer, each is shown, and
// whoever leaves after the first keeps it.
func TestQuality(t *testing.T) {
	for _, tt := range []struct {
		name    string
		judged  []int // what the images are worth; 80 is enough
		best    int
		stays   bool // the person goes on
		preview int
	}{
		{"at once", []int{90}, 90, true, 0},
		{"second", []int{10, 85}, 85, true, 1},
		{"never", []int{10, 40, 30}, 40, true, 2},
		{"leaves", []int{20}, 20, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				previews := 0
				var dev *soft.Scanner
				nbID := scanner.ID{Vendor: 0x298D, Product: 0x1010}
				dev, s := session(t, nbID, func(ev scanner.Event) {
					if ev.Hint == scanner.HintAgain && ev.Preview != nil {
						previews++
						if !tt.stays {
							dev.Lift()
						}
					}
				})
				dev.Touch(ridges(256, 180))
				n := 0
				img, err := s.Capture(t.Context(), scanner.Request{Wait: time.Second, Judge: func(*image.Gray) (int, bool) {
					n++
					return tt.judged[n-1], tt.judged[n-1] >= 80
				}})
				if err != nil || img.Quality != tt.best || previews != tt.preview || n != len(tt.judged) {
					t.Errorf("quality %d after %d images, %d previews, %v", img.Quality, n, previews, err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestOneOwner: two scanners work at once, each for one owner.
func TestOneOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus soft.Bus
		a, b := softScanner(t, scannertest.Model), softScanner(t, scanner.ID{Vendor: 0x147E, Product: 0x2016})
		bus.Plug("001/002", a)
		bus.Plug("001/003", b)
		hub := scanner.NewHub(&bus)
		taken, err := hub.Take(t.Context(), "001/002", scanner.Options{Watch: liftAt(a)})
		if err != nil {
			t.Fatal(err)
		}
		var busy *scanner.BusyError
		if _, err := hub.Take(t.Context(), "001/002", scanner.Options{}); !errors.As(err, &busy) || busy.Holder != "this program" {
			t.Errorf("taken twice: %v", err)
		}
		// Both at once, and no second capture on one.
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := taken.Capture(t.Context(), scanner.Request{}); err != nil {
				t.Errorf("one: %v", err)
			}
		})
		group.Go(func() {
			if _, err := hub.Capture(t.Context(), "001/003", scanner.Request{}, scanner.Options{}); err != nil {
				t.Errorf("the other: %v", err)
			}
		})
		synctest.Wait()
		if _, err := taken.Capture(t.Context(), scanner.Request{}); !errors.Is(err, scanner.ErrBusy) {
			t.Errorf("captured twice: %v", err)
		}
		a.Touch(ridges(384, 290))
		b.Touch(ridges(192, 270))
		group.Wait()
		if err := taken.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := hub.Take(t.Context(), "", scanner.Options{})
		if err != nil {
			t.Fatalf("given back: %v", err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus soft.Bus
		bus.Plug("001/002", softScanner(t, scannertest.Model))
		hub := scanner.NewHub(&bus)
		ctx, cancel := context.WithCancel(t.Context())
		var seen []string
		done := make(chan error)
		go func() {
			done <- hub.Watch(ctx, func(c scanner.Change) { seen = append(seen, string(c.Kind)+" "+c.Device.Name) })
		}()
		step := func(do func()) {
			do()
			time.Sleep(scanner.PollEvery)
			synctest.Wait()
		}
		step(func() {})
		step(func() { bus.Plug("001/003", softScanner(t, scannertest.Model)) })
		step(func() { bus.Unplug("001/002") })
		step(func() { bus.Break(scanner.ErrNoUSB) })
		step(func() { bus.Break(nil) })
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		want := []string{"plugged 001/002", "plugged 001/003", "unplugged 001/002", "usb_down ", "usb_up "}
		if !slices.Equal(seen, want) {
			t.Errorf("seen %q", seen)
		}
	})
}

// TestFind: the first that is proven, else the first, or the named one, or why
// not.
func TestFind(t *testing.T) {
	var bus soft.Bus
	hub := scanner.NewHub(&bus)
	if _, err := hub.Find(t.Context(), ""); !errors.Is(err, scanner.ErrNoScanner) {
		t.Errorf("empty bus: %v", err)
	}
	if _, err := hub.Take(t.Context(), "001/009", scanner.Options{}); !errors.Is(err, scanner.ErrNoScanner) {
		t.Errorf("no such scanner: %v", err)
	}
	bus.Plug("001/002", softScanner(t, zkID))
	if d, err := hub.Find(t.Context(), ""); err != nil || d.Name != "001/002" {
		t.Errorf("only an unverified one: %v, %v", d.Name, err)
	}
	bus.Plug("001/003", softScanner(t, scannertest.Model))
	if d, err := hub.Find(t.Context(), ""); err != nil || d.Name != "001/003" {
		t.Errorf("a verified one as well: %v, %v", d.Name, err)
	}
	if d, err := hub.Find(t.Context(), "001/002"); err != nil || d.Name != "001/002" {
		t.Errorf("the unverified one by its name: %v, %v", d.Name, err)
	}
	if _, err := soft.New(scanner.ID{Vendor: 1, Product: 2}); !errors.Is(err, scanner.ErrNoScanner) {
		t.Errorf("soft scanner that is not in the table: %v", err)
	}
}

// BenchmarkCapture is the software's part of a capture: a recording is played
// without any waiting. Real devices' recordings are among them where
// DHAMANI_DATA has them.
func BenchmarkCapture(b *testing.B) {
	for name, recording := range benchmarked(b) {
		b.Run(name, func(b *testing.B) {
			m := recording.Device.Model
			b.SetBytes(int64(m.Width * m.Height))
			var took time.Duration
			for b.Loop() {
				took += capture(b, recording.Play(), m, nil).Took
			}
			b.ReportMetric(float64(took.Microseconds())/float64(b.N), "us-finger-to-image")
		})
	}
}

// BenchmarkTemplate goes on from the image to the template.
func BenchmarkTemplate(b *testing.B) {
	for name, recording := range benchmarked(b) {
		b.Run(name, func(b *testing.B) {
			m := recording.Device.Model
			var took time.Duration
			for b.Loop() {
				img := capture(b, recording.Play(), m, nil)
				begin := time.Now()
				if _, err := extract.Extract(img.Gray, img.DPI); err != nil {
					b.Fatal(err)
				}
				took += img.Took + time.Since(begin)
			}
			b.ReportMetric(float64(took.Microseconds())/float64(b.N), "us-finger-to-template")
		})
	}
}

func benchmarked(b *testing.B) map[string]*tape.Tape {
	b.Helper()
	data := cmp.Or(os.Getenv("DHAMANI_DATA"), "../../../shared/data")
	recorded, err := filepath.Glob(filepath.Join(data, "usb", "*", tape.DeviceFile))
	if err != nil {
		b.Fatal(err)
	}
	own, err := filepath.Glob(filepath.Join(fixtures, "*", tape.DeviceFile))
	if err != nil {
		b.Fatal(err)
	}
	all := make(map[string]*tape.Tape)
	for _, name := range append(recorded, own...) {
		dir := filepath.Dir(name)
		if all[filepath.Base(dir)], err = tape.Load(dir); err != nil {
			b.Fatal(err)
		}
	}
	return all
}
