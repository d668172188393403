// Package cli is the frame that the three programs' command lines share: a
// root command and groups, wrong usage told from failure, one report of an
// error with its next step and exit code, JSON answers and loggers.
//
// Each program keeps its own commands, flags and Table.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// Run executes the command line of the process and returns its exit code. The
// first interrupt or SIGTERM cancels the commands' context, a second one ends
// the process at once. An error is reported once, on standard error; as JSON
// when the root command has a flag --json and it is set.
func Run(root *cobra.Command, errs Table) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	asJSON, _ := root.PersistentFlags().GetBool("json") // false where there is no such flag
	return errs.report(root.ErrOrStderr(), root.Name(), asJSON, err)
}

// Root completes a program's root command: version, errors left to Run, and
// the group of its commands.
func Root(root *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	root.Version = Version()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{cmd.CommandPath(), err} })
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	return Group(root, commands...)
}

// Group makes cmd a command that only holds others: alone it shows its help,
// and a word it does not know is wrong usage.
func Group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			return WrongUsage(cmd, "there is no command %q; did you mean %q?", args[0], near[0])
		}
		return WrongUsage(cmd, "there is no command %q", args[0])
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(commands...)
	return cmd
}

// Args turns the error of an argument check into wrong usage.
func Args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{cmd.CommandPath(), err}
		}
		return nil
	}
}

// Version is the module's version that the go command stamped into the program.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// NewLogger writes what is at or above level to w, as text or as JSON.
func NewLogger(w io.Writer, level slog.Level, asJSON bool) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// PrintJSON writes v as one line of JSON.
func PrintJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
