package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/socket"
)

// TestScannerSoftLiveness: what the flag says is what a program at the socket
// hears of the finger.
func TestScannerSoftLiveness(t *testing.T) {
	for word, want := range map[string]*scanner.Presentation{
		"none": nil, "alive": {Verdict: scanner.Alive, Score: 95}, "artefact": {Verdict: scanner.Artefact, Score: 5},
	} {
		t.Run(word, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			path := filepath.Join(t.TempDir(), "s.sock")
			cmd := newScannerSoftCommand(&globals{})
			cmd.SetArgs([]string{"--socket", path, "--liveness", word})
			cmd.SetOut(io.Discard)
			done := make(chan error, 1)
			go func() { done <- cmd.ExecuteContext(ctx) }()
			defer func() {
				cancel()
				if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}()
			img := captureSoft(t, socket.Bus{Path: path})
			if got := img.Presentation; (got == nil) != (want == nil) || got != nil && *got != *want {
				t.Errorf("said %+v, want %+v", got, want)
			}
		})
	}
	cmd := newScannerSoftCommand(&globals{})
	cmd.SetArgs([]string{"--socket", filepath.Join(t.TempDir(), "s.sock"), "--liveness", "dead"})
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	if err := cmd.ExecuteContext(t.Context()); err == nil {
		t.Error("another word was taken")
	}
}

// captureSoft takes an image as soon as somebody serves the scanner.
func captureSoft(t *testing.T, bus socket.Bus) scanner.Image {
	t.Helper()
	hub := scanner.NewHub(bus)
	for end := time.Now().Add(2 * time.Minute); ; {
		img, err := hub.Capture(t.Context(), "", scanner.Request{}, scanner.Options{})
		if err == nil {
			return img
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
