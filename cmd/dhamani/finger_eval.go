package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/eval"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newFingerEvalCommand(g *globals) *cobra.Command {
	var dpi int
	var scores, which string
	cmd := &cobra.Command{
		Use:   "eval DIR",
		Short: "Measure the error rates on a folder of images",
		Long: `Compare every image of a folder with every other, FINGER_IMPRESSION.png each,
and tell the error rates in percent as the Fingerprint Verification Competitions
do, the median times and the median size of a template. The file of scores gets a
line "G score" of two impressions of one finger, "F score" of the first impressions
of two fingers and "I score" of any others.

With --fingers only those with an odd or an even number take part: what is chosen by
measuring one half shows on the other how well it does on fingers not seen before.`,
		Example: "  dhamani finger eval images --dpi 500 --scores images.scores\n  dhamani finger eval images --json\n" +
			"  dhamani finger eval images --fingers even",
		Args: cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			fingers, ok := eval.ParseFingers(which)
			if !ok {
				return cli.WrongUsage(cmd, "there are no fingers %q; odd, even and all are known", which)
			}
			return runFingerEval(cmd.Context(), cmd.OutOrStdout(), g, args[0], dpi, fingers, scores)
		},
	}
	cmd.Flags().IntVar(&dpi, "dpi", 500, "resolution of the images in pixels an inch")
	cmd.Flags().StringVar(&scores, "scores", "", "file for the scores")
	cmd.Flags().StringVar(&which, "fingers", "all", "fingers that take part by their number: odd, even or all")
	return cmd
}

func runFingerEval(ctx context.Context, out io.Writer, g *globals, dir string, dpi int, fingers eval.Fingers, scores string) error {
	to := io.Discard
	flush := func() error { return nil }
	if scores != "" {
		f, err := os.Create(filepath.Clean(scores))
		if err != nil {
			return fmt.Errorf("create file of scores: %w", err)
		}
		w := bufio.NewWriter(f)
		to = w
		flush = func() error {
			if err := w.Flush(); err != nil {
				_ = f.Close()
				return err
			}
			return f.Close()
		}
	}
	r, err := eval.Run(ctx, dir, dpi, fingers, to)
	if closed := flush(); err == nil && closed != nil {
		err = fmt.Errorf("write scores: %w", closed)
	}
	if err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, r)
	}
	fmt.Fprintf(out, "comparisons   %d of one finger, %d of two; %d images without a template\n", r.Genuine, r.Impostor, r.Failures)
	if r.Genuine == 0 || r.Impostor == 0 {
		fmt.Fprintln(out, "no error rates: they want comparisons of both kinds")
	} else {
		printRates(out, r.Metrics)
	}
	fmt.Fprintf(out, "extraction    %.1f ms, %d bytes a template\n", r.ExtractMS, r.TemplateBytes)
	fmt.Fprintf(out, "comparison    %.1f µs\n", r.MatchUS)
	return nil
}

// printRates prints what Measure found.
func printRates(out io.Writer, m eval.Metrics) {
	fmt.Fprintf(out, "EER           %.2f %%\n", m.EER)
	fmt.Fprintf(out, "FMR100        %.2f %%\n", m.FMR100)
	fmt.Fprintf(out, "FMR1000       %.2f %%\n", m.FMR1000)
	fmt.Fprintf(out, "ZeroFMR       %.2f %%\n", m.ZeroFMR)
}
