package localapi

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// errPeer refuses a program of another account.
var errPeer = errors.New("program of another account")

// checkPeer lets in programs of the agent's own account and of root, as the
// kernel names them (SO_PEERCRED, unix(7)).
func checkPeer(conn net.Conn) error {
	uc, ok := conn.(*net.UnixConn)
	if !ok {
		return fmt.Errorf("%s connection: %w", conn.LocalAddr().Network(), errPeer)
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return fmt.Errorf("ask who is connected: %w", err)
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) // #nosec G115 -- a file descriptor
	})
	if err := errors.Join(err, credErr); err != nil {
		return fmt.Errorf("ask who is connected: %w", err)
	}
	return allowed(cred.Uid, os.Geteuid())
}

// allowed reports whether account uid may speak to an agent of account own.
func allowed(uid uint32, own int) error {
	if uid == 0 || int64(uid) == int64(own) {
		return nil
	}
	return fmt.Errorf("uid %d: %w", uid, errPeer)
}
