// Package scannertest holds the contract of scanner.Transport as tests: every
// implementation runs them.
package scannertest

import (
	"bytes"
	"context"
	"errors"
	"image"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Model is the scanner that the contract is tried on: a U.are.U 4500.
var Model = scanner.ID{Vendor: 0x05BA, Product: 0x000A}

// Plugged is a scanner with a finger on it that leaves by itself.
type Plugged struct {
	Transport scanner.Transport
	Want      *image.Gray // what a capture gives
	Unplug    func()      // nil where the plug cannot be pulled
}

// Plug plugs a new scanner in and opens it.
type Plug func(t *testing.T) Plugged

// Transport runs the contract of scanner.Transport.
func Transport(t *testing.T, plug Plug) {
	t.Helper()
	for name, check := range map[string]func(*testing.T, Plugged){
		"context":   endedContext,
		"take back": takeBack,
		"close":     closing,
		"capture":   capture,
		"unplug":    unplug,
	} {
		t.Run(name, func(t *testing.T) {
			p := plug(t)
			t.Cleanup(func() { _ = p.Transport.Close() })
			check(t, p)
		})
	}
}

const events = 0x81

var status = scanner.Setup{Type: 0xC0, Request: 4, Value: 7}

// endedContext: nothing is sent for a context that has ended.
func endedContext(t *testing.T, p Plugged) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Transport.Control(ctx, status, make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("control: %v", err)
	}
	if err := p.Transport.Write(ctx, 0x02, []byte{1}); !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v", err)
	}
	if _, err := scanner.Read(ctx, p.Transport, events, 64); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
}

// takeBack: a pending read lets other transfers pass, and ends with its
// context.
func takeBack(t *testing.T, p Plugged) {
	t.Helper()
	pending, err := p.Transport.Submit(events, 64)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 1)
	if n, err := p.Transport.Control(t.Context(), status, data); err != nil || n != 1 {
		t.Fatalf("status: %d bytes, %v", n, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := pending.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("pending read: %v", err)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("taken back after %v", took)
	}
}

// closing: twice is once, pending reads end, and nothing is answered afterwards.
func closing(t *testing.T, p Plugged) {
	t.Helper()
	pending, err := p.Transport.Submit(events, 64)
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := pending.Wait(context.WithoutCancel(t.Context()))
		waited <- err
	}()
	if err := p.Transport.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	select {
	case err := <-waited:
		if !errors.Is(err, scanner.ErrClosed) {
			t.Errorf("pending read after close: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("a pending read outlives the transport")
	}
	_ = p.Transport.Close()
	if _, err := p.Transport.Control(t.Context(), status, make([]byte, 1)); !errors.Is(err, scanner.ErrClosed) {
		t.Errorf("control after close: %v", err)
	}
	if _, err := p.Transport.Submit(events, 64); !errors.Is(err, scanner.ErrClosed) {
		t.Errorf("submit after close: %v", err)
	}
	if err := p.Transport.Write(t.Context(), 0x02, []byte{1}); !errors.Is(err, scanner.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// capture: a session gets the finger's image.
func capture(t *testing.T, p Plugged) {
	t.Helper()
	model, _ := scanner.Lookup(Model)
	s, err := scanner.Open(t.Context(), p.Transport, model, scanner.Options{Seed: scanner.FixedSeed(scanner.RecordingSeed)})
	if err != nil {
		t.Fatal(err)
	}
	img, err := s.Capture(t.Context(), scanner.Request{Wait: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if img.Rect != p.Want.Rect || !bytes.Equal(img.Pix, p.Want.Pix) {
		t.Error("the image is another")
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// unplug: a pending read and all later transfers say that the scanner is gone.
func unplug(t *testing.T, p Plugged) {
	t.Helper()
	if p.Unplug == nil {
		t.Skip("its plug cannot be pulled")
	}
	pending, err := p.Transport.Submit(events, 64)
	if err != nil {
		t.Fatal(err)
	}
	p.Unplug()
	if _, err := pending.Wait(t.Context()); !errors.Is(err, scanner.ErrUnplugged) {
		t.Errorf("pending read: %v", err)
	}
	if _, err := p.Transport.Control(t.Context(), status, make([]byte, 1)); !errors.Is(err, scanner.ErrUnplugged) {
		t.Errorf("control: %v", err)
	}
	if _, err := p.Transport.Submit(events, 64); !errors.Is(err, scanner.ErrUnplugged) {
		t.Errorf("submit: %v", err)
	}
}
