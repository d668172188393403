package main

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
)

// run plays a command line; the error comes with its exit code. What is said
// beside the answer is dropped.
func run(t *testing.T, dir string, args ...string) (out string, code int, err error) {
	t.Helper()
	return runWith(t, "", dir, args...)
}

// runWith is run with a standard input.
func runWith(t *testing.T, in, dir string, args ...string) (out string, code int, err error) {
	t.Helper()
	var stdout bytes.Buffer
	code, err = play(t, in, dir, args, &stdout, io.Discard)
	return stdout.String(), code, err
}

// typed is runWith for lines that somebody types, with all that is seen then.
func typed(t *testing.T, dir, lines string, args ...string) (seen string, code int, err error) {
	t.Helper()
	var both bytes.Buffer
	code, err = play(t, lines, dir, args, &both, &both)
	return both.String(), code, err
}

func play(t *testing.T, in, dir string, args []string, stdout, stderr io.Writer) (code int, err error) {
	t.Helper()
	root := newRootCommand(&globals{})
	root.SetIn(strings.NewReader(in))
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(slices.Concat(args, []string{"--home", dir}))
	err = root.ExecuteContext(t.Context())
	code, _ = table.Judge(err)
	return code, err
}

// serveBackend runs the local interface of an agent on a folder until stop is
// called, at the latest until the test ends.
func serveBackend(t *testing.T, dir string, backend localapi.Backend) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	server := localapi.New(localapi.Config{Socket: home.SocketPath(dir), Ready: func(string) { close(ready) }}, backend)
	go func() { done <- server.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-done:
		cancel()
		t.Fatalf("the agent's interface ended: %v", err)
	}
	t.Cleanup(stop)
	return stop
}
