package socket

import (
	"bytes"
	"context"
	"errors"
	"image"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/scannertest"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves a soft scanner and returns the bus that finds it.
func serve(tb testing.TB) (*soft.Scanner, Bus) {
	tb.Helper()
	s, err := soft.New(scannertest.Model)
	if err != nil {
		tb.Fatal(err)
	}
	b := Bus{Path: filepath.Join(tb.TempDir(), "s")}
	ctx, stop := context.WithCancel(context.Background())
	l, err := Listen(ctx, b.Path)
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, s) }()
	tb.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			tb.Errorf("serve: %v", err)
		}
		if st := s.Stats(); st.Opened != st.Closed || st.Submitted != st.Ended {
			tb.Errorf("something is left open: %+v", st)
		}
	})
	return s, b
}

func stripes() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 300, 280))
	for i := range img.Pix {
		img.Pix[i] = uint8(i % 300 * 25)
	}
	return img
}

// TestContract runs the contract of a transport across the socket.
func TestContract(t *testing.T) {
	scannertest.Transport(t, func(t *testing.T) scannertest.Plugged {
		t.Helper()
		s, b := serve(t)
		tr, err := b.Open(t.Context(), Name)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		obeyed := make(chan struct{})
		go func() { defer close(obeyed); s.Obey(ctx, stripes) }()
		t.Cleanup(func() { stop(); <-obeyed })
		return scannertest.Plugged{Transport: tr, Want: s.Seen(stripes()), Unplug: s.Unplug}
	})
}

// TestHub: the scanner is found, marked as soft, taken by one at a time, and
// gone with who served it.
func TestHub(t *testing.T) {
	s, b := serve(t)
	hub := scanner.NewHub(b)
	d, err := hub.Find(t.Context(), "")
	if err != nil || !d.Soft || d.Name != Name || d.Serial != "soft-" || len(d.Descriptors) == 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	first, err := b.Open(t.Context(), Name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), Name); !errors.Is(err, scanner.ErrBusy) {
		t.Errorf("a second driver: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	for s.Stats().Closed == 0 { // the other side notices in its own time
		time.Sleep(time.Millisecond)
	}
	ctx, stop := context.WithCancel(t.Context())
	go s.Obey(ctx, stripes)
	defer stop()
	img, err := hub.Capture(t.Context(), "", scanner.Request{Wait: 5 * time.Second}, scanner.Options{})
	if err != nil || !bytes.Equal(img.Pix, s.Seen(stripes()).Pix) {
		t.Errorf("capture: %v", err)
	}
	if img.Presentation != nil {
		t.Errorf("it says %+v of the finger", img.Presentation)
	}
	s.Claim(&scanner.Presentation{Verdict: scanner.Alive, Score: 93})
	img, err = hub.Capture(t.Context(), "", scanner.Request{Wait: 5 * time.Second}, scanner.Options{})
	if err != nil || img.Presentation == nil || *img.Presentation != (scanner.Presentation{Verdict: scanner.Alive, Score: 93}) {
		t.Errorf("it says %+v of the finger; %v", img.Presentation, err)
	}
	if list, err := (Bus{Path: filepath.Join(t.TempDir(), "none")}).List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("nobody serves: %v, %v", list, err)
	}
	if _, err := Listen(t.Context(), b.Path); !errors.Is(err, scanner.ErrBusy) {
		t.Errorf("a second server: %v", err)
	}
}

// TestOthersSocket: what others may serve is not asked.
func TestOthersSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the folder decides")
	}
	_, b := serve(t)
	if err := os.Chmod(b.Path, 0o666); err != nil { // #nosec G302 -- that is what is to be refused
		t.Fatal(err)
	}
	if _, err := b.List(t.Context()); !errors.Is(err, scanner.ErrDenied) {
		t.Errorf("open to others: %v", err)
	}
	plain := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Bus{Path: plain}).Open(t.Context(), Name); !errors.Is(err, scanner.ErrDenied) {
		t.Errorf("a file: %v", err)
	}
}

