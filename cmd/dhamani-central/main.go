// Command dhamani-central is the reference central API with its
// administrator's commands: it makes a centre, serves clinics, and enrols,
// revokes and blocks.
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
