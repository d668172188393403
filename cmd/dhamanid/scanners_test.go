package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/usb"
)

// TestScannerService: off says nothing, on serves until the agent ends.
func TestScannerService(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	quiet := slog.New(slog.DiscardHandler)
	hub := scanner.NewHub(usb.New(quiet))
	for _, c := range []*home.ScannerService{nil, {}} {
		serveScanners(ctx, hub, &home.Home{Dir: t.TempDir(), Config: home.Config{ScannerService: c}}, quiet) // returns
	}
	read, write := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		on := home.Config{ScannerService: &home.ScannerService{On: true}}
		serveScanners(ctx, hub, &home.Home{Dir: t.TempDir(), Config: on}, slog.New(slog.NewTextHandler(write, nil)))
		_ = write.Close()
	}()
	line := make([]byte, 1024)
	n, err := read.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	_, address, ok := strings.Cut(string(line[:n]), "address=")
	if !ok {
		t.Fatalf("said %q", line[:n])
	}
	r, err := http.NewRequestWithContext(ctx, "MOSIPDISC", strings.TrimSpace(address)+"device", strings.NewReader(`{"type":"Finger"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(raw), "errorCode") {
		t.Errorf("%d %s, %v", answer.StatusCode, raw, err)
	}
	cancel()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it outlives the agent")
	}
}
