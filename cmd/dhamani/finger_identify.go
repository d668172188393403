package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/eval"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
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
	images                    []string // folders of captured fingers
	dpi                       int      // of them
}

func newFingerIdentifyBenchCommand(g *globals) *cobra.Command {
	opts := identifyOptions{people: 10000, fingers: 2, searches: 100, dpi: 500}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Try the index out with people of nobody",
		Long: `Enrol people of nobody in an index in memory and look for other impressions of
some of them, and for strangers: how often the mate is found, how often a stranger
reaches the score that raises a review, how long it takes and what it needs.

With --images captured fingers (FINGER_IMPRESSION.png) are mixed into them: every
two fingers of a folder, or as many as --fingers says, count as one person, who is
enrolled with the first impression of each and looked for with all others.`,
		Example: "  dhamani finger identify bench --people 100000 --json\n  dhamani finger identify bench --people 10000 --images ./db1 --images ./db2",
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
	cmd.Flags().StringArrayVar(&opts.images, "images", nil, "folder with images of captured fingers, to be mixed in; may be repeated")
	cmd.Flags().IntVar(&opts.dpi, "dpi", opts.dpi, "pixels an inch of these images")
	cmd.Flags().IntVar(&opts.searches, "searches", opts.searches, "number of people that are looked for")
	return cmd
}

func runFingerIdentifyBench(ctx context.Context, out io.Writer, g *globals, opts identifyOptions) error {
	trial := identify.Trial{People: opts.people, Fingers: opts.fingers, Searches: opts.searches}
	for _, dir := range opts.images {
		all, err := eval.Templates(ctx, dir, opts.dpi, eval.AllFingers)
		if err != nil {
			return err
		}
		trial.Real = append(trial.Real, mates(all, opts.fingers)...)
	}
	b, err := identify.RunBench(ctx, trial)
	if err != nil {
		return fmt.Errorf("try the index out: %w", err)
	}
	if g.json {
		return cli.PrintJSON(out, b)
	}
	fmt.Fprintf(out, "people      %d with %d fingers, %.0f enrolled a second, %d bytes each\n", b.People, b.Fingers, b.EnrolRate, b.Bytes)
	fmt.Fprintf(out, "mates       %.1f %% found first, %.1f %% among ten, %.1f %% would raise a review, of %d\n", b.First, b.Found, b.Alarm, b.Searches)
	if r := b.Real; r != nil {
		fmt.Fprintf(out, "captured    %.1f %% found first, %.1f %% among ten, %.1f %% would raise a review, of %d\n", r.First, r.Found, r.Alarm, r.Searches)
	}
	fmt.Fprintf(out, "strangers   %.1f %% would raise a review\n", b.Strangers)
	fmt.Fprintf(out, "search      %.1f ms, %.0f people looked through a second\n", b.SearchMS, b.PeopleRate)
	return nil
}

// mates makes people of captured fingers, so many fingers each in the order of
// their names; what is left over is nobody. A person's n-th impressions of all
// fingers are shown together.
func mates(all []eval.Impression, fingers int) []identify.Mate {
	var byFinger [][]*fmr.Template
	for i, im := range all {
		if i == 0 || im.Finger != all[i-1].Finger {
			byFinger = append(byFinger, nil)
		}
		last := len(byFinger) - 1
		byFinger[last] = append(byFinger[last], im.Template)
	}
	var out []identify.Mate
	for person := range slices.Chunk(byFinger, fingers) {
		if len(person) < fingers {
			break
		}
		shown := len(person[0])
		for n, impressions := range person {
			shown = min(shown, len(impressions))
			for _, t := range impressions {
				t.Views[0].Position = identify.Place(n)
			}
		}
		together := make([][]*fmr.Template, shown)
		for n := range together {
			for _, impressions := range person {
				together[n] = append(together[n], impressions[n])
			}
		}
		out = append(out, identify.Mate{Enrolled: together[0], Asked: together[1:]})
	}
	return out
}
