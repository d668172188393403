package localapi

import (
	"errors"
	"net"
	"os"
	"testing"
)

func TestAllowed(t *testing.T) {
	for _, c := range []struct {
		name string
		uid  uint32
		own  int
		want error
	}{
		{"own account", 1000, 1000, nil},
		{"root", 0, 1000, nil},
		{"another account", 1001, 1000, errPeer},
		{"another account to root", 1000, 0, errPeer},
		{"nobody", 65534, 1000, errPeer},
		{"no number", ^uint32(0), -1, errPeer},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := allowed(c.uid, c.own); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestCheckPeer(t *testing.T) {
	path := t.TempDir() + "/s"
	socket, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	var d net.Dialer
	here, err := d.DialContext(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = here.Close() })
	there, err := socket.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = there.Close() })
	if err := checkPeer(there); err != nil {
		t.Errorf("uid %d refused: %v", os.Getuid(), err)
	}
	a, b := net.Pipe()
	t.Cleanup(func() { _ = a.Close() })
	t.Cleanup(func() { _ = b.Close() })
	if err := checkPeer(a); !errors.Is(err, errPeer) {
		t.Errorf("a connection without credentials: %v, want errPeer", err)
	}
}
