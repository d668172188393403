package sbi

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
)

func (p *preview) watched() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.watchers)
}

// TestStreamNotRead: a client that takes nothing off its connection holds a
// stream no longer than it asked for.
func TestStreamNotRead(t *testing.T) {
	dev, err := soft.New(scanner.ID{Vendor: 0x298D, Product: 0x1010})
	if err != nil {
		t.Fatal(err)
	}
	bus := &soft.Bus{}
	bus.Plug("001/002", dev)
	s := New(Config{Hub: scanner.NewHub(bus), Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if s.port, err = strconv.Atoi(at.Port()); err != nil {
		t.Fatal(err)
	}
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // nothing is written any more
	if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	id := deviceID(dev.Device("001/002"))
	body, err := json.Marshal(map[string]string{"deviceId": id, "timeout": "2000"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "STREAM /stream HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", at.Host, len(body), body); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	img := image.NewGray(image.Rect(0, 0, 1500, 1500))
	for i := range img.Pix {
		img.Pix[i] = uint8(rand.IntN(256)) // #nosec G115,G404 -- nothing that compresses
	}
	for _, want := range []int{1, 0} {
		for s.preview.watched() != want {
			s.preview.show(id, img)
			select {
			case <-ctx.Done():
				t.Fatalf("%d streams are held, want %d", s.preview.watched(), want)
			case <-time.After(time.Millisecond):
			}
		}
	}
}
