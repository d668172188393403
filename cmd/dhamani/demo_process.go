package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
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
// fails.
func startProcess(name, path string, args ...string) (*process, error) {
	p := &process{name: name, log: &tail{}, done: make(chan struct{})}
	p.cmd = exec.Command(path, args...) //nolint:gosec,noctx // our own programs; stop ends them, politely
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	apart(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop asks the program to end and waits for it, at most 15 s.
func (p *process) stop() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended on its own: %w%s", p.name, errors.Join(p.err, errEnded), p.log.indented())
	default:
	}
	if err := interrupt(p.cmd.Process); err != nil {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(15 * time.Second):
		return fmt.Errorf("%s did not end within 15 s: %w", p.name, p.cmd.Process.Kill())
	}
}

var errEnded = errors.New("it was not asked to")

// ready polls check until it succeeds, the program ends or ctx does.
func (p *process) ready(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
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
			return fmt.Errorf("%s ended: %w%s", p.name, errors.Join(p.err, errEnded), p.log.indented())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w%s", p.name, err, p.log.indented())
		case <-tick.C:
		}
	}
}

// runProgram runs a program to its end and returns its error with what it said.
func runProgram(ctx context.Context, path string, args ...string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...) // #nosec G204 -- our own programs
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", path, args[0], err, said.String())
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

// indented returns what is kept, as lines of an error text.
func (t *tail) indented() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.buf) == 0 {
		return ""
	}
	return "\n    " + string(bytes.ReplaceAll(bytes.TrimSpace(t.buf), []byte("\n"), []byte("\n    ")))
}

// exists reports whether a file is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
