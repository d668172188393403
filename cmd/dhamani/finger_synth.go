package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/synth"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

// synthOptions choose what finger synth makes.
type synthOptions struct {
	out                  string
	seed                 uint64
	fingers, impressions int
	effort               float64
}

// maxSynth is how many images are made at most.
const maxSynth = 10000

func newFingerSynthCommand(g *globals) *cobra.Command {
	opts := synthOptions{seed: 1, fingers: 1, impressions: 1, effort: 0.5}
	cmd := &cobra.Command{
		Use:   "synth",
		Short: "Make fingerprints of nobody, for tests and demonstrations",
		Long: `Grow fingerprints of nobody and write impressions of them as images of 388 x 374
pixels at 500 dpi, FINGER_IMPRESSION.png each. The same seed makes the same images.`,
		Example: "  dhamani finger synth -o images --fingers 10 --impressions 4 --effort 0.8",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.fingers < 1 || opts.impressions < 1 || opts.fingers > maxSynth/opts.impressions {
				return cli.WrongUsage(cmd, "between 1 and 10,000 images can be made")
			}
			if !(opts.effort >= 0 && opts.effort <= 1) {
				return cli.WrongUsage(cmd, "the effort %v is not between 0 and 1", opts.effort)
			}
			return runFingerSynth(cmd.Context(), cmd.OutOrStdout(), g, opts)
		},
	}
	cmd.Flags().StringVarP(&opts.out, "out", "o", "", "folder for the images")
	cmd.Flags().Uint64Var(&opts.seed, "seed", opts.seed, "what decides how the fingers look")
	cmd.Flags().IntVar(&opts.fingers, "fingers", opts.fingers, "number of fingers")
	cmd.Flags().IntVar(&opts.impressions, "impressions", opts.impressions, "number of impressions of each")
	cmd.Flags().Float64Var(&opts.effort, "effort", opts.effort, "0 all clear and in the middle, 1 as people do in a hurry")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func runFingerSynth(ctx context.Context, out io.Writer, g *globals, opts synthOptions) error {
	if err := os.MkdirAll(opts.out, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for f := range opts.fingers {
		seed := opts.seed + uint64(f) // #nosec G115 -- small
		finger := synth.New(seed)
		for i := range opts.impressions {
			if err := ctx.Err(); err != nil {
				return err
			}
			pose := synth.Random(seed<<16+uint64(i), opts.effort) // #nosec G115 -- small
			name := filepath.Join(opts.out, fmt.Sprintf("%d_%d.png", f+1, i+1))
			if err := writePNG(name, finger.Impression(pose)); err != nil {
				return err
			}
		}
	}
	if g.json {
		return cli.PrintJSON(out, struct {
			Images int `json:"images"`
		}{opts.fingers * opts.impressions})
	}
	fmt.Fprintf(out, "%d images in %s\n", opts.fingers*opts.impressions, opts.out)
	return nil
}
