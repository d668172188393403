//go:build cgo

package testpcsc

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// daemon is a pcscd that this process started.
type daemon struct {
	process *os.Process
	log     string
	ended   chan struct{} // closed when it was collected
}

// startDaemon starts pcscd in the foreground with its log in logFile. It dies
// with this process: the kernel sends it SIGTERM when the thread that started
// it ends, so one goroutine keeps that thread.
func startDaemon(program, logFile string) (*daemon, error) {
	log, err := os.Create(logFile) //nolint:gosec // a name of the test's own
	if err != nil {
		return nil, err
	}
	d := &daemon{log: logFile, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer func() { _ = log.Close() }()
		//nolint:noctx // it is stopped by Service.stop, gently first
		cmd := exec.Command(program, "--foreground")
		cmd.Stdout, cmd.Stderr = log, log
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
		err := cmd.Start()
		d.process = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(d.ended)
		}
	}()
	return d, <-started
}

// kill ends it without a chance to clean up.
func (d *daemon) kill() {
	_ = d.process.Kill()
	<-d.ended
}

// stop lets it clean up, and kills it when it does not end.
func (d *daemon) stop() {
	_ = d.process.Signal(syscall.SIGTERM)
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-d.ended:
	case <-limit.C:
		d.kill()
	}
}

// lastWords is the end of its log.
func (d *daemon) lastWords() string {
	raw, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-4096):])
}

// lock waits until no other test has the service and keeps the others out
// until tb ends. There is one service, so the file's name is one for all,
// whatever TMPDIR says. The kernel gives the lock back when a test process dies.
func lock(tb testing.TB) {
	tb.Helper()
	name := filepath.Join("/tmp", "dhamani-pcsc-"+strconv.Itoa(os.Getuid())+".lock")
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a name of this package's own
	if err != nil {
		tb.Fatalf("lock the card readers: %v", err)
	}
	tb.Cleanup(func() { _ = file.Close() })
	err = waitUntil(tb.Context(), lockLimit, func() error {
		return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	})
	if err != nil {
		tb.Fatalf("lock the card readers: %v", err)
	}
}
