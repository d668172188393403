package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// process is a program that the demo has started and stops again.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *tail
	done chan struct{}
	err  error // of Wait; read after done is closed
}

// startProcess starts a program whose output is kept for the case that it
// fails. One goroutine keeps the thread that started it until it has ended:
// see apart.
func startProcess(name, path string, args ...string) (*process, error) {
	p := &process{name: name, log: &tail{}, done: make(chan struct{})}
	p.cmd = exec.Command(path, args...) //nolint:gosec,noctx // our own programs; stop ends them, politely
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	apart(p.cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// patience ends a demo that hangs. Every step takes a few seconds at the most;
// a busy machine may need more.
const patience = 2 * time.Minute

// stop asks the program to end and waits for it.
func (p *process) stop() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended on its own: %w", p.name, cmp.Or(p.err, errEnded))
	default:
	}
	if err := interrupt(p.cmd.Process); err != nil {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s did not end within %v: %w", p.name, patience, p.cmd.Process.Kill())
	}
}

var errEnded = errors.New("nobody asked it to")

// ready polls check until it succeeds, the program ends or ctx does.
func (p *process) ready(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %w", p.name, cmp.Or(p.err, errEnded))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.name, err)
		case <-tick.C:
		}
	}
}

// finish waits until the program has ended by itself.
func (p *process) finish(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.stop())
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w", p.name, p.err)
	}
	return nil
}

// tail keeps the last few kilobytes of a program's output.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailLen = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailLen; over > 0 {
		t.buf = t.buf[over:]
	}
	return len(p), nil
}

// lines returns what is kept.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.buf))
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// exists reports whether a file is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
