//go:build linux

package softcard

import (
	"net"

	"golang.org/x/sys/unix"
)

// quickAck asks the kernel to acknowledge at once what arrives next. vpcd
// writes a frame's length and its bytes apart and waits for the first
// acknowledgement in between, which costs 44 ms a command otherwise. The
// kernel forgets the wish, so it is made again before every read. A kernel
// that refuses costs time only, and the error is of no use to anybody.
func quickAck(conn *net.TCPConn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) // #nosec G115 -- a descriptor
	})
}
