//go:build !linux

package localapi

import "net"

// checkPeer leaves the decision to the socket's file mode, which these
// systems check when a program connects.
func checkPeer(net.Conn) error { return nil }
