//go:build !linux

package softcard

import "net"

// quickAck has nothing to do: only Linux offers the option, and pcscd with
// vpcd is used there.
func quickAck(*net.TCPConn) {}
