//go:build cgo || windows

package pcsc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebfe/scard"

	"github.com/dhamani-iq/dhamani/card"
)

// fakeContext is a PC/SC context whose every wait is answered by wait.
type fakeContext struct {
	list     func() ([]string, error)
	wait     func(states []scard.ReaderState, limit time.Duration) error
	cancels  chan struct{}
	released *int
}

func (f *fakeContext) ListReaders() ([]string, error) { return f.list() }
func (f *fakeContext) Release() error                 { *f.released++; return nil }

func (f *fakeContext) GetStatusChange(states []scard.ReaderState, limit time.Duration) error {
	return f.wait(states, limit)
}

func (f *fakeContext) Cancel() error {
	select {
	case f.cancels <- struct{}{}:
	default:
	}
	return nil
}

// block waits as PC/SC does: until cancelled or the limit has passed.
func (f *fakeContext) block(limit time.Duration) error {
	select {
	case <-f.cancels:
		return scard.ErrCancelled
	case <-time.After(limit):
		return scard.ErrTimeout
	}
}

// fakeService runs Watch on contexts that establish makes, in a bubble, and
// returns the events as text.
type fakeService struct {
	established, released int
	events                []string
	at                    []time.Time
}

func (f *fakeService) run(t *testing.T, limit time.Duration, establish func(n int) (*fakeContext, error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New(slog.New(slog.DiscardHandler))
		s.establish = func() (waitContext, error) {
			f.established++
			fc, err := establish(f.established)
			if err != nil {
				return nil, err
			}
			fc.cancels, fc.released = make(chan struct{}, 1), &f.released
			return fc, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		err := s.Watch(ctx, func(ev card.Event) {
			f.events = append(f.events, strings.TrimSpace(fmt.Sprintf("%v %s %X", ev.Kind, ev.Reader, ev.ATR)))
			f.at = append(f.at, ev.At)
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Watch: %v, want the context's error", err)
		}
	})
}

func (f *fakeService) want(t *testing.T, events ...string) {
	t.Helper()
	if !slices.Equal(f.events, events) {
		t.Errorf("events %q, want %q", f.events, events)
	}
}

func names(list ...string) func() ([]string, error) {
	return func() ([]string, error) { return slices.Clone(list), nil }
}

// state sets what a wait returns for the reader.
func state(states []scard.ReaderState, reader string, flags scard.StateFlag, count int, atr ...byte) {
	for i := range states {
		if states[i].Reader == reader {
			states[i].EventState = flags | scard.StateChanged | scard.StateFlag(count<<16)
			states[i].Atr = atr
		}
	}
}

func TestWatchServiceComesAndGoes(t *testing.T) {
	var f fakeService
	f.run(t, time.Minute, func(n int) (*fakeContext, error) {
		if n < 4 || n == 5 {
			return nil, scard.ErrNoService
		}
		fc := &fakeContext{list: names("R")}
		waits := 0
		fc.wait = func(states []scard.ReaderState, limit time.Duration) error {
			waits++
			switch {
			case waits == 1:
				state(states, "R", scard.StatePresent, 1, 0x3B)
				return nil
			case n == 4:
				return scard.ErrCommError // the service dies under the wait
			default:
				return fc.block(limit)
			}
		}
		return fc, nil
	})
	f.want(
		t, "service_down",
		"service_up", "reader_added R", "card_inserted R 3B",
		"card_removed R", "reader_removed R", "service_down",
		"service_up", "reader_added R", "card_inserted R 3B",
	)
	if f.released != 2 {
		t.Errorf("%d of 2 contexts were released", f.released)
	}
	if back := f.at[7].Sub(f.at[6]); back > 5*time.Second {
		t.Errorf("back in use after %v", back)
	}
}

// A service that is away for long is asked at least every two seconds.
func TestWatchBackoffIsBounded(t *testing.T) {
	var f fakeService
	f.run(t, time.Minute, func(int) (*fakeContext, error) { return nil, scard.ErrNoService })
	f.want(t, "service_down")
	if f.established < 30 || f.established > 40 {
		t.Errorf("asked %d times in a minute", f.established)
	}
}

// A wait that returns at once with no news, as pnpReader's may, is no busy loop.
func TestWatchIdleWaits(t *testing.T) {
	var f fakeService
	waits := 0
	f.run(t, 10*time.Second, func(int) (*fakeContext, error) {
		return &fakeContext{list: names(), wait: func(states []scard.ReaderState, _ time.Duration) error {
			waits++
			states[0].EventState = scard.StateChanged
			return nil
		}}, nil
	})
	f.want(t, "service_up")
	if limit := int(10*time.Second/idlePause) + 1; waits > limit {
		t.Errorf("%d waits in ten seconds, want at most %d", waits, limit)
	}
}

// Where pnpReader is not known, readers are polled for.
func TestWatchWithoutPnP(t *testing.T) {
	for _, list := range [][]string{nil, {"R"}} {
		t.Run(fmt.Sprint(len(list), " readers"), func(t *testing.T) {
			var f fakeService
			lists, polls := 0, 0
			f.run(t, 30*time.Second, func(int) (*fakeContext, error) {
				fc := &fakeContext{list: func() ([]string, error) {
					if lists++; lists > 10 {
						return append(slices.Clone(list), "New"), nil
					}
					return slices.Clone(list), nil
				}}
				fc.wait = func(states []scard.ReaderState, limit time.Duration) error {
					if slices.ContainsFunc(states, func(s scard.ReaderState) bool { return s.Reader == pnpReader }) {
						return scard.ErrUnknownReader
					}
					polls++
					return fc.block(limit)
				}
				return fc, nil
			})
			if !slices.Contains(f.events, "reader_added New") {
				t.Errorf("the new reader was not seen: %q", f.events)
			}
			if polls > 60 {
				t.Errorf("%d polls in 30 seconds", polls)
			}
		})
	}
}

func TestWatchTellsSwaps(t *testing.T) {
	type step struct {
		flags scard.StateFlag
		count int
		atr   []byte
	}
	const present, empty, inuse = scard.StatePresent, scard.StateEmpty, scard.StateInuse
	a, b := []byte{0xA0}, []byte{0xB0}
	for _, tt := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"in and out", []step{{empty, 0, nil}, {present, 1, a}, {empty, 2, nil}}, "card_inserted R A0, card_removed R"},
		{"used by a program", []step{{present, 1, a}, {present | inuse, 1, a}, {present, 1, a}}, "card_inserted R A0"},
		{
			"counter moved on",
			[]step{{present, 1, a}, {present, 3, a}},
			"card_inserted R A0, card_removed R, card_inserted R A0",
		},
		{
			"another ATR",
			[]step{{present, 1, a}, {present, 1, b}},
			"card_inserted R A0, card_removed R, card_inserted R B0",
		},
		{"mute", []step{{present | scard.StateMute, 1, a}, {empty, 2, nil}}, "card_inserted R, card_removed R"},
		{"reader unavailable", []step{{present, 1, a}, {present | scard.StateUnavailable, 1, a}}, "card_inserted R A0, card_removed R"},
		{"counter wraps", []step{{present, 65535, a}, {empty, 0, nil}}, "card_inserted R A0, card_removed R"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f fakeService
			f.run(t, time.Minute, func(int) (*fakeContext, error) {
				fc := &fakeContext{list: names("R")}
				i := 0
				fc.wait = func(states []scard.ReaderState, limit time.Duration) error {
					if i == len(tt.steps) {
						return fc.block(limit)
					}
					if i > 0 {
						last := tt.steps[i-1]
						if want := last.flags | scard.StateFlag(last.count<<16); states[0].CurrentState != want {
							t.Errorf("step %d waits on state %X, want %X", i, states[0].CurrentState, want)
						}
					}
					state(states, "R", tt.steps[i].flags, tt.steps[i].count, tt.steps[i].atr...)
					i++
					return nil
				}
				return fc, nil
			})
			if got := strings.Join(f.events[2:], ", "); got != tt.want {
				t.Errorf("events %q, want %q", got, tt.want)
			}
		})
	}
}

