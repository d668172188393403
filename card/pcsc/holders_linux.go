package pcsc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sockets of pcscd, as its packages and its service unit name them.
var serviceSockets = []string{"/run/pcscd/pcscd.comm", "/var/run/pcscd/pcscd.comm"}

// FindHolders lists the programs that are connected to pcscd: the kernel says
// which sockets are the other ends of pcscd's (sock_diag(7)), and /proc/PID/fd
// whose they are. Of other users' programs only root learns the names.
func FindHolders() (Holders, error) {
	ends, err := peers(serviceSockets)
	if err != nil {
		return Holders{}, fmt.Errorf("ask the kernel who is connected to pcscd: %w", err)
	}
	h := Holders{Told: true}
	own := os.Getpid()
	owners := owners(ends)
	byPID := make(map[int]string)
	for _, inode := range ends {
		switch p, known := owners[inode]; {
		case !known:
			h.Hidden++
		case p.PID != own:
			byPID[p.PID] = p.Name
		}
	}
	for _, pid := range slices.Sorted(maps.Keys(byPID)) {
		h.Programs = append(h.Programs, Program{pid, byPID[pid]})
	}
	return h, nil
}

// owners finds the processes that hold sockets, by inode, among those that
// this user may look at.
func owners(inodes []uint32) map[uint32]Program {
	wanted := make(map[string]uint32, len(inodes))
	for _, i := range inodes {
		wanted[fmt.Sprintf("socket:[%d]", i)] = i
	}
	found := make(map[uint32]Program)
	folders, _ := filepath.Glob("/proc/[0-9]*/fd") // the pattern is right, which is all that it may fail for
	for _, folder := range folders {
		files, err := os.ReadDir(folder)
		if err != nil {
			continue // another user's, or gone
		}
		for _, f := range files {
			target, err := os.Readlink(filepath.Join(folder, f.Name()))
			if err != nil {
				continue
			}
			if inode, ok := wanted[target]; ok {
				found[inode] = programOf(filepath.Dir(folder))
			}
		}
	}
	return found
}

func programOf(folder string) Program {
	pid, _ := strconv.Atoi(filepath.Base(folder))           // digits, by the pattern
	name, err := os.ReadFile(filepath.Join(folder, "comm")) // #nosec G304 -- /proc/PID
	if err != nil {
		return Program{pid, "a program that has ended"}
	}
	return Program{pid, strings.TrimSpace(strings.ToValidUTF8(string(name), "?"))}
}

// The messages of sock_diag(7) for unix domain sockets, linux/unix_diag.h.
const (
	netlinkSockDiag  = 4
	sockDiagByFamily = 20
	showName         = 1
	showPeer         = 4
	attrName         = 0
	attrPeer         = 2
	allStates        = 0xFFFFFFFF

	diagRequest = 24 // struct unix_diag_req
	diagMessage = 16 // struct unix_diag_msg

	diagLimit = time.Second
	mostDiag  = 1 << 20 // bytes of answers that are read at most
)

var errDiag = errors.New("malformed answer of the kernel")

// peers returns the inodes of the sockets at the other ends of those that are
// bound to one of the paths.
func peers(paths []string) ([]uint32, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, netlinkSockDiag)
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(fd) }()
	limit := syscall.NsecToTimeval(diagLimit.Nanoseconds())
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit); err != nil {
		return nil, err
	}
	if err := syscall.Sendto(fd, diagQuestion(), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return nil, err
	}
	var inodes []uint32
	buf := make([]byte, 32<<10)
	for total := 0; total < mostDiag; {
		n, _, err := syscall.Recvfrom(fd, buf, 0)
		if err != nil {
			return nil, err
		}
		total += n
		more, err := readDiag(buf[:n], paths, &inodes)
		if err != nil || !more {
			return inodes, err
		}
	}
	return nil, fmt.Errorf("more than %d bytes: %w", mostDiag, errDiag)
}

func diagQuestion() []byte {
	out := make([]byte, syscall.NLMSG_HDRLEN+diagRequest)
	order := native()
	order.PutUint32(out, uint32(len(out))) // #nosec G115 -- 40
	order.PutUint16(out[4:], sockDiagByFamily)
	order.PutUint16(out[6:], syscall.NLM_F_REQUEST|syscall.NLM_F_DUMP)
	body := out[syscall.NLMSG_HDRLEN:]
	body[0] = syscall.AF_UNIX
	order.PutUint32(body[4:], allStates)
	order.PutUint32(body[12:], showName|showPeer)
	return out
}

// readDiag takes one datagram of answers apart; more is false after the last.
func readDiag(raw []byte, paths []string, inodes *[]uint32) (more bool, err error) {
	order := native()
	for len(raw) >= syscall.NLMSG_HDRLEN {
		n := int(order.Uint32(raw))
		if n < syscall.NLMSG_HDRLEN || n > len(raw) {
			return false, errDiag
		}
		body := raw[syscall.NLMSG_HDRLEN:n]
		switch order.Uint16(raw[4:]) {
		case syscall.NLMSG_DONE:
			return false, nil
		case syscall.NLMSG_ERROR:
			if len(body) < 4 {
				return false, errDiag
			}
			return false, syscall.Errno(-int32(order.Uint32(body))) // #nosec G115 -- a negative errno
		case sockDiagByFamily:
			if len(body) < diagMessage {
				return false, errDiag
			}
			if name, peer := attributes(body[diagMessage:]); peer != 0 && slices.Contains(paths, name) {
				*inodes = append(*inodes, peer)
			}
		}
		raw = raw[min(align(n), len(raw)):]
	}
	return true, nil
}

// attributes reads the name and the peer of a socket; 0 stands for none.
func attributes(raw []byte) (name string, peer uint32) {
	order := native()
	for len(raw) >= 4 {
		n := int(order.Uint16(raw))
		if n < 4 || n > len(raw) {
			return name, peer
		}
		switch value := raw[4:n]; order.Uint16(raw[2:]) {
		case attrName:
			name = string(bytes.TrimRight(value, "\x00"))
		case attrPeer:
			if len(value) == 4 {
				peer = order.Uint32(value)
			}
		}
		raw = raw[min(align(n), len(raw)):]
	}
	return name, peer
}

func align(n int) int { return (n + 3) &^ 3 }

// native is the byte order of this machine, which netlink speaks.
func native() binary.ByteOrder { return binary.NativeEndian }
