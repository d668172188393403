package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/identify"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newFingerIdentifyCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "identify",
		Short: "Find a person among many by fingers",
	}, newFingerIdentifyBenchCommand(g))
}

// identifyOptions size the trial.
type identifyOptions struct {
	people, fingers, searches int
}

func newFingerIdentifyBenchCommand(g *globals) *cobra.Command {
	opts := identifyOptions{people: 10000, fingers: 2, searches: 100}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Try the index out with people of nobody",
		Long: `Enrol people of nobody in an index in memory and look for other impressions of
some of them, and for strangers: how often the mate is found, how often a stranger
reaches the score that raises a review, how long it takes and what it needs.`,
		Example: "  dhamani finger identify bench --people 100000 --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.people < 1 || opts.people > 2_000_000 || opts.fingers < 1 || opts.fingers > identify.MaxFingers || opts.searches < 1 {
				return cli.WrongUsage(cmd, "at most 2,000,000 people of 1 to %d fingers and one search can be tried", identify.MaxFingers)
			}
			return runFingerIdentifyBench(cmd.Context(), cmd.OutOrStdout(), g, opts)
		},
	}
	cmd.Flags().IntVar(&opts.people, "people", opts.people, "number of people")
	cmd.Flags().IntVar(&opts.fingers, "fingers", opts.fingers, "number of fingers of each")
	cmd.Flags().IntVar(&opts.searches, "searches", opts.searches, "number of people that are looked for")
	return cmd
}

func runFingerIdentifyBench(ctx context.Context, out io.Writer, g *globals, opts identifyOptions) error {
	b, err := identify.RunBench(ctx, opts.people, opts.fingers, opts.searches)
	if err != nil {
		return fmt.Errorf("try the index out: %w", err)
	}
	if g.json {
		return cli.PrintJSON(out, b)
	}
	fmt.Fprintf(out, "people      %d with %d fingers, %.0f enrolled a second, %d bytes each\n", b.People, b.Fingers, b.EnrolRate, b.Bytes)
	fmt.Fprintf(out, "mates       %.1f %% found first, %.1f %% among ten, of %d\n", b.First, b.Found, b.Searches)
	fmt.Fprintf(out, "strangers   %.1f %% would raise a review\n", b.Strangers)
	fmt.Fprintf(out, "search      %.1f ms, %.0f people looked through a second\n", b.SearchMS, b.PeopleRate)
	return nil
}