// The binding indexes into what the service sends; what it trips over is an
// error of the call, not the end of the agent.
func TestBindingBreaksDown(t *testing.T) {
	var f fakeService
	f.run(t, time.Minute, func(n int) (*fakeContext, error) {
		fc := &fakeContext{list: names("R")}
		fc.wait = func(_ []scard.ReaderState, limit time.Duration) error {
			if n == 1 {
				var none []byte
				_ = none[len(none)]
			}
			return fc.block(limit)
		}
		return fc, nil
	})
	f.want(t, "service_up", "reader_added R", "reader_removed R", "service_down", "service_up", "reader_added R")

	broken := &fakeContext{list: func() ([]string, error) { panic("index out of range") }}
	if _, err := listReaders(broken); !errors.Is(err, card.ErrTransport) {
		t.Errorf("list: %v, want ErrTransport", err)
	}
	if err := waitChange(broken, nil, 0); !errors.Is(err, scard.ErrTimeout) {
		t.Errorf("wait for nothing: %v", err)
	}
}

func TestListReaders(t *testing.T) {
	calls := 0
	for _, tt := range []struct {
		name string
		list func() ([]string, error)
		want []string
		err  error
	}{
		{"none", func() ([]string, error) { return nil, scard.ErrNoReadersAvailable }, nil, nil},
		{"odd names", names("A", "", "B\x00C", "D"), []string{"A", "D"}, nil},
		{"service down", func() ([]string, error) { return nil, scard.ErrServiceStopped }, nil, card.ErrServiceDown},
		{"grown in between", func() ([]string, error) {
			if calls++; calls == 1 {
				return nil, scard.ErrInsufficientBuffer
			}
			return []string{"A"}, nil
		}, []string{"A"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := listReaders(&fakeContext{list: tt.list})
			if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("%q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestErrorFamilies(t *testing.T) {
	for _, tt := range []struct {
		code              scard.Error
		connect, exchange error
	}{
		{0x8010001D, card.ErrServiceDown, card.ErrServiceDown},
		{0x8010001E, card.ErrServiceDown, card.ErrServiceDown},
		{0x80100013, card.ErrServiceDown, card.ErrServiceDown},
		{0x80100003, card.ErrServiceDown, card.ErrServiceDown},
		{0x8010000B, card.ErrBusy, card.ErrBusy},
		{0x8010000C, card.ErrNoCard, card.ErrRemoved},
		{0x80100009, card.ErrNoReader, card.ErrRemoved},
		{0x80100017, card.ErrNoReader, card.ErrRemoved},
		{0x80100016, card.ErrRemoved, card.ErrRemoved},
		{0x80100069, card.ErrRemoved, card.ErrRemoved},
		{0x80100068, card.ErrReset, card.ErrReset},
		{0x80100066, card.ErrUnpowered, card.ErrRemoved},
		{0x8010006A, ErrDenied, ErrDenied},
		{0x8010000F, ErrProtocol, ErrProtocol},
		{0x80100042, nil, card.ErrTransport},
	} {
		t.Run(fmt.Sprintf("%08X", uint32(tt.code)), func(t *testing.T) {
			for _, c := range []struct{ got, want error }{
				{fail("test", tt.code), tt.connect},
				{failExchange("test", tt.code), tt.exchange},
			} {
				var coded *Error
				if !errors.As(c.got, &coded) || coded.Code != uint32(tt.code) {
					t.Fatalf("%v has lost its code", c.got)
				}
				if c.want != nil && !errors.Is(c.got, c.want) {
					t.Errorf("%v, want %v", c.got, c.want)
				}
				if !strings.Contains(c.got.Error(), fmt.Sprintf("%08X", uint32(tt.code))) {
					t.Errorf("%q does not tell its code", c.got)
				}
			}
		})
	}
	if fail("test", nil) != nil || failExchange("test", nil) != nil {
		t.Error("no error became one")
	}
}
