package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

type readerWatchOptions struct {
	duration time.Duration // how long to watch; 0 until interrupted
}

func newReaderWatchCommand(g *globals) *cobra.Command {
	opts := readerWatchOptions{}
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show readers and cards as they come and go",
		Long: `Show readers and cards as they come and go, beginning with what is there, until
interrupted. With --json every event is one line. A card service that stops is
shown and waited for.`,
		Example: "  dhamani reader watch\n  dhamani reader watch --for 1m --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runReaderWatch(cmd.Context(), cmd.OutOrStdout(), g, opts)
		},
	}
	cmd.Flags().DurationVar(&opts.duration, "for", 0, "stop after this long, as 30s or 5m; 0 goes on until interrupted")
	return cmd
}

// eventLine is one event in the JSON answer of reader watch.
type eventLine struct {
	At     time.Time `json:"at"`
	Event  string    `json:"event"`
	Reader string    `json:"reader,omitempty"`
	ATR    string    `json:"atr,omitempty"`
}

func runReaderWatch(ctx context.Context, out io.Writer, g *globals, opts readerWatchOptions) error {
	if opts.duration < 0 {
		return cli.Advise(fmt.Errorf("watch readers: --for %v is negative", opts.duration), cli.ExitUsage, "give --for a positive duration")
	}
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if opts.duration > 0 {
		var stop context.CancelFunc
		watched, stop = context.WithTimeout(watched, opts.duration)
		defer stop()
	}
	err := pcsc.New(g.log).Watch(watched, func(ev card.Event) {
		if err := printEvent(out, g.json, ev); err != nil {
			cancel(err) // nobody reads any more
		}
	})
	switch cause := context.Cause(watched); {
	case errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		return nil // it was asked to stop
	case cause != nil && !errors.Is(cause, context.Canceled):
		return cause
	default:
		return err
	}
}

func printEvent(out io.Writer, asJSON bool, ev card.Event) error {
	line := eventLine{At: ev.At.UTC(), Event: ev.Kind.String(), Reader: ev.Reader, ATR: hexUpper(ev.ATR)}
	if asJSON {
		return cli.PrintJSON(out, line)
	}
	_, err := fmt.Fprintf(out, "%s  %-15s %s", ev.At.Format("15:04:05.000"), line.Event, line.Reader)
	if err == nil && line.ATR != "" {
		_, err = fmt.Fprintf(out, "  ATR %s", line.ATR)
	}
	if err == nil {
		_, err = fmt.Fprintln(out)
	}
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
