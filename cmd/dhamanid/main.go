// Command dhamanid is the agent of a clinic workstation: a service that reads
// and writes health cards, keeps what it has read, exchanges it with the
// centre, and serves the reception page on loopback.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

// run returns the exit code. The first signal asks the agent to end, which
// takes 10 s at most; a second one ends the process at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := newRootCommand()
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(root.ErrOrStderr(), "dhamanid: %v\n", err)
		return 1
	}
	return 0
}
