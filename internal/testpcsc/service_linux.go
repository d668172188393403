//go:build cgo

package testpcsc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card/pcsc"
)

const (
	runFolder = "/run/pcscd"
	socket    = runFolder + "/pcscd.comm"
	pidFile   = runFolder + "/pcscd.pid"

	lockLimit  = 15 * time.Minute // other packages' tests are waited for
	startLimit = time.Minute      // from pcscd's start to two listed readers
	emptyLimit = time.Minute      // the last test's card leaves within a poll of 400 ms
	stopLimit  = 30 * time.Second
	poll       = 10 * time.Millisecond
)

// Service is the PC/SC service while one test has it.
type Service struct {
	tb  testing.TB
	dir string  // for the log; made before stop is due, so that it outlives it
	own *daemon // the pcscd that this test started, nil while there is none
}

// Use gives the PC/SC service with two empty virtual readers to tb until tb
// ends. It waits for other tests, in this process and in others, that have it,
// and starts pcscd when none runs. A test must not call it twice.
func Use(tb testing.TB) *Service {
	tb.Helper()
	program, lookErr := findDaemon()
	running := answers(tb.Context())
	if !running && lookErr != nil {
		missing(tb, "pcscd does not run and is not installed: %v", lookErr)
	}
	lock(tb)
	s := &Service{tb: tb, dir: tb.TempDir()}
	tb.Cleanup(s.stop)
	if !answers(tb.Context()) {
		if lookErr != nil || os.Geteuid() != 0 {
			missing(tb, "pcscd does not run, and starting it needs root")
		}
		s.start(program)
	}
	if err := WaitReaders(tb.Context(), startLimit); err != nil {
		missing(tb, "the virtual readers are not there: %v", err)
	}
	if err := waitEmpty(tb.Context()); err != nil {
		tb.Fatalf("the virtual readers are in use: %v", err)
	}
	return s
}

// Kill ends pcscd the hard way, as a crash would, and returns when it is gone.
// The test is skipped when the pcscd that runs is the system's own.
func (s *Service) Kill() {
	s.tb.Helper()
	if s.own != nil {
		s.own.kill()
		s.own = nil
		return
	}
	pid, err := strconv.Atoi(os.Getenv(pidVariable))
	if err != nil || processName(pid) != "pcscd" {
		s.tb.Skip("the running pcscd is not the tests' to kill (run inside tools/with-pcscd.sh)")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		s.tb.Fatalf("kill pcscd: %v", err)
	}
	if err := waitUntil(s.tb.Context(), stopLimit, func() error {
		if processName(pid) == "pcscd" {
			return fmt.Errorf("pcscd %d is still there", pid)
		}
		return nil
	}); err != nil {
		s.tb.Fatal(err)
	}
}

// Restart starts pcscd again after Kill and returns when the readers are back.
func (s *Service) Restart() {
	s.tb.Helper()
	program, err := findDaemon()
	if err != nil {
		s.tb.Fatal(err)
	}
	s.start(program)
	if err := WaitReaders(s.tb.Context(), startLimit); err != nil {
		s.tb.Fatalf("restart pcscd: %v", err)
	}
}

// start starts pcscd. A killed one leaves its socket and process number
// behind, and a new one refuses to start while a process has that number.
func (s *Service) start(program string) {
	s.tb.Helper()
	for _, stale := range []string{socket, pidFile} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.tb.Fatalf("clear a dead pcscd's files: %v", err)
		}
	}
	d, err := startDaemon(program, filepath.Join(s.dir, "pcscd.log"))
	if err != nil {
		s.tb.Fatalf("start pcscd: %v", err)
	}
	s.own = d
}

func (s *Service) stop() {
	if s.own == nil {
		return
	}
	s.own.stop()
	if words := s.own.lastWords(); s.tb.Failed() && words != "" {
		s.tb.Logf("pcscd said:\n%s", words)
	}
	s.own = nil
}

func findDaemon() (string, error) {
	if path, err := exec.LookPath("pcscd"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/pcscd")
}

// answers reports whether a pcscd accepts connections.
func answers(ctx context.Context) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// WaitReaders waits until both virtual readers are listed, for limit at most.
func WaitReaders(ctx context.Context, limit time.Duration) error {
	service := pcsc.New(slog.New(slog.DiscardHandler))
	return waitUntil(ctx, limit, func() error {
		names, err := service.Names(ctx)
		if err != nil {
			return err
		}
		for _, slot := range Slots() {
			if !slices.Contains(names, slot.Reader) {
				return fmt.Errorf("%q is not among %q", slot.Reader, names)
			}
		}
		return nil
	})
}

// waitEmpty waits until no card is in the virtual readers.
func waitEmpty(ctx context.Context) error {
	service := pcsc.New(slog.New(slog.DiscardHandler))
	return waitUntil(ctx, emptyLimit, func() error {
		readers, err := service.List(ctx)
		if err != nil {
			return err
		}
		for _, r := range readers {
			for _, slot := range Slots() {
				if r.Name == slot.Reader && r.Present {
					return fmt.Errorf("a card is in %q", r.Name)
				}
			}
		}
		return nil
	})
}

// waitUntil tries until try returns nil, and returns its last error when limit
// has passed.
func waitUntil(ctx context.Context, limit time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (waited %v)", err, limit)
		case <-tick.C:
		}
	}
}

// processName is the name of a live process, "" for none and for one that is
// dead to the last thread. The first thread may be dead before the others, which
// still hold its sockets.
func processName(pid int) string {
	threads, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "stat"))
	if err != nil {
		return ""
	}
	for _, thread := range threads {
		raw, err := os.ReadFile(thread) //nolint:gosec // a name in /proc
		if err != nil {
			continue
		}
		// "123 (name) S ..."; the name may hold anything.
		line := string(raw)
		open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
		if open >= 0 && end > open && !strings.HasPrefix(line[end+1:], " Z") && !strings.HasPrefix(line[end+1:], " X") {
			return line[open+1 : end]
		}
	}
	return ""
}