// TestHostileServer: whatever stands behind the socket, the driver's side ends
// in time and with a named error.
func TestHostileServer(t *testing.T) {
	model, _ := scanner.Lookup(scannertest.Model)
	good := hello(scanner.Device{Model: model}).append(nil)
	for name, tt := range map[string]struct {
		says, then []byte // then: once the driver has asked
		want       error
	}{
		"nothing":         {nil, nil, scanner.ErrProtocol},
		"no hello":        {message{kind: kindAnswer}.append(nil), nil, scanner.ErrProtocol},
		"endless":         {[]byte{0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0, 0}, nil, scanner.ErrProtocol},
		"unknown model":   {message{kind: kindHello, data: make([]byte, 5)}.append(nil), nil, scanner.ErrNoScanner},
		"ends then":       {good, nil, scanner.ErrUnplugged},
		"refuses":         {good, message{kind: kindAnswer, arg: 6, id: 1}.append(nil), scanner.ErrBusy},
		"garbage then":    {good, []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, scanner.ErrUnplugged},
		"unknown status":  {good, message{kind: kindAnswer, arg: 200, id: 1}.append(nil), scanner.ErrTransfer},
		"other's answer":  {good, message{kind: kindAnswer, id: 9}.append(nil), scanner.ErrUnplugged},
		"asks us instead": {good, message{kind: kindOpen}.append(nil), scanner.ErrUnplugged},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			l, err := Listen(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Write(tt.says)
				if bytes.Equal(tt.says, good) {
					_, _ = readMessage(conn)
				}
				_, _ = conn.Write(tt.then)
				_ = conn.Close()
			}()
			if _, err := (Bus{Path: path}).Open(t.Context(), Name); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			<-done
			_ = l.Close()
		})
	}
}

// TestHostileDriver: whatever a driver says, its connection ends and the
// scanner is free again.
func TestHostileDriver(t *testing.T) {
	open := message{kind: kindOpen, id: 1}.append(nil)
	for name, says := range map[string][]byte{
		"control before open": control(scanner.Setup{Type: 0xC0}, make([]byte, 1)).append(nil),
		"opens twice":         append(bytes.Clone(open), open...),
		"short control":       message{kind: kindControl, id: 2, data: make([]byte, 3)}.append(bytes.Clone(open)),
		"false size":          message{kind: kindControl, id: 2, data: []byte{0x40, 4, 0, 7, 0, 0, 0, 9}}.append(bytes.Clone(open)),
		"read without size":   message{kind: kindSubmit, arg: 0x81, id: 2}.append(bytes.Clone(open)),
		"answers":             message{kind: kindAnswer, id: 2}.append(bytes.Clone(open)),
		"too many reads":      manyReads(bytes.Clone(open)),
	} {
		t.Run(name, func(t *testing.T) {
			_, b := serve(t)
			conn, err := new(net.Dialer).DialContext(t.Context(), "unix", b.Path)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close() //nolint:errcheck // the test is over
			if _, err := conn.Write(says); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			for {
				if _, err := readMessage(conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatal("the connection goes on")
				} else if err != nil {
					return
				}
			}
		})
	}
}

func manyReads(to []byte) []byte {
	for id := range uint32(maxPending + 1) {
		to = message{kind: kindSubmit, arg: 0x81, id: id + 2, data: []byte{0, 0, 0, 64}}.append(to)
	}
	return to
}

// FuzzMessage: what is read is written as the same bytes, and nothing of it is
// larger than the limit.
func FuzzMessage(f *testing.F) {
	model, _ := scanner.Lookup(scannertest.Model)
	f.Add(hello(scanner.Device{Model: model, Serial: "1", Descriptors: []byte{1, 2}}).append(nil))
	f.Add(control(scanner.Setup{Type: 0x40, Request: 4}, []byte{1, 2, 3}).append(nil))
	f.Add(control(scanner.Setup{Type: 0xC0, Request: 4}, make([]byte, 4)).append(nil))
	f.Add([]byte{0, 0, 0, 6, 7, 2, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := readMessage(bytes.NewReader(raw))
		if err != nil {
			return
		}
		if again := m.append(nil); !bytes.Equal(again, raw[:len(again)]) || len(m.data) > maxData {
			t.Fatalf("%x became %x", raw, again)
		}
		if d, err := parseHello(m); err == nil && (!d.Soft || !bytes.Equal(hello(d).data, m.data)) {
			t.Fatalf("hello %x became %x", m.data, hello(d).data)
		}
		if setup, data, err := parseControl(m.data); err == nil && !bytes.Equal(control(setup, data).data, m.data) {
			t.Fatalf("control %x became %x", m.data, control(setup, data).data)
		}
	})
}
