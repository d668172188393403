// Command dhamani is the technician's and administrator's command line: it
// looks at readers and cards, moves records in and out, and asks the agent and
// the centre how they are.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

// run executes one command line and returns the process's exit code. The
// first interrupt cancels the command's context, a second one ends at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	g := &globals{}
	root := newRootCommand(g)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	report(root.ErrOrStderr(), g.json, err)
	return exitCode(err)
}
