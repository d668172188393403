package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

type scannerWatchOptions struct {
	source   scannerSource
	duration time.Duration // how long to watch; 0 until interrupted
}

func newScannerWatchCommand(g *globals) *cobra.Command {
	var opts scannerWatchOptions
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show fingerprint scanners as they come and go",
		Long: `Show fingerprint scanners as they come and go, beginning with what is there,
until interrupted. With --json every event is one line.`,
		Example: "  dhamani scanner watch\n  dhamani scanner watch --for 1m --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runScannerWatch(cmd.Context(), cmd.OutOrStdout(), g, opts)
		},
	}
	opts.source.flags(cmd)
	cmd.Flags().DurationVar(&opts.duration, "for", 0, "end after this long; without it, when interrupted")
	return cmd
}

// scannerEvent is one line of scanner watch.
type scannerEvent struct {
	At      time.Time   `json:"at"`
	Event   string      `json:"event"` // plugged, unplugged, resumed, usb_down, usb_up
	Scanner *deviceLine `json:"scanner,omitempty"`
	Error   string      `json:"error,omitempty"`
}

func runScannerWatch(ctx context.Context, out io.Writer, g *globals, opts scannerWatchOptions) error {
	if opts.duration < 0 {
		return cli.Advise(fmt.Errorf("watch scanners: --for %v is negative", opts.duration), cli.ExitUsage, "give --for a positive duration")
	}
	bus, err := opts.source.bus(g)
	if err != nil {
		return err
	}
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if opts.duration > 0 {
		var stop context.CancelFunc
		watched, stop = context.WithTimeout(watched, opts.duration)
		defer stop()
	}
	_ = scanner.NewHub(bus).Watch(watched, func(c scanner.Change) { // only ever ends with its context
		if err := printScannerEvent(out, g.json, c); err != nil {
			cancel(err) // nobody reads any more
		}
	})
	if cause := context.Cause(watched); ctx.Err() == nil && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

func printScannerEvent(out io.Writer, asJSON bool, c scanner.Change) error {
	line := scannerEvent{At: c.At.UTC(), Event: string(c.Kind)}
	if c.Device.Name != "" {
		d := newDeviceLine(c.Device)
		line.Scanner = &d
	}
	if c.Err != nil {
		line.Error = c.Err.Error()
	}
	if asJSON {
		return cli.PrintJSON(out, line)
	}
	text := line.Error
	if line.Scanner != nil {
		text = line.Scanner.Name + "  " + line.Scanner.Model
	}
	if _, err := fmt.Fprintf(out, "%s  %-10s %s\n", c.At.Format("15:04:05.000"), line.Event, text); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
