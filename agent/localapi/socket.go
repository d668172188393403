package localapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrSocketInUse is returned when another agent answers at the socket's path.
var ErrSocketInUse = errors.New("another agent is running")

// maxSocketPath is the room for a path in struct sockaddr_un (unix(7)), less
// the final zero byte and the temporary name's suffix.
const maxSocketPath = 108 - 1 - len(newSuffix)

const newSuffix = ".new"

// controlSocket is a unix listener that removes its file when it closes.
type controlSocket struct {
	*net.UnixListener
	path string
}

// listenSocket opens a socket that only the agent's own account may use. The
// socket is bound under a temporary name and moved to its place when its mode
// is set, so there is no moment in which others could connect. A file left
// behind by an agent that was killed is replaced; anything that is not a
// socket is left alone.
func listenSocket(ctx context.Context, path string) (*controlSocket, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("socket path of %d bytes, %d are possible", len(path), maxSocketPath)
	}
	if err := makeWay(ctx, path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	temporary := path + newSuffix
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", temporary)
	if err != nil {
		return nil, err
	}
	unix := listener.(*net.UnixListener) // what "unix" always gives
	unix.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(temporary, 0o600), os.Rename(temporary, path)); err != nil {
		return nil, errors.Join(err, unix.Close(), os.Remove(temporary))
	}
	return &controlSocket{UnixListener: unix, path: path}, nil
}

// makeWay finds out whether path is free or holds a dead socket.
func makeWay(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is not a socket: %w", path, fs.ErrExist)
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("%s: %w", path, ErrSocketInUse), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: %w", path, ErrSocketInUse) // full or slow, but alive
	}
	return nil
}

// Close stops listening and removes the file.
func (s *controlSocket) Close() error {
	err := s.UnixListener.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	if gone := os.Remove(s.path); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
